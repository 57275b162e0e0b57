//! How many refreshes refusals may cause.

use std::time::Duration;

use super::budget::Budget;

/// Minimum interval between warnings about an empty budget.
const WARN_AGAIN: Duration = Duration::from_secs(60);

pub(in super::super) struct Budgets {
    /// Refreshes that have not helped, or not yet.
    unproven: Budget,
    /// All refreshes.
    asked: Budget,
    warned_at: Option<Duration>,
}

/// Why a refusal starts no flight.
pub(in super::super) struct Exhausted {
    pub(in super::super) wait: Duration,
    /// Whether refreshes help, but tokens keep being refused.
    pub(in super::super) helps: bool,
    /// Whether to log a warning.
    pub(in super::super) warn: bool,
}

impl Default for Budgets {
    fn default() -> Self {
        Self {
            unproven: Budget::new(10, Duration::from_secs(30)),
            asked: Budget::new(30, Duration::from_secs(5)),
            warned_at: None,
        }
    }
}

impl Budgets {
    pub(super) fn are_full(&self, now: Duration) -> bool {
        self.unproven.is_full(now) && self.asked.is_full(now)
    }

    /// Whether every refresh so far has helped: only then are new requests held for the next one.
    pub(in super::super) fn allow_hold(&self, now: Duration) -> bool {
        self.unproven.is_full(now)
    }

    /// A refusal asks for a refresh.
    pub(in super::super) fn take(&mut self, now: Duration) -> Result<(), Exhausted> {
        if let Err(wait) = self.unproven.take(now) {
            return Err(self.exhausted(wait, false, now));
        }
        if let Err(wait) = self.asked.take(now) {
            self.unproven.refund();
            return Err(self.exhausted(wait, true, now));
        }
        Ok(())
    }

    fn exhausted(&mut self, wait: Duration, helps: bool, now: Duration) -> Exhausted {
        let warn = self.warned_at.is_none_or(|at| now.saturating_sub(at) >= WARN_AGAIN);
        if warn {
            self.warned_at = Some(now);
        }
        Exhausted { wait, helps, warn }
    }

    /// A refresh helped, or it failed, which says nothing about its target.
    pub(super) fn was_no_failure(&mut self) {
        self.unproven.refund();
    }

    /// A refresh was aborted, and another one takes its place.
    pub(super) fn was_none(&mut self) {
        self.unproven.refund();
        self.asked.refund();
    }
}
