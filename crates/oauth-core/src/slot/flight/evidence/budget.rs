//! A token bucket.

use std::time::Duration;

/// A number at once, and one more after each interval.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    interval: Duration,
    /// The whole budget, as time.
    whole: Duration,
    /// When the budget is full again.
    full_at: Duration,
}

impl Budget {
    pub(super) fn new(at_once: u32, interval: Duration) -> Self {
        Self { interval, whole: interval * at_once, full_at: Duration::ZERO }
    }

    pub(super) fn is_full(&self, now: Duration) -> bool {
        self.full_at <= now
    }

    /// Takes one, or returns how long until there is one.
    pub(super) fn take(&mut self, now: Duration) -> Result<(), Duration> {
        let full_at = self.full_at.max(now).saturating_add(self.interval);
        match full_at.checked_sub(now.saturating_add(self.whole)) {
            Some(wait) if !wait.is_zero() => Err(wait),
            _ => {
                self.full_at = full_at;
                Ok(())
            }
        }
    }

    /// Gives one back.
    pub(super) fn refund(&mut self) {
        self.full_at = self.full_at.saturating_sub(self.interval);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: fn(u64) -> Duration = Duration::from_secs;

    #[test]
    fn there_are_so_many_at_once_and_one_more_each_interval() {
        let mut budget = Budget::new(3, S(30));
        assert!(budget.is_full(S(100)));
        for _ in 0..3 {
            budget.take(S(100)).unwrap();
        }
        assert_eq!(budget.take(S(100)), Err(S(30)));
        assert_eq!(budget.take(S(129)), Err(S(1)));
        budget.take(S(130)).unwrap();
        assert_eq!(budget.take(S(131)), Err(S(29)));
        assert!(!budget.is_full(S(219)));
        assert!(budget.is_full(S(220)));
    }

    #[test]
    fn one_that_is_given_back_can_be_taken_again() {
        let mut budget = Budget::new(1, S(30));
        budget.take(S(100)).unwrap();
        budget.refund();
        assert!(budget.is_full(S(100)));
        budget.take(S(100)).unwrap();
        // It never holds more than all of them.
        budget.refund();
        budget.refund();
        budget.take(S(101)).unwrap();
        assert_eq!(budget.take(S(101)), Err(S(30)));
    }
}
