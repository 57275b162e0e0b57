//! Which token a request gets, and what its refusal or acceptance leads to.

use std::time::Duration;

use crate::evidence::Strikes;
use crate::evidence::{Charge, Hold, Refusing, Target, UNKNOWN, Unripe};
use crate::model::{Model, Token, Trigger, step};

const YOUNG: Duration = Duration::from_secs(60);
/// For so long it matters who accepts a token after all that was refused.
const STRUCK: Duration = Duration::from_secs(60);

/// What a request carried and what was known then.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    pub(crate) generation: u64,
    /// Whether the token had been accepted.
    pub(crate) accepted: bool,
    /// Whether its success needs no word.
    pub(crate) settled: bool,
    pub(crate) held_for: u64,
    pub(crate) trial: bool,
}

impl Sent {
    pub(crate) fn unknown(generation: u64) -> Self {
        Self { generation, accepted: true, settled: true, held_for: 0, trial: false }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    Newest,
    Predecessor,
    Trial,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Again {
    Possible,
    Impossible,
    Done,
}

pub(crate) enum Ruling {
    Send(u64, Which),
    Renew(Trigger),
    /// With how long another flight is out of the question, if that is the reason.
    Deliver(Option<Duration>),
}

pub(crate) enum Guided {
    Token(u64, Which),
    Held(Hold),
}

/// Requests and what becomes of them.
impl Model {
    pub(crate) fn guides(&self) -> bool {
        let unripe = self.known.unripe.as_ref().is_some_and(|unripe| unripe.until.is_some());
        unripe || self.known.hold.is_some()
    }

    fn is_settled(&self, generation: u64) -> bool {
        let known = &self.known;
        let watched = known.charge.is_some() || known.struck_at.is_some();
        known.accepted == generation && !watched && !self.guides()
    }

    pub(crate) fn send(&self, generation: u64, which: Which) -> Sent {
        Sent {
            generation,
            accepted: self.known.accepted >= generation,
            settled: self.is_settled(generation) && which != Which::Trial,
            held_for: self.known.hold.map_or(0, |hold| hold.flight),
            trial: which == Which::Trial,
        }
    }

    pub(crate) fn hold(&self) -> Option<Hold> {
        self.known.hold
    }

    pub(crate) fn end_hold(&mut self, of: Option<u64>) {
        let ends = |hold: &Hold| of.is_none_or(|flight| flight == hold.flight);
        if self.known.hold.as_ref().is_some_and(ends) {
            self.known.hold = None;
        }
    }

    fn predecessor_for(&self, target: Target) -> Option<u64> {
        let token = self.known.predecessor.as_ref()?;
        let good = self.now < token.ends_at
            && token.epoch == self.epoch
            && self.known.against_predecessor.allow(target);
        good.then_some(token.generation)
    }

    pub(crate) fn forget_predecessor(&mut self) {
        let known = &mut self.known;
        (known.predecessor, known.unripe) = (None, None);
        known.against_predecessor = Strikes::default();
    }

    fn is_young(&self, token: &Token) -> bool {
        self.known.accepted < token.generation || self.now - token.minted_at < YOUNG
    }

    /// Forgets what has no more to say.
    fn tidy(&mut self) {
        let now = self.now;
        let proven = self.token.as_ref().is_some_and(|token| !self.is_young(token));
        let known = &mut self.known;
        if known.predecessor.as_ref().is_some_and(|token| proven || now >= token.ends_at) {
            self.forget_predecessor();
        }
        let idle = !self.guides();
        let known = &mut self.known;
        let nothing = known.targets.is_empty()
            && known.against_newest.0.is_empty()
            && known.against_predecessor.0.is_empty()
            && known.charge.is_none()
            && known.struck_at.is_none()
            && known.repeated.is_none()
            && known.unproven.owed(now).is_zero()
            && known.asked.owed(now).is_zero();
        if idle && nothing {
            known.unripe = None;
        }
    }

    /// Which token a request gets. There is a valid one.
    pub(crate) fn guide(&mut self, target: Target, repeatable: bool) -> Guided {
        let now = self.now;
        if self.known.hold.is_some_and(|hold| now >= hold.until) {
            self.known.hold = None;
        }
        self.tidy();
        if let Some(hold) = self.known.hold {
            return Guided::Held(hold);
        }
        let newest = self.token.as_ref().expect("a valid one").generation;
        let accepted = self.known.accepted >= newest;
        let predecessor = self.predecessor_for(target);
        let unripe = self.known.unripe.as_mut().filter(|_| self.known.predecessor.is_some());
        let Some((unripe, until)) = unripe.and_then(|u| u.until.map(|until| (u, until))) else {
            return Guided::Token(newest, Which::Newest);
        };
        if now >= until && accepted {
            unripe.until = None;
            return Guided::Token(newest, Which::Newest);
        }
        if now >= until && repeatable {
            unripe.until = Some(now + step(unripe.trials, 60));
            return Guided::Token(newest, Which::Trial);
        }
        match predecessor {
            Some(generation) => Guided::Token(generation, Which::Predecessor),
            None => Guided::Token(newest, Which::Newest),
        }
    }

    /// A request was accepted; `first`: by the first send.
    pub(crate) fn accepted(&mut self, sent: Sent, target: Target, first: bool) {
        if first && self.is_settled(sent.generation) {
            return;
        }
        let now = self.now;
        let newest = self.token.as_ref().is_some_and(|token| token.generation == sent.generation);
        let before = self.known.predecessor.as_ref();
        let before = before.is_some_and(|token| token.generation == sent.generation);
        let known = &mut self.known;
        if newest && known.accepted < sent.generation {
            known.accepted = sent.generation;
            // It was only not known yet.
            known.against_newest = Strikes::default();
        }
        if newest || before {
            let strikes =
                if before { &mut known.against_predecessor } else { &mut known.against_newest };
            strikes.0.retain(|other| *other != target);
            known.targets.remove(&target);
            let over = known.struck_at.is_some_and(|at| now - at >= STRUCK);
            if over || known.against_newest.0.is_empty() {
                known.struck_at = None;
            }
            let helped = |c: &Charge| c.brought == Some(sent.generation) && c.target == target;
            if known.charge.as_ref().is_some_and(helped) {
                known.charge = None;
                known.unproven.refund(now);
                if !known.against_predecessor.allow(target) {
                    // What this target said counts for all.
                    known.against_predecessor.0 = vec![target; 2];
                }
            }
        }
        if newest {
            self.end_hold(Some(sent.held_for));
        }
        self.tidy();
    }

    /// A request was refused: the table of the design.
    pub(crate) fn refused(&mut self, sent: Sent, target: Target, again: Again) -> Ruling {
        let (now, g) = (self.now, sent.generation);
        let Some(newest) = self.valid().cloned() else {
            let need = Trigger::Refused { generation: g, target, again: true };
            return if again == Again::Done { Ruling::Deliver(None) } else { Ruling::Renew(need) };
        };
        self.tidy();
        let accepted = self.known.accepted >= newest.generation;
        let overtaken = newest.generation == g && accepted && !sent.accepted;
        // Tokens without life are newer, and never take its place.
        let newest_seen = newest.generation.max(g);
        let known = &mut self.known;
        if known.predecessor.as_ref().is_some_and(|token| token.generation == g) {
            known.against_predecessor.add(target);
        } else if newest.generation == g && !overtaken && known.against_newest.add(target) {
            known.struck_at = Some(now);
        }
        let refusing = known.targets.contains_key(&target);
        let other = self.predecessor_for(target);
        let other = other.filter(|generation| *generation != g && newest.generation >= g);
        if again != Again::Possible && !(refusing && other.is_some()) {
            self.refused_for_good(g, newest_seen, target);
        }
        if again == Again::Done {
            return Ruling::Deliver(None);
        }
        let instead = if newest.generation > g && accepted {
            Some((newest.generation, Which::Newest))
        } else if let Some(other) = other.filter(|_| self.is_young(&newest)) {
            if newest.generation == g && !overtaken {
                self.is_unripe(sent.trial);
            }
            Some((other, Which::Predecessor))
        } else if newest.generation > g || overtaken {
            Some((newest.generation, Which::Newest))
        } else {
            None
        };
        match instead {
            Some(_) if again == Again::Impossible => return Ruling::Deliver(None),
            Some((generation, which)) => return Ruling::Send(generation, which),
            None => {}
        }
        let known = &mut self.known;
        let same = known.repeated.as_ref().filter(|repeated| repeated.generation == g);
        let same = same.map_or(now, |repeated| repeated.until);
        let paused = known.targets.get(&target).filter(|_| target != UNKNOWN);
        let until = paused.map_or(now, |paused| paused.paused_until).max(same);
        if until > now {
            return Ruling::Deliver(Some(until - now));
        }
        known.targets.entry(target).or_insert(Refusing::first(newest_seen));
        Ruling::Renew(Trigger::Refused { generation: g, target, again: refusing })
    }

    fn is_unripe(&mut self, trial: bool) {
        let unripe = self.known.unripe.get_or_insert(Unripe { until: None, trials: 0 });
        if trial || unripe.until.is_none() {
            unripe.trials += 1;
            unripe.until = Some(self.now + step(unripe.trials, 60));
        }
    }

    /// It is not sent again: a refresh did not help this target if it refuses a newer token.
    fn refused_for_good(&mut self, g: u64, newest: u64, target: Target) {
        let known = &mut self.known;
        if known.charge.as_ref().is_some_and(|c| c.brought == Some(g) && c.target == target) {
            known.charge = None;
        }
        let refusing = known.targets.entry(target).or_insert(Refusing::first(newest));
        if g > refusing.newest {
            refusing.newest = newest;
            refusing.futile += 1;
            refusing.paused_until = self.now + step(refusing.futile, 60);
        }
    }
}
