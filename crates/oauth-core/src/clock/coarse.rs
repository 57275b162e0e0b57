//! Whether an instant is still ahead, without a precise reading of the clock.
//!
//! A precise reading takes 30 ns, a quarter of what a fresh token would cost. The kernel has two coarse
//! clocks with the resolution of its tick (1 to 10 ms) that take a memory access each: one stops while the
//! machine is suspended, the other is the wall clock. Their difference changes only when the machine was
//! suspended or the wall clock was set. While it is unchanged, the first can be trusted; otherwise the
//! precise clock is read, for the rest of that token's lifetime.

use std::time::Duration;

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
use rustix::time::{ClockId, DynamicClockId, Timespec, clock_gettime, clock_gettime_dynamic};

/// Safety margin: this long before an instant the coarse clocks no longer vouch for it. They lag by a tick;
/// for longer only where a hypervisor takes away the processor that ticks and leaves others running.
const COARSENESS: Duration = Duration::from_secs(5);

/// The system's clock, read precisely, and how the coarse ones stood then.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    pub(crate) now: Duration,
    coarse: Option<Coarse>,
}

impl Reading {
    /// For a clock without coarse ones.
    pub(crate) fn precise(now: Duration) -> Self {
        Self { now, coarse: None }
    }

    /// For a clock that counts suspended time, read together with the coarse ones.
    pub(super) fn of(now: impl Fn() -> Duration, coarse: impl Fn() -> Option<Coarse>) -> Self {
        // A suspension between the readings would give a deadline that is too late.
        for _ in 0..3 {
            let before = coarse();
            let now = now();
            if before.map(Coarse::apart) == coarse().map(Coarse::apart) {
                return Self { now, coarse: before };
            }
        }
        Self::precise(now())
    }

    /// The coarse deadline for `until`, as late as is safe.
    pub(crate) fn coarse_deadline(self, until: Duration) -> CoarseDeadline {
        let left = until.saturating_sub(self.now).saturating_sub(COARSENESS);
        let (Some(coarse), false) = (self.coarse, left.is_zero()) else {
            return CoarseDeadline::NONE;
        };
        let left = i64::try_from(left.as_nanos()).unwrap_or(i64::MAX);
        CoarseDeadline { until: coarse.running.saturating_add(left), apart: coarse.apart() }
    }
}

/// Until when, by the coarse clocks, an instant is certainly ahead.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CoarseDeadline {
    until: i64,
    apart: i64,
}

impl CoarseDeadline {
    /// Always inconclusive.
    pub(crate) const NONE: Self = Self { until: i64::MIN, apart: 0 };

    /// Whether the instant is ahead. `false` is inconclusive: read the precise clock.
    #[inline(always)]
    pub(crate) fn is_ahead(self) -> bool {
        self.until != i64::MIN && Coarse::now().is_some_and(|now| self.is_ahead_of(now))
    }

    #[inline(always)]
    fn is_ahead_of(self, now: Coarse) -> bool {
        now.running < self.until && now.apart() == self.apart
    }
}

/// The two coarse clocks, in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Coarse {
    /// Stands still while the machine is suspended.
    running: i64,
    /// Jumps then, and when it is set.
    wall: i64,
}

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
impl Coarse {
    /// What they show, if this kernel has both.
    pub(super) fn read() -> Option<Self> {
        let read = |clock| clock_gettime_dynamic(DynamicClockId::Known(clock)).ok();
        let (running, wall) = (read(ClockId::MonotonicCoarse)?, read(ClockId::RealtimeCoarse)?);
        Some(Self { running: nanoseconds(running), wall: nanoseconds(wall) })
    }

    /// The same for the hot path: where there is a deadline, both clocks exist.
    #[inline(always)]
    fn now() -> Option<Self> {
        let running = nanoseconds(clock_gettime(ClockId::MonotonicCoarse));
        Some(Self { running, wall: nanoseconds(clock_gettime(ClockId::RealtimeCoarse)) })
    }
}

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
#[inline(always)]
fn nanoseconds(time: Timespec) -> i64 {
    // Wraps 292 years after the clock's beginning; what is compared are differences.
    time.tv_sec.wrapping_mul(1_000_000_000).wrapping_add(time.tv_nsec)
}

#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
impl Coarse {
    pub(super) fn read() -> Option<Self> {
        None
    }

    fn now() -> Option<Self> {
        None
    }
}

impl Coarse {
    #[inline(always)]
    fn apart(self) -> i64 {
        self.wall.wrapping_sub(self.running)
    }
}

#[cfg(test)]
impl Reading {
    /// A reading while the coarse clocks show `running` and `wall`, for tests.
    pub(crate) fn beside(now: Duration, [running, wall]: [i64; 2]) -> Self {
        Self { now, coarse: Some(Coarse::seconds(running, wall)) }
    }
}

