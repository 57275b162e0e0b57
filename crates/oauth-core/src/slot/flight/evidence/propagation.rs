//! A token that its API has refused and may not know yet: when it is tried again.

use std::time::Duration;

use super::super::entry::Guidance;
use super::super::schedule::BackoffPolicy;

/// Its predecessor is sent until then, if that is not zero.
#[derive(Default)]
pub(in super::super) struct Propagation {
    until: Duration,
    trials: u32,
}

impl Propagation {
    pub(super) fn is_under_way(&self) -> bool {
        !self.until.is_zero()
    }

    /// It was refused, by a trial or for the first time, and its predecessor is sent instead. Of many that were sent together only the first counts.
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

    /// Which token a request is sent with. `accepted`: someone knows the slot's token.
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
        // Should nothing be heartbeat of it, another one tries after the same time.
        self.until = now.saturating_add(backoff.refusal_pause(self.trials));
        Guidance::Trial
    }
}
