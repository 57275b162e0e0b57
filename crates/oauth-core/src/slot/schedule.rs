//! When to refresh, when to expire, how long to wait. Pure: no clock, no I/O, no randomness; `draw` is a
//! random number from 0 to 1.

use std::time::Duration;

/// When a token is refreshed and when it is no longer attached.
#[derive(Clone, Debug)]
pub(crate) struct Lifecycle {
    /// The source's or the user's refresh window.
    pub(crate) window: Option<Duration>,
    /// The same as a fraction of the token's lifetime, 0 to 1; the smaller of the two counts.
    pub(crate) fraction: f64,
    /// How long before its expiry a token is no longer attached; never more than a tenth of its lifetime.
    pub(crate) margin: Duration,
    /// How far the window may grow, as a fraction of itself, drawn once per token, so that processes that
    /// started together do not refresh together.
    pub(crate) jitter: f64,
}

impl Default for Lifecycle {
    fn default() -> Self {
        Self { window: None, fraction: 0.25, margin: Duration::from_secs(5), jitter: 0.1 }
    }
}

/// The two instants of a token, on the slot's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Times {
    pub(crate) stale_at: Duration,
    pub(crate) expires_at: Duration,
}

impl Lifecycle {
    /// For a token that lives for `life` from `started`; without a lifetime it never expires.
    pub(crate) fn times(&self, started: Duration, life: Option<Duration>, draw: f64) -> Times {
        let Some(life) = life else {
            return Times { stale_at: Duration::MAX, expires_at: Duration::MAX };
        };
        let end = started.saturating_add(life);
        let expires_at = end.saturating_sub(self.margin.min(life / 10));
        let by_life = scale(life, self.fraction);
        let window = self.window.map_or(by_life, |w| w.min(by_life));
        let window = window.saturating_add(scale(window, self.jitter * draw));
        let stale_at = end.saturating_sub(window).max(started).min(expires_at);
        Times { stale_at, expires_at }
    }
}

/// Waits between attempts and between flights.
#[derive(Clone, Debug)]
pub(crate) struct BackoffPolicy {
    /// First ceiling of the back-off inside a flight; doubles.
    pub(crate) backoff_base: Duration,
    pub(crate) backoff_cap: Duration,
    /// First cool-down after a failed flight; doubles.
    pub(crate) cool_down_base: Duration,
    pub(crate) transient_cap: Duration,
    pub(crate) permanent_cap: Duration,
    /// First pause after a refreshed token was refused as well; doubles.
    pub(crate) refusal_pause_base: Duration,
    pub(crate) refusal_pause_cap: Duration,
    /// Cap on `Retry-After`.
    pub(crate) retry_after_cap: Duration,
}

impl Default for BackoffPolicy {
    fn default() -> Self {
        let s = Duration::from_secs;
        Self {
            backoff_base: Duration::from_millis(200),
            backoff_cap: s(5),
            cool_down_base: s(1),
            transient_cap: s(30),
            permanent_cap: s(60),
            refusal_pause_base: s(1),
            refusal_pause_cap: s(60),
            retry_after_cap: s(300),
        }
    }
}

impl BackoffPolicy {
    /// Before the next attempt inside a flight, after `failed` attempts (1 for the first): full
    /// jitter, and never before the server's `Retry-After`.
    pub(crate) fn backoff(
        &self,
        failed: u32,
        draw: f64,
        retry_after: Option<Duration>,
    ) -> Duration {
        let ceiling = doubled(self.backoff_base, failed, self.backoff_cap);
        scale(ceiling, draw).max(self.believed(retry_after))
    }

    /// After the `failed`-th failed flight in a row. Jitter only lengthens it; the cap holds.
    pub(crate) fn cool_down(
        &self,
        failed: u32,
        transient: bool,
        draw: f64,
        retry_after: Option<Duration>,
    ) -> Duration {
        let cap = if transient { self.transient_cap } else { self.permanent_cap };
        let base = doubled(self.cool_down_base, failed, cap);
        base.saturating_add(scale(base, 0.1 * draw)).min(cap).max(self.believed(retry_after))
    }

