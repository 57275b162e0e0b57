//! Targets that have refused tokens.

use std::num::NonZeroU64;
use std::time::Duration;

use super::super::target::Target;

/// How many are kept; those with the fewest pauses are evicted first.
const MOST: usize = 16;

/// The targets that most recently refused a token.
#[derive(Clone, Debug, Default)]
pub(super) struct Targets(Vec<Refusing>);

/// A target that has refused a token and not accepted one since. 16 bytes.
#[derive(Clone, Copy, Debug)]
struct Refusing {
    /// In nanoseconds on the slot's clock.
    paused_until: u64,
    target: Target,
    /// The newest token at the time of its refusal: the low bits of the generation.
    refused: u16,
    /// How many refreshes did not help it.
    futile: u8,
}

impl Targets {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn contains(&self, target: Target) -> bool {
        self.0.iter().any(|known| known.target == target)
    }

    /// How long it gets no refresh.
    pub(super) fn pause(&self, target: Target, now: Duration) -> Option<Duration> {
        let known = self.0.iter().find(|known| known.target == target)?;
        let until = Duration::from_nanos(known.paused_until);
        until.checked_sub(now).filter(|wait| !wait.is_zero())
    }

    /// It refused a token while this one was the newest.
    pub(super) fn refuses(&mut self, target: Target, newest: NonZeroU64) {
        if !self.contains(target) {
            if self.0.len() == MOST {
                let first = self.0.iter().enumerate();
                let least = first.min_by_key(|(at, known)| (known.futile, known.paused_until, *at));
                if let Some((at, _)) = least {
                    self.0.remove(at);
                }
            }
            let refused = last_digits(newest);
            self.0.push(Refusing { paused_until: 0, target, refused, futile: 0 });
        }
    }

    /// It refused this token as well. If that token is newer than at its last refusal, the refresh did not
    /// help, and the target is paused: for how long, `pause` derives from the number of such refreshes.
    pub(super) fn refuses_again(
        &mut self,
        target: Target,
        number: NonZeroU64,
        newest: NonZeroU64,
        now: Duration,
        pause: impl FnOnce(u32) -> Duration,
    ) {
        let known = self.0.iter_mut().find(|known| known.target == target);
        let Some(known) = known.filter(|known| is_newer(last_digits(number), known.refused)) else {
            return;
        };
        known.refused = last_digits(newest);
        known.futile = known.futile.saturating_add(1);
        let until = now.saturating_add(pause(known.futile.into()));
        known.paused_until = u64::try_from(until.as_nanos()).unwrap_or(u64::MAX);
    }

    /// It accepted a token.
    pub(super) fn accepts(&mut self, target: Target) {
        self.0.retain(|known| known.target != target);
    }
}

fn last_digits(number: NonZeroU64) -> u16 {
    let [first, second, ..] = number.get().to_le_bytes();
    u16::from_le_bytes([first, second])
}

/// Wrapping comparison, for numbers less than half the range apart.
fn is_newer(one: u16, other: u16) -> bool {
    let ahead = one.wrapping_sub(other);
    ahead != 0 && ahead < 1 << 15
}

#[cfg(test)]
mod tests {
    use std::hash::RandomState;

    use http::Method;

    use super::*;

    const S: fn(u64) -> Duration = Duration::from_secs;

    fn number(number: u64) -> NonZeroU64 {
        NonZeroU64::new(number).unwrap()
    }

    fn all(count: usize) -> Vec<Target> {
        let hasher = RandomState::new();
        let target = |n| Target::of(&hasher, &Method::GET, "https", "a.example", &format!("/{n}"));
        (0..count).map(target).collect()
    }

    #[test]
    fn sixteen_bytes_a_target() {
        assert_eq!(size_of::<Refusing>(), 16);
    }

    #[test]
    fn a_target_pauses_when_a_newer_token_did_not_help_and_for_no_older_one() {
        let target = all(1)[0];
        let mut targets = Targets::default();
        let pause = |count: u32| S(10 * u64::from(count));
        targets.refuses(target, number(65_535));
        assert_eq!(targets.pause(target, S(0)), None);
        for late in [65_535, 65_534, 40_000] {
            targets.refuses_again(target, number(late), number(late), S(0), pause);
            assert_eq!(targets.pause(target, S(0)), None, "{late}");
        }
        // The digits that are kept begin again.
        targets.refuses_again(target, number(65_536), number(65_536), S(1), pause);
        assert_eq!(targets.pause(target, S(1)), Some(S(10)));
        assert_eq!(targets.pause(target, S(10)), Some(S(1)));
        assert_eq!(targets.pause(target, S(11)), None);
        targets.refuses_again(target, number(65_537), number(65_537), S(20), pause);
        assert_eq!(targets.pause(target, S(20)), Some(S(20)));
        targets.accepts(target);
        assert!(targets.is_empty());
    }

    #[test]
    fn of_more_than_sixteen_those_with_the_fewest_pauses_and_the_oldest_go() {
        let all = all(20);
        let mut targets = Targets::default();
        targets.refuses(all[0], number(1));
        targets.refuses_again(all[0], number(2), number(2), S(0), |_| S(60));
        for target in &all[1..] {
            targets.refuses(*target, number(1));
        }
        assert_eq!(targets.0.len(), MOST);
        let kept: Vec<_> = all.iter().map(|target| targets.contains(*target)).collect();
        assert!(kept[0] && !kept[1..5].contains(&true) && !kept[5..].contains(&false), "{kept:?}");
    }

    #[test]
    fn counts_and_times_at_the_end_of_their_range_stay_there() {
        let target = all(1)[0];
        let mut targets = Targets::default();
        targets.refuses(target, number(1));
        for token in 2..600 {
            targets.refuses_again(target, number(token), number(token), Duration::MAX, |count| {
                S(count.into())
            });
        }
        assert_eq!(targets.0[0].futile, u8::MAX);
        assert!(targets.pause(target, S(0)).is_some());
    }
}
