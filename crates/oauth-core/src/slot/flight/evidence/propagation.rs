//! When a token is tried again that the API refused, perhaps because it does not know it yet.

use std::time::Duration;

use super::super::entry::Guidance;
use super::super::schedule::BackoffPolicy;

/// Until when the predecessor is sent instead; zero if it is not.
#[derive(Default)]
pub(in super::super) struct Propagation {
    until: Duration,
    trials: u32,
}

impl Propagation {
    pub(super) fn is_under_way(&self) -> bool {
        !self.until.is_zero()
    }

    /// It was refused, by a trial or for the first time, and its predecessor is sent instead. Of several
    /// that were sent together, only the first counts.
    pub(in super::super) fn refused(
        &mut self,
        trial: bool,
        now: Duration,
        backoff: &BackoffPolicy,
    ) {
        if trial || !self.is_under_way() {
            self.trials = self.trials.saturating_add(1);
            self.until = now.saturating_add(backoff.refusal_pause(self.trials));
        }
    }

    /// Which token a request is sent with. `accepted`: the API has accepted the slot's token.
    pub(in super::super) fn guidance(
        &mut self,
        accepted: bool,
        repeatable: bool,
        now: Duration,
        backoff: &BackoffPolicy,
    ) -> Guidance {
        if !self.is_under_way() {
            return Guidance::Newest;
        }
        if now < self.until {
            return Guidance::Predecessor;
        }
        if accepted {
            // Until it is refused again.
            self.until = Duration::ZERO;
            return Guidance::Newest;
        }
        if !repeatable {
            return Guidance::Predecessor;
        }
        // If the trial never reports back, another request tries after the same time.
        self.until = now.saturating_add(backoff.refusal_pause(self.trials));
        Guidance::Trial
    }
}
