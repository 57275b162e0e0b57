//! What a slot must do, on one page: a token, at most one flight, what a failure or a refusal
//! leaves behind. No tasks, no locks, no wake-ups. Time comes in from outside; the random draws of
//! the slot are observed and checked against their bounds.

use std::time::Duration;

pub(crate) const ATTEMPT: Duration = Duration::from_millis(9_970);
pub(crate) const FLIGHT: Duration = Duration::from_secs(30);
pub(crate) const ACQUIRE: Duration = Duration::from_millis(40_007);
const DEAD: Duration = Duration::from_secs(31);
const SECOND: Duration = Duration::from_secs(1);
const MOST_ATTEMPTS: u32 = 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    Age,
    Prefetch,
    Refused(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Token { secret: u64, life: Option<Duration> },
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
    started: Duration,
    minted_at: Duration,
    after_refusal: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Phase {
    Asking {
        since: Duration,
    },
    Waiting {
        from: Duration,
        to: Duration,
    },
    /// Nothing failed, but the last flight is not long enough ago: it asks then.
    Pausing {
        until: Duration,
    },
    /// On a runtime that nobody drives.
    Grounded,
}

#[derive(Clone, Debug)]
pub(crate) struct Flight {
    pub(crate) phase: Phase,
    /// Its limit counts from here: the end of its pause.
    pub(crate) started: Duration,
    retries: bool,
    refused: bool,
    attempts: u32,
    failed: u32,
    tried: u64,
}

struct Failure {
    until: Duration,
    in_a_row: u32,
    epoch: u64,
}

struct Damping {
    generation: u64,
    until: Duration,
    in_a_row: u32,
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
    failure: Option<Failure>,
    damping: Option<Damping>,
    rest_until: Duration,
    pub(crate) epoch: u64,
    minted: u64,
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

    /// `token()`: `None` means that the caller waits.
    pub(crate) fn request(&mut self, need: Need, grounded: bool) -> Option<Got> {
        if let Some(token) = self.valid() {
            let (generation, stale) = (token.generation, self.now >= token.stale_at);
            if stale {
                let _ = self.want(Need::Age, None, grounded);
            }
            return Some(Ok(generation));
        }
        self.want(need, Some(ACQUIRE), grounded)
    }

    /// Joins or starts a flight, unless there is a reason not to. `patience` is how long the caller
    /// waits for the flight's first token request where nothing failed.
    pub(crate) fn want(
        &mut self,
        need: Need,
        patience: Option<Duration>,
        grounded: bool,
    ) -> Option<Got> {
        let now = self.now;
        let valid = self.valid().cloned();
        if let Some(token) = &valid {
            let serves = match need {
                Need::Refused(generation) => token.generation > generation,
                _ => now < token.stale_at,
            };
            if serves {
                return Some(Ok(token.generation));
            }
        }
        if let Some(flight) = &self.flight {
            if now < flight.started + DEAD {
                let pause = flight.started.saturating_sub(now);
                let too_long = !pause.is_zero() && patience.is_some_and(|left| pause >= left);
                return too_long.then_some(Err(Some(pause)));
            }
            self.flight = None;
        }
        if self.failure.as_ref().is_some_and(|f| f.epoch != self.epoch) {
            self.failure = None;
        }
        let refused = valid.filter(|token| need == Need::Refused(token.generation));
        let until = match (&self.failure, &refused) {
            (Some(failure), _) if now < failure.until => failure.until,
            (_, Some(token)) => self.damped_until(token),
            (_, None) => now,
        };
        if now < until {
            return Some(Err(Some(until - now)));
        }
        let until = if refused.is_some() { now } else { self.rest_until.max(now) };
        if now < until && patience.is_none_or(|left| until - now >= left) {
            return Some(Err(Some(until - now)));
        }
        let retries = self.failure.is_none() && need != Need::Prefetch;
        self.flights += 1;
        self.flight = Some(Flight {
            phase: Phase::Grounded,
            started: until,
            retries,
            refused: refused.is_some(),
            attempts: 0,
            failed: 0,
            tried: self.epoch,
        });
        if grounded {
            return None;
        }
        if now < until {
            self.flight.as_mut().expect("just begun").phase = Phase::Pausing { until };
        } else {
            self.ask();
        }
        None
    }

    /// Damping begins when a token that replaced a refused one is refused within a minute.
    fn damped_until(&mut self, token: &Token) -> Duration {
        if self.damping.as_ref().is_none_or(|d| d.generation != token.generation) {
            if token.after_refusal && self.now - token.minted_at < 60 * SECOND {
                self.damp(token.generation, token.started);
            } else {
                self.damping = None;
            }
        }
        self.damping.as_ref().map_or(Duration::ZERO, |d| d.until)
    }

    fn damp(&mut self, generation: u64, started: Duration) {
        let in_a_row = self.damping.as_ref().map_or(0, |d| d.in_a_row) + 1;
        self.damping = Some(Damping { generation, until: started + step(in_a_row, 60), in_a_row });
    }

    /// One call of the source.
    fn ask(&mut self) {
        let flight = self.flight.as_mut().expect("a flight asks");
        self.calls += 1;
        flight.attempts += 1;
        flight.tried = self.epoch;
        flight.phase = Phase::Asking { since: self.now };
    }

    pub(crate) fn asked_again(&mut self) {
        self.ask();
    }

    /// Other credentials: a flight that waits to try again does so at once.
    pub(crate) fn rotate(&mut self) {
        self.epoch += 1;
        if matches!(&self.flight, Some(Flight { phase: Phase::Waiting { .. }, .. })) {
            self.ask();
        }
    }

    /// The source answered. Gives what the waiters get if that ends the flight.
    pub(crate) fn answered(&mut self, answer: Answer, seen: &Seen) -> Option<Got> {
        match answer {
            Answer::Token { secret, life } => Some(self.minted(secret, life, seen)),
            Answer::Fail { transient, retry_after } => {
                self.attempt_failed(transient, retry_after, seen)
            }
        }
    }

    fn minted(&mut self, secret: u64, life: Option<Duration>, seen: &Seen) -> Got {
        let flight = self.flight.as_ref().expect("a flight lands").clone();
        let Phase::Asking { since: started } = flight.phase else { panic!("nobody asked") };
        let (stale_at, ends_at) = match life {
            Some(life) => {
                let end = started.saturating_add(life);
                let margin = (5 * SECOND).min(life / 10);
                (end.saturating_sub(life / 4), end.saturating_sub(margin))
            }
            None => (Duration::MAX, Duration::MAX),
        };
        let lifeless = life == Some(Duration::ZERO);
        if !lifeless && ends_at <= self.now {
            return self.failed(true, None, seen);
        }
        self.flight = None;
        self.failure = None;
        self.rest_until = started + SECOND;
        let same = self.token.as_ref().filter(|token| token.secret == secret);
        let generation = same.map_or(self.minted + 1, |token| token.generation);
        self.minted = self.minted.max(generation);
        if flight.refused && same.is_some() {
            self.damp(generation, started);
        }
        let damped = self.damping.as_ref().is_some_and(|d| self.now < d.until);
        if !lifeless {
            self.token = Some(Token {
                secret,
                generation,
                stale_at: stale_at.max(self.rest_until).min(ends_at),
                ends_at,
                started,
                minted_at: self.now,
                after_refusal: flight.refused || damped,
            });
        } else if flight.refused {
            // The refused one is not sent again, and its successor served its waiters.
            self.token = None;
        }
        Ok(generation)
    }

    pub(crate) fn attempt_failed(
        &mut self,
        transient: bool,
        retry_after: Option<Duration>,
        seen: &Seen,
    ) -> Option<Got> {
        let now = self.now;
        let flight = self.flight.as_mut().expect("a flight fails");
        if flight.attempts < MOST_ATTEMPTS && flight.tried != self.epoch {
            self.ask();
            return None;
        }
        flight.failed += 1;
        let from = believed(retry_after);
        let to = (200 * 2_u64.pow(flight.failed - 1)).min(5_000);
        let to = Duration::from_millis(to).max(from);
        let left = (flight.started + FLIGHT).saturating_sub(now);
        let ends =
            !flight.retries || !transient || flight.attempts >= MOST_ATTEMPTS || from >= left;
        if ends || (to >= left && !seen.refreshing) {
            return Some(self.failed(transient, retry_after, seen));
        }
        flight.phase = Phase::Waiting { from: now + from, to: now + to };
        None
    }

    /// The flight ends with a failure: remembered, unless the credentials changed meanwhile.
    pub(crate) fn failed(
        &mut self,
        transient: bool,
        retry_after: Option<Duration>,
        seen: &Seen,
    ) -> Got {
        let flight = self.flight.take().expect("a flight fails");
        self.failures += 1;
        if flight.tried != self.epoch {
            return Err(retry_after);
        }
        let before = self.failure.as_ref().filter(|f| f.epoch == self.epoch);
        let in_a_row = before.map_or(0, |f| f.in_a_row) + 1;
        let cap = if transient { 30 } else { 60 };
        let least = step(in_a_row, cap);
        let most = (least * 11 / 10).min(Duration::from_secs(cap)).max(believed(retry_after));
        let wait = seen.next_attempt_in.expect("a failure is remembered");
        assert!(least.max(believed(retry_after)) <= wait && wait <= most, "cools down {wait:?}");
        let until = self.now + wait;
        self.failure = Some(Failure { until, in_a_row, epoch: self.epoch });
        if let Some(token) = self.token.as_mut().filter(|token| self.now < token.ends_at) {
            token.stale_at = until.min(token.ends_at);
        }
        Err(Some(wait))
    }

    /// The next moment at which something happens by itself.
    pub(crate) fn next_event(&self) -> Option<Duration> {
        let flight = self.flight.as_ref()?;
        Some(match flight.phase {
            Phase::Asking { since } => (since + ATTEMPT).min(flight.started + FLIGHT),
            Phase::Waiting { to, .. } => to + Duration::from_millis(2),
            Phase::Pausing { until } => until,
            Phase::Grounded => flight.started + DEAD,
        })
    }
}

fn believed(retry_after: Option<Duration>) -> Duration {
    retry_after.unwrap_or_default().min(300 * SECOND)
}

/// 1 s, 2 s, 4 s … up to the cap.
fn step(count: u32, cap: u64) -> Duration {
    Duration::from_secs(2_u64.saturating_pow(count - 1).min(cap))
}
