//! What refusals and acceptances have shown about tokens, targets and refreshes. Created at the first
//! refusal and dropped when it no longer affects anything.

mod budget;
mod budgets;
mod propagation;
mod strikes;
mod targets;

pub(super) use self::budgets::Exhausted;

use std::num::NonZeroU64;
use std::time::Duration;

use self::budgets::Budgets;
use self::propagation::Propagation;
use self::strikes::Strikes;
use self::targets::Targets;
use super::completion::{Completer, Completion, completion};
use super::schedule::BackoffPolicy;
use super::target::Target;

/// How long after a refusal of the slot's token its acceptance at the same target is still watched for.
/// Bounded, because a target that refuses all tokens must not make every request report its success for
/// long.
const STRUCK: Duration = Duration::from_secs(60);

#[derive(Default)]
pub(super) struct Evidence {
    targets: Targets,
    /// Against the slot's token.
    current: Strikes,
    /// When the last of them came, while it matters which target accepts the token after all.
    struck_at: Option<Duration>,
    /// Against its predecessor.
    predecessor: Strikes,
    pub(super) propagation: Propagation,
    /// Budgets for refreshes that refusals ask for.
    pub(super) budgets: Budgets,
    charge: Option<Charge>,
    repeated: Option<Repeated>,
    hold: Option<Hold>,
}

/// The target that a refresh is charged to.
struct Charge {
    flight: u64,
    target: Target,
    /// The token that it brought, once it has completed.
    brought: Option<NonZeroU64>,
}

/// The issuer returned a refused token once more: asking again soon does not help, whichever target refuses
/// it.
struct Repeated {
    number: NonZeroU64,
    until: Duration,
    count: u32,
}

/// New requests wait while a flight is under way that the refusal of the slot's token started.
struct Hold {
    flight: u64,
    until: Duration,
    completion: Completion,
    /// Dropping it wakes the requests that are held.
    completer: Completer,
}

impl Evidence {
    /// Whether a slot without it would behave the same.
    pub(super) fn is_void(&self, now: Duration) -> bool {
        self.targets.is_empty()
            && self.current.is_empty()
            && self.predecessor.is_empty()
            && !self.guides()
            && !self.watches()
            && self.repeated.is_none()
            && self.budgets.are_full(now)
    }

    /// Whether requests must take the lock to learn which token they get, and when.
    pub(super) fn guides(&self) -> bool {
        self.hold.is_some() || self.propagation.is_under_way()
    }

    /// Whether something depends on which target accepts the token.
    pub(super) fn watches(&self) -> bool {
        self.charge.is_some() || self.struck_at.is_some()
    }
}

/// Refusals.
impl Evidence {
    pub(super) fn strike(&mut self, predecessor: bool, target: Target, now: Duration) {
        if predecessor {
            self.predecessor.add(target);
        } else if self.current.add(target) {
            self.struck_at = Some(now);
        }
    }

    pub(super) fn is_refusing(&self, target: Target) -> bool {
        self.targets.contains(target)
    }

    pub(super) fn refused(&mut self, target: Target, newest: NonZeroU64) {
        self.targets.refuses(target, newest);
    }

    /// A refusal after which the request is not sent again. If a refresh was charged to this target, the
    /// target has seen its token and refuses it as well.
    pub(super) fn refused_for_good(
        &mut self,
        target: Target,
        number: NonZeroU64,
        newest: NonZeroU64,
        now: Duration,
        backoff: &BackoffPolicy,
    ) {
        let is_charged = |c: &mut Charge| c.brought == Some(number) && c.target == target;
        self.charge.take_if(is_charged);
        if self.is_refusing(target) {
            let pause = |count| backoff.refusal_pause(count);
            self.targets.refuses_again(target, number, newest, now, pause);
        } else {
            self.targets.refuses(target, newest);
        }
    }

    /// How long a refusal by this target starts no refresh. Requests that are not kept for a replay share
    /// one target, so the refusals of one say nothing about the others.
    pub(super) fn pause(
        &self,
        target: Target,
        number: NonZeroU64,
        now: Duration,
    ) -> Option<Duration> {
        let futile = self.targets.pause(target, now).filter(|_| target.is_known());
        self.pause_with(number, now).max(futile)
    }

    /// How long a refusal of this token starts no refresh, whichever target refuses it.
    pub(super) fn pause_with(&self, number: NonZeroU64, now: Duration) -> Option<Duration> {
        let repeated = self.repeated.as_ref().filter(|repeated| repeated.number == number)?;
        repeated.until.checked_sub(now).filter(|wait| !wait.is_zero())
    }

