//! What a slot must do, on one page: a token, at most one flight, what a failure or a refusal
//! leaves behind. No tasks, no locks, no wake-ups. Time comes in from outside; the random draws of
//! the slot are observed and checked against their bounds.

use std::time::Duration;

use crate::evidence::{Evidence, Target};

pub(crate) const ATTEMPT: Duration = Duration::from_millis(9_970);
pub(crate) const FLIGHT: Duration = Duration::from_secs(30);
pub(crate) const ACQUIRE: Duration = Duration::from_millis(40_007);
const FIRST_POLL: Duration = Duration::from_secs(5);
pub(crate) const SECOND: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trigger {
    Age,
    Prefetch,
    Demand,
    /// `again`: the target had refused a token before.
    Refused {
        generation: u64,
        target: Target,
        again: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Token { secret: u64, life: Option<Duration>, scope: u8 },
    Fail { transient: bool, retry_after: Option<Duration> },
}

/// A caller's result: a generation, or an error with its `retry_after`.
pub(crate) type Got = Result<u64, Option<Duration>>;

#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) secret: u64,
    pub(crate) generation: u64,
    pub(crate) stale_at: Duration,
    pub(crate) ends_at: Duration,
    pub(crate) scope: u8,
    /// Of the credentials that got it.
    pub(crate) epoch: u64,
    pub(crate) minted_at: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Phase {
    Asking {
        since: Duration,
        call: u64,
    },
    Waiting {
        from: Duration,
        to: Duration,
    },
    /// Nothing failed, but the last flight is not long enough ago: it asks then.
    Pausing {
        until: Duration,
    },
    /// Not polled yet, on a runtime that is not driven.
    Grounded,
}

#[derive(Clone, Debug)]
pub(crate) struct Flight {
    pub(crate) id: u64,
    pub(crate) phase: Phase,
    /// The runtime that it is on, if that is not driven.
    pub(crate) on: Option<u64>,
    /// Its limit counts from here: the end of its pause.
    pub(crate) started: Duration,
    /// By when it said that it would be heard of.
    heard_by: Duration,
    pub(crate) retries: bool,
    pub(crate) refused: bool,
    pub(crate) attempts: u32,
    pub(crate) failed: u32,
    pub(crate) tried: u64,
}

impl Flight {
    pub(crate) fn is_asking(&self, of: u64) -> bool {
        matches!(self.phase, Phase::Asking { call, .. } if call == of)
    }

    pub(crate) fn asked_at(&self) -> Duration {
        let Phase::Asking { since, .. } = self.phase else { panic!("nobody asked") };
        since
    }

    pub(crate) fn asks(&mut self, now: Duration, call: u64, epoch: u64) {
        self.attempts += 1;
        self.tried = epoch;
        self.phase = Phase::Asking { since: now, call };
        self.heard_by = now + ATTEMPT;
    }

    /// Whether it waits before it asks.
    pub(crate) fn pauses(&self) -> bool {
        self.started + FIRST_POLL > self.heard_by
    }

    /// From when on another one takes its place; never, if it is driven.
    pub(crate) fn dead_at(&self) -> Option<Duration> {
        self.on.map(|_| self.heard_by + SECOND)
    }
}

pub(crate) struct Failure {
    pub(crate) until: Duration,
    pub(crate) in_a_row: u32,
    pub(crate) epoch: u64,
}

/// What the slot drew: whether it still flies, and until when it cools down.
pub(crate) struct Seen {
    pub(crate) refreshing: bool,
    pub(crate) next_attempt_in: Option<Duration>,
}

#[derive(Default)]
pub(crate) struct Model {
    pub(crate) now: Duration,
    pub(crate) token: Option<Token>,
    pub(crate) flight: Option<Flight>,
    /// One that was taken for dead, while its successor is under way.
    pub(crate) silent: Option<Flight>,
    /// Those that were given up, on runtimes that are not driven: they are dropped when those go on.
    pub(crate) given_up: Vec<Flight>,
    /// Flights that were aborted: their waiters ask again.
    pub(crate) cut: Vec<u64>,
    pub(crate) known: Evidence,
    pub(crate) failure: Option<Failure>,
    pub(crate) rest_until: Duration,
    pub(crate) epoch: u64,
    pub(crate) minted: u64,
    pub(crate) calls: u64,
    pub(crate) flights: u64,
    pub(crate) failures: u64,
}

impl Model {
    pub(crate) fn valid(&self) -> Option<&Token> {
        self.token.as_ref().filter(|token| self.now < token.ends_at)
    }

    pub(crate) fn next_attempt(&self) -> Option<Duration> {
        self.failure.as_ref().filter(|f| f.epoch == self.epoch).map(|f| f.until)
    }

    /// A look at the token, which starts a flight if it is stale.
    pub(crate) fn look(&mut self, on: Option<u64>) -> Option<u64> {
        let (generation, stale_at) =
            self.valid().map(|token| (token.generation, token.stale_at))?;
        if self.now >= stale_at {
            let _ = self.want(Trigger::Age, None, on);
        }
        Some(generation)
    }

    /// `token()`: `None` means that the caller waits.
    pub(crate) fn request(&mut self, need: Trigger, on: Option<u64>) -> Option<Got> {
        match self.look(on) {
            Some(generation) => Some(Ok(generation)),
            None => self.want(need, Some(ACQUIRE), on),
        }
    }

    fn has_rotated(&self) -> bool {
        self.failure.as_ref().is_some_and(|failure| failure.epoch != self.epoch)
    }

    /// Joins or starts a flight, unless there is a reason not to. `patience` is how long the caller
    /// waits for the flight's first token request where nothing failed.
    pub(crate) fn want(
        &mut self,
        need: Trigger,
        patience: Option<Duration>,
        on: Option<u64>,
    ) -> Option<Got> {
        let now = self.now;
        if let Some(token) = self.valid() {
            let serves = match need {
                Trigger::Refused { generation, .. } => token.generation > generation,
                Trigger::Demand => false,
                Trigger::Age | Trigger::Prefetch => now < token.stale_at && !self.has_rotated(),
            };
            if serves {
                return Some(Ok(token.generation));
            }
        }
        let is_dead = |flight: &mut Flight| flight.dead_at().is_some_and(|at| now >= at);
        if let Some(dead) = self.flight.take_if(is_dead) {
            self.end_hold(None);
            self.cut_off(dead.id);
            let before = self.silent.replace(dead);
            self.give_up(before);
        }
        if let Some(flight) = &self.flight {
            let pause = flight.started.saturating_sub(now);
            let too_long = !pause.is_zero() && patience.is_some_and(|left| pause >= left);
            return too_long.then_some(Err(Some(pause)));
        }
        let newest = self.valid().map(|token| token.generation);
        let refused = match need {
            Trigger::Refused { generation, target, again } if newest == Some(generation) => {
                Some((target, again))
            }
            _ => None,
        };
        if let Some(until) = self.next_attempt().filter(|until| now < *until) {
            return Some(Err(Some(until - now)));
        }
        let Some((target, again)) = refused else {
            let until = self.rest_until.max(now);
            if now < until && patience.is_none_or(|left| until - now >= left) {
                return Some(Err(Some(until - now)));
            }
            self.begin(need, until, on);
            return None;
        };
        let holds = !again && self.may_hold();
        if let Err(got) = self.pay() {
            return Some(got);
        }
        self.begin(need, now, on);
        self.charged(self.flights, target, holds);
        None
    }

    fn begin(&mut self, need: Trigger, until: Duration, on: Option<u64>) {
        if self.has_rotated() {
            self.failure = None;
        }
        let newest = self.valid().map(|token| token.generation);
        let refused =
            matches!(need, Trigger::Refused { generation, .. } if newest == Some(generation));
        self.flights += 1;
        self.flight = Some(Flight {
            id: self.flights,
            phase: Phase::Grounded,
            on,
            started: until,
            heard_by: self.now + FIRST_POLL,
            retries: self.failure.is_none() && need != Trigger::Prefetch,
            refused,
            attempts: 0,
            failed: 0,
            tried: self.epoch,
        });
        if on.is_some() {
            return;
        }
        if self.now < until {
            self.flight.as_mut().expect("just begun").phase = Phase::Pausing { until };
        } else {
            self.ask();
        }
    }

    /// Its outcome does not matter any more. Where it is driven it is gone at once.
    pub(crate) fn give_up(&mut self, flight: Option<Flight>) {
        let Some(flight) = flight else { return };
        match flight.on {
            Some(_) => self.given_up.push(flight),
            None => self.gone(flight.id),
        }
    }

    /// A flight was dropped without an outcome.
    pub(crate) fn gone(&mut self, id: u64) {
        let is_it = |flight: &mut Flight| flight.id == id;
        self.silent.take_if(is_it);
        if self.flight.take_if(is_it).is_some() {
            let silent = self.silent.take();
            self.give_up(silent);
        }
        self.end_hold(Some(id));
        self.cut_off(id);
        self.cut.push(id);
    }

    /// Nothing that was there before is of use.
    pub(crate) fn retire(&mut self) {
        let (flight, silent) = (self.flight.take(), self.silent.take());
        if let Some(flight) = &flight {
            self.cut_off(flight.id);
        }
        self.end_hold(None);
        self.forget_predecessor();
        self.token = None;
        self.give_up(flight);
        self.give_up(silent);
    }

    /// One call of the source.
    pub(crate) fn ask(&mut self) {
        let flight = self.flight.as_mut().expect("a flight asks");
        self.calls += 1;
        flight.asks(self.now, self.calls, self.epoch);
    }

    /// A flight that had not been polled on this runtime begins.
    pub(crate) fn goes_on(&mut self, on: u64) {
        self.calls += 1;
        let mut flights = self.flight.iter_mut().chain(&mut self.silent);
        let flight = flights.find(|flight| flight.on == Some(on)).expect("it is there");
        flight.asks(self.now, self.calls, self.epoch);
    }

    /// Other credentials: a flight that waits to try again does so at once.
    pub(crate) fn rotate(&mut self) {
        self.epoch += 1;
        if matches!(&self.flight, Some(Flight { phase: Phase::Waiting { .. }, .. })) {
            self.ask();
        }
    }

    /// The next moment at which something happens by itself.
    pub(crate) fn next_event(&self) -> Option<Duration> {
        // A dead one stays until someone asks.
        let flight = self.flight.as_ref().filter(|flight| flight.on.is_none())?;
        Some(match flight.phase {
            Phase::Grounded => return None,
            Phase::Asking { since, .. } => (since + ATTEMPT).min(flight.started + FLIGHT),
            Phase::Waiting { to, .. } => to + Duration::from_millis(2),
            Phase::Pausing { until } => until,
        })
    }
}

pub(crate) fn believed(retry_after: Option<Duration>) -> Duration {
    retry_after.unwrap_or_default().min(300 * SECOND)
}

/// 1 s, 2 s, 4 s … up to the cap.
pub(crate) fn step(count: u32, cap: u64) -> Duration {
    Duration::from_secs(2_u64.saturating_pow(count - 1).min(cap))
}