    /// After the `refused`-th refreshed token in a row that was refused.
    pub(crate) fn refusal_pause(&self, refused: u32) -> Duration {
        doubled(self.refusal_pause_base, refused, self.refusal_pause_cap)
    }

    fn believed(&self, retry_after: Option<Duration>) -> Duration {
        retry_after.unwrap_or(Duration::ZERO).min(self.retry_after_cap)
    }
}

/// `base` doubled `count - 1` times, up to `cap`.
fn doubled(base: Duration, count: u32, cap: Duration) -> Duration {
    // 2^31 times any base in use is beyond every cap.
    base.saturating_mul(1 << count.saturating_sub(1).min(31)).min(cap)
}

/// A fraction of a duration, without the panics of `mul_f64`.
fn scale(duration: Duration, part: f64) -> Duration {
    Duration::try_from_secs_f64(duration.as_secs_f64() * part).unwrap_or(duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: fn(u64) -> Duration = Duration::from_secs;

    #[test]
    fn the_window_is_the_smaller_of_the_setting_and_a_quarter_of_life() {
        let wide = Lifecycle { window: Some(S(60)), ..Lifecycle::default() };
        let times = wide.times(S(100), Some(S(3600)), 0.0);
        assert_eq!(times, Times { stale_at: S(3640), expires_at: S(3695) });
        // A fixed window of 60 s would make this token stale from the start.
        let times = wide.times(S(100), Some(S(60)), 0.0);
        assert_eq!(times, Times { stale_at: S(145), expires_at: S(155) });
    }

    #[test]
    fn jitter_moves_the_window_earlier_by_up_to_a_tenth_of_itself() {
        let life = Some(S(4000));
        let at = |draw| Lifecycle::default().times(S(0), life, draw).stale_at;
        assert_eq!((at(0.0), at(1.0)), (S(3000), S(2900)));
    }

    #[test]
    fn a_short_life_keeps_a_margin_of_a_tenth_and_extremes_saturate() {
        let rules = Lifecycle::default();
        let times = rules.times(S(10), Some(S(1)), 0.0);
        assert_eq!(times.expires_at, Duration::from_millis(10_900));
        let zero = rules.times(S(10), Some(Duration::ZERO), 1.0);
        assert_eq!(zero, Times { stale_at: S(10), expires_at: S(10) });
        let huge = rules.times(S(10), Some(Duration::MAX), 1.0);
        assert!(huge.stale_at > S(u64::MAX / 2) && huge.stale_at <= huge.expires_at);
        assert_eq!(rules.times(S(10), None, 1.0).stale_at, Duration::MAX);
    }

    #[test]
    fn a_window_of_zero_never_outlives_the_margin() {
        let rules = Lifecycle { window: Some(Duration::ZERO), ..Lifecycle::default() };
        let times = rules.times(S(0), Some(S(100)), 0.5);
        assert_eq!(times, Times { stale_at: S(95), expires_at: S(95) });
    }

    #[test]
    fn cool_downs_double_up_to_their_cap_and_jitter_only_lengthens() {
        let p = BackoffPolicy::default();
        let steps: Vec<_> = (1..8).map(|n| p.cool_down(n, true, 0.0, None).as_secs()).collect();
        assert_eq!(steps, [1, 2, 4, 8, 16, 30, 30]);
        let steps: Vec<_> = (1..9).map(|n| p.cool_down(n, false, 0.0, None).as_secs()).collect();
        assert_eq!(steps, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(p.cool_down(1, true, 1.0, None), Duration::from_millis(1100));
        assert_eq!(p.cool_down(u32::MAX, true, 1.0, None), S(30));
    }

    #[test]
    fn retry_after_lengthens_a_wait_up_to_the_cap() {
        let p = BackoffPolicy::default();
        assert_eq!(p.backoff(1, 0.5, None), Duration::from_millis(100));
        assert_eq!(p.backoff(30, 1.0, None), S(5));
        assert_eq!(p.backoff(1, 0.5, Some(S(7))), S(7));
        assert_eq!(p.cool_down(1, true, 0.0, Some(S(1_000_000_000_000))), S(300));
    }
}
