//! The slot's clock.

mod coarse;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use self::coarse::Coarse;
pub(crate) use self::coarse::{CoarseDeadline, Reading};

/// A monotonic clock, injected into the slot so that tests control the time.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The time since a fixed, arbitrary point. It must never go backward.
    fn now(&self) -> Duration;
}

/// The default clock. It counts the time that the machine was suspended, where the system supports that, so
/// that a token that expired meanwhile is not used. A step of the wall clock changes nothing.
///
/// - Linux: `CLOCK_BOOTTIME`. For a token that is fresh for another five seconds or more it is not read at
///   all, but two coarse clocks that take a few nanoseconds: while `CLOCK_REALTIME_COARSE` and
///   `CLOCK_MONOTONIC_COARSE` are as far apart as when the token was fetched, the machine was not suspended
///   and the wall clock was not set. Otherwise the precise clock is read.
/// - Elsewhere: [`std::time::Instant`]. It counts suspended time on Windows but not on macOS: there a
///   laptop that slept may send one expired token, and the 401 refreshes it.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct SystemClock;

#[cfg(target_os = "linux")]
impl Clock for SystemClock {
    fn now(&self) -> Duration {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        // Both are positive for this clock; the fallback avoids a panic on an odd kernel.
        Duration::new(
            u64::try_from(now.tv_sec).unwrap_or(0),
            u32::try_from(now.tv_nsec).unwrap_or(0),
        )
    }
}

#[cfg(not(target_os = "linux"))]
impl Clock for SystemClock {
    fn now(&self) -> Duration {
        use std::sync::OnceLock;
        use std::time::Instant;
        static START: OnceLock<Instant> = OnceLock::new();
        START.get_or_init(Instant::now).elapsed()
    }
}

/// A slot's clock. The default one is called statically.
#[derive(Clone, Debug)]
pub(crate) enum AnyClock {
    System,
    Other(Arc<dyn Clock>),
}

impl AnyClock {
    #[inline]
    pub(crate) fn now(&self) -> Duration {
        match self {
            Self::System => SystemClock.now(),
            Self::Other(clock) => clock.now(),
        }
    }

    /// A reading that coarse deadlines can be derived from.
    pub(crate) fn read(&self) -> Reading {
        match self {
            Self::System => Reading::of(|| SystemClock.now(), Coarse::read),
            Self::Other(clock) => Reading::precise(clock.now()),
        }
    }
}

/// Tokio's clock, for tests: it stands still and jumps with `tokio::time::pause` and `advance`.
#[derive(Clone, Copy, Debug)]
pub struct TokioClock(tokio::time::Instant);

impl TokioClock {
    /// Creates a clock that starts at zero now. Create it inside the paused runtime.
    pub fn new() -> Self {
        Self(tokio::time::Instant::now())
    }
}

impl Default for TokioClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for TokioClock {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_clock_goes_forward() {
        let a = SystemClock.now();
        assert!(SystemClock.now() >= a);
        // A clock that moves does so within so many looks.
        assert!((0..10_000_000).any(|_| SystemClock.now() > a));
    }

    #[tokio::test(start_paused = true)]
    async fn the_tokio_clock_jumps_with_paused_time() {
        let clock = TokioClock::new();
        tokio::time::advance(Duration::from_secs(7)).await;
        assert_eq!(clock.now(), Duration::from_secs(7));
    }
}