    /// The flight for the charge has started. New requests wait for it until `hold_until`.
    pub(super) fn started_for(
        &mut self,
        flight: u64,
        target: Target,
        hold_until: Option<Duration>,
    ) {
        self.charge = Some(Charge { flight, target, brought: None });
        self.hold = hold_until.map(|until| {
            let (completer, completion) = completion();
            Hold { flight, until, completion, completer }
        });
    }
}

/// Flights that end.
impl Evidence {
    /// It brought a token that replaces the slot's. `keeps`: the predecessor stays the same.
    pub(super) fn brought(&mut self, flight: u64, number: NonZeroU64, keeps: bool) {
        self.propagation = Propagation::default();
        self.repeated = None;
        if !keeps {
            self.predecessor = self.current;
        }
        self.current = Strikes::default();
        self.struck_at = None;
        match &mut self.charge {
            Some(charge) if charge.flight == flight => charge.brought = Some(number),
            // That token can no longer be accepted.
            _ => self.charge = None,
        }
    }

    /// It brought the refused token again: `number`.
    pub(super) fn brought_the_same(
        &mut self,
        flight: u64,
        number: NonZeroU64,
        now: Duration,
        backoff: &BackoffPolicy,
    ) {
        self.charge.take_if(|charge| charge.flight == flight);
        let before = self.repeated.take().filter(|repeated| repeated.number == number);
        let count = before.map_or(0, |repeated| repeated.count).saturating_add(1);
        let until = now.saturating_add(backoff.refusal_pause(count));
        self.repeated = Some(Repeated { number, until, count });
    }

    /// It failed, which says nothing about its target.
    pub(super) fn brought_nothing(&mut self, flight: u64) {
        if self.charge.take_if(|charge| charge.flight == flight).is_some() {
            self.budgets.was_no_failure();
        }
    }

    /// The source had no other token yet and nothing is wrong: the refresh costs nothing.
    pub(super) fn put_off(&mut self, flight: u64) {
        self.cut_off(flight);
    }

    /// Refusals of this token start no flight before `until`, whichever target refuses it.
    pub(super) fn wait_with(&mut self, number: NonZeroU64, until: Duration) {
        let before = self.repeated.take().filter(|repeated| repeated.number == number);
        let count = before.map_or(0, |repeated| repeated.count);
        self.repeated = Some(Repeated { number, until, count });
    }

    /// It ended without a result, and another one will take its place.
    pub(super) fn cut_off(&mut self, flight: u64) {
        if self.charge.take_if(|charge| charge.flight == flight).is_some() {
            self.budgets.was_none();
        }
    }
}

/// Acceptances.
impl Evidence {
    /// The slot's token was accepted for the first time: earlier refusals only meant that it was not known
    /// yet.
    pub(super) fn accepted_first(&mut self) {
        self.current = Strikes::default();
    }

    pub(super) fn accepted(
        &mut self,
        predecessor: bool,
        target: Target,
        number: NonZeroU64,
        now: Duration,
    ) {
        let strikes = if predecessor { &mut self.predecessor } else { &mut self.current };
        strikes.remove(target);
        self.targets.accepts(target);
        let is_over = |at: &mut Duration| now.saturating_sub(*at) >= STRUCK;
        self.struck_at.take_if(|at| self.current.is_empty() || is_over(at));
        let helped = |c: &mut Charge| c.brought == Some(number) && c.target == target;
        if self.charge.take_if(helped).is_some() {
            self.budgets.was_no_failure();
            // The newer token is good where the older one was refused.
            if !self.predecessor.allow(target) {
                self.predecessor.rule_out(target);
            }
        }
    }
}

/// The predecessor.
impl Evidence {
    pub(super) fn allows_predecessor(&self, target: Target) -> bool {
        self.predecessor.allow(target)
    }

    /// The predecessor is gone.
    pub(super) fn forget_propagation(&mut self) {
        self.propagation = Propagation::default();
        self.predecessor = Strikes::default();
    }
}

/// The hold. What these methods return is dropped after the state's lock is released, which wakes the
/// requests that are held.
impl Evidence {
    /// What a new request waits for, and how long.
    pub(super) fn held(&self, now: Duration) -> Option<(Completion, Duration)> {
        let hold = self.hold.as_ref()?;
        Some((hold.completion.clone(), hold.until.saturating_sub(now)))
    }

    /// The flight for which requests are held.
    pub(super) fn holding_for(&self) -> Option<u64> {
        self.hold.as_ref().map(|hold| hold.flight)
    }

    pub(super) fn end_hold(&mut self) -> Option<Completer> {
        self.hold.take().map(|hold| hold.completer)
    }

    /// The same if its time is over.
    pub(super) fn end_hold_in_time(&mut self, now: Duration) -> Option<Completer> {
        self.hold.take_if(|hold| now >= hold.until).map(|hold| hold.completer)
    }
}