#[cfg(test)]
impl CoarseDeadline {
    /// Whether the instant is ahead when the coarse clocks show this, for tests.
    pub(crate) fn is_ahead_at(self, [running, wall]: [i64; 2]) -> bool {
        self.is_ahead_of(Coarse::seconds(running, wall))
    }
}

#[cfg(test)]
impl Coarse {
    fn seconds(running: i64, wall: i64) -> Self {
        const SECOND: i64 = 1_000_000_000;
        Self { running: running * SECOND, wall: wall * SECOND }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    const S: fn(u64) -> Duration = Duration::from_secs;
    const RUNNING: i64 = 500;
    const WALL: i64 = 1_800_000_000;

    /// A deadline that was set at 700 s of the precise clock.
    fn coarse_deadline(until: Duration) -> CoarseDeadline {
        Reading::beside(S(700), [RUNNING, WALL]).coarse_deadline(until)
    }

    fn later(running: i64, wall: i64) -> [i64; 2] {
        [RUNNING + running, WALL + wall]
    }

    #[test]
    fn an_instant_is_ahead_until_five_seconds_before_it() {
        assert!(coarse_deadline(S(800)).is_ahead_at(later(0, 0)));
        assert!(coarse_deadline(S(800)).is_ahead_at(later(94, 94)));
        assert!(!coarse_deadline(S(800)).is_ahead_at(later(95, 95)));
        assert!(!coarse_deadline(S(705)).is_ahead_at(later(0, 0)));
        assert!(!coarse_deadline(S(600)).is_ahead_at(later(0, 0)));
    }

    #[test]
    fn a_machine_that_was_suspended_does_not_know_what_is_ahead() {
        assert!(!coarse_deadline(S(800)).is_ahead_at(later(10, 3610)));
    }

    #[test]
    fn a_wall_clock_that_was_set_does_not_know_what_is_ahead() {
        for wall in [-3600, 9, 11, 3600] {
            assert!(!coarse_deadline(S(800)).is_ahead_at(later(10, wall)), "{wall}");
        }
    }

    #[test]
    fn what_has_no_end_is_ahead_for_as_long_as_the_clock_can_count() {
        assert!(coarse_deadline(Duration::MAX).is_ahead_at(later(5_000_000_000, 5_000_000_000)));
    }

    #[test]
    fn what_the_systems_clocks_have_passed_is_not_ahead() {
        assert!(!CoarseDeadline { until: 0, apart: 0 }.is_ahead());
        assert!(!CoarseDeadline { until: i64::MAX, apart: 0 }.is_ahead(), "the wall clock was set");
    }

    #[test]
    fn another_clock_than_the_systems_sees_nothing_ahead() {
        assert!(!Reading::precise(S(0)).coarse_deadline(Duration::MAX).is_ahead());
    }

    /// A reading while the coarse clocks show one of these after the other.
    fn reading_while(shown: &[[i64; 2]]) -> Reading {
        let shown = RefCell::new(shown.iter());
        let coarse =
            || shown.borrow_mut().next().map(|[running, wall]| Coarse::seconds(*running, *wall));
        Reading::of(|| S(700), coarse)
    }

    #[test]
    fn a_suspension_between_the_readings_makes_them_start_again() {
        let slept = later(0, 3600);
        let reading = reading_while(&[later(0, 0), slept, slept, slept]);
        let deadline = reading.coarse_deadline(S(800));
        assert!(deadline.is_ahead_at(later(10, 3610)));
        assert!(!deadline.is_ahead_at(later(10, 10)));
    }

    #[test]
    fn readings_that_never_agree_see_nothing_ahead() {
        let shown: Vec<_> = (0..6).map(|step| later(0, step)).collect();
        let deadline = reading_while(&shown).coarse_deadline(S(800));
        assert!((0..6).all(|step| !deadline.is_ahead_at(later(0, step))));
    }

    #[cfg(all(target_os = "linux", target_pointer_width = "64"))]
    #[test]
    fn the_coarse_clocks_show_the_time_since_the_start_and_the_walls() {
        let since_2020 = Coarse::seconds(0, 1_577_836_800).wall;
        for shown in [Coarse::read(), Coarse::now()] {
            let shown = shown.unwrap();
            assert!(shown.running > 1 && shown.wall > since_2020, "{shown:?}");
        }
    }

    #[cfg(all(target_os = "linux", target_pointer_width = "64"))]
    #[test]
    fn the_systems_clock_sees_ten_minutes_ahead() {
        // More than once: a tick between the two clocks makes one look in 100,000 fail.
        let seen = || {
            let reading = Reading::of(|| S(1), Coarse::read);
            reading.coarse_deadline(S(601)).is_ahead() && !reading.coarse_deadline(S(1)).is_ahead()
        };
        assert!((0..3).any(|_| seen()));
    }
}
