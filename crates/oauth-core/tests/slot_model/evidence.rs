//! What refusals and acceptances leave behind, as plain tables; flights that refusals start, and what
//! they bring.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::{Got, Model, SECOND, Token, step};

/// What a request is for; requests of which nothing is kept share the first.
pub(crate) type Target = u8;
pub(crate) const UNKNOWN: Target = 0;
const HOLD: Duration = SECOND;

/// So many at once, and one more each interval.
pub(crate) struct Budget {
    at_once: u32,
    interval: Duration,
    owed: Duration,
    at: Duration,
}

impl Budget {
    fn new(at_once: u32, interval: Duration) -> Self {
        Self { at_once, interval, owed: Duration::ZERO, at: Duration::ZERO }
    }

    pub(crate) fn owed(&self, now: Duration) -> Duration {
        self.owed.saturating_sub(now - self.at)
    }

    /// How long there is none.
    pub(crate) fn wait(&self, now: Duration) -> Duration {
        (self.owed(now) + self.interval).saturating_sub(self.interval * self.at_once)
    }

    pub(crate) fn take(&mut self, now: Duration) {
        (self.owed, self.at) = (self.owed(now) + self.interval, now);
    }

    pub(crate) fn refund(&mut self, now: Duration) {
        (self.owed, self.at) = (self.owed(now).saturating_sub(self.interval), now);
    }
}

/// Where one token was refused: two places at most.
#[derive(Clone, Default)]
pub(crate) struct Strikes(pub(crate) Vec<Target>);

impl Strikes {
    /// Whether that is new.
    pub(crate) fn add(&mut self, target: Target) -> bool {
        let new = self.0.len() < 2 && !self.0.contains(&target);
        if new {
            self.0.push(target);
        }
        new
    }

    pub(crate) fn allow(&self, target: Target) -> bool {
        self.0.len() < 2 && !self.0.contains(&target)
    }
}

/// A target that has refused a token and not accepted one since.
pub(crate) struct Refusing {
    /// The newest token there was when it refused one.
    pub(crate) newest: u64,
    pub(crate) futile: u32,
    pub(crate) paused_until: Duration,
}

impl Refusing {
    pub(crate) fn first(newest: u64) -> Self {
        Self { newest, futile: 0, paused_until: Duration::ZERO }
    }
}

pub(crate) struct Charge {
    pub(crate) flight: u64,
    pub(crate) target: Target,
    pub(crate) brought: Option<u64>,
}

pub(crate) struct Repeated {
    pub(crate) generation: u64,
    pub(crate) count: u32,
    pub(crate) until: Duration,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Hold {
    pub(crate) flight: u64,
    pub(crate) until: Duration,
}

/// The slot's token was refused: its predecessor is sent until then, if that is not over.
pub(crate) struct Unripe {
    pub(crate) until: Option<Duration>,
    pub(crate) trials: u32,
}

pub(crate) struct Evidence {
    pub(crate) accepted: u64,
    pub(crate) predecessor: Option<Token>,
    pub(crate) against_newest: Strikes,
    /// When the last of them came, while it matters who accepts the token after all.
    pub(crate) struck_at: Option<Duration>,
    pub(crate) against_predecessor: Strikes,
    pub(crate) unripe: Option<Unripe>,
    pub(crate) targets: BTreeMap<Target, Refusing>,
    pub(crate) unproven: Budget,
    pub(crate) asked: Budget,
    pub(crate) charge: Option<Charge>,
    pub(crate) repeated: Option<Repeated>,
    pub(crate) hold: Option<Hold>,
}

impl Default for Evidence {
    fn default() -> Self {
        Self {
            accepted: 0,
            predecessor: None,
            against_newest: Strikes::default(),
            struck_at: None,
            against_predecessor: Strikes::default(),
            unripe: None,
            targets: BTreeMap::new(),
            unproven: Budget::new(10, 30 * SECOND),
            asked: Budget::new(30, 5 * SECOND),
            charge: None,
            repeated: None,
            hold: None,
        }
    }
}

/// Flights that refusals start, and what they bring.
impl Model {
    /// Pays for a flight, or says why there is none.
    pub(crate) fn pay(&mut self) -> Result<(), Got> {
        let now = self.now;
        let known = &mut self.known;
        for budget in [&known.unproven, &known.asked] {
            let wait = budget.wait(now);
            if !wait.is_zero() {
                return Err(Err(Some(wait)));
            }
        }
        known.unproven.take(now);
        known.asked.take(now);
        Ok(())
    }

    pub(crate) fn may_hold(&self) -> bool {
        self.known.unproven.owed(self.now).is_zero()
    }

    pub(crate) fn charged(&mut self, flight: u64, target: Target, holds: bool) {
        self.known.charge = Some(Charge { flight, target, brought: None });
        self.known.hold = holds.then_some(Hold { flight, until: self.now + HOLD });
    }

    /// A flight is gone without an outcome.
    pub(crate) fn cut_off(&mut self, flight: u64) {
        let now = self.now;
        let known = &mut self.known;
        if known.charge.as_ref().is_some_and(|charge| charge.flight == flight) {
            known.charge = None;
            known.unproven.refund(now);
            known.asked.refund(now);
        }
    }

    pub(crate) fn brought_nothing(&mut self, flight: u64) {
        let now = self.now;
        let known = &mut self.known;
        if known.charge.as_ref().is_some_and(|charge| charge.flight == flight) {
            known.charge = None;
            known.unproven.refund(now);
        }
    }

    /// The issuer issued the refused token again.
    pub(crate) fn brought_the_same(&mut self, flight: u64, generation: u64) {
        let known = &mut self.known;
        if known.charge.as_ref().is_some_and(|charge| charge.flight == flight) {
            known.charge = None;
        }
        let before = known.repeated.as_ref().filter(|before| before.generation == generation);
        let count = before.map_or(0, |before| before.count) + 1;
        known.repeated = Some(Repeated { generation, count, until: self.now + step(count, 60) });
    }

    /// A newer token takes the place of the slot's, which stays beside it if it was accepted.
    pub(crate) fn brought(&mut self, flight: u64, newer: &Token, single_use: bool) {
        let now = self.now;
        let known = &mut self.known;
        let proven = self.token.clone().filter(|token| known.accepted >= token.generation);
        (known.unripe, known.repeated, known.struck_at) = (None, None, None);
        let strikes = std::mem::take(&mut known.against_newest);
        if let Some(token) = proven.filter(|_| !single_use) {
            known.predecessor = Some(token);
            known.against_predecessor = strikes;
        }
        known.charge = known.charge.take().filter(|charge| charge.flight == flight);
        if let Some(charge) = &mut known.charge {
            charge.brought = Some(newer.generation);
        }
        let other = |token: &Token| {
            now >= token.ends_at || token.epoch != newer.epoch || token.scope != newer.scope
        };
        if known.predecessor.as_ref().is_some_and(other) {
            self.forget_predecessor();
        }
    }
}
