//! Who may start a flight and what a landed one leaves behind. Synchronous and without I/O: the
//! slot holds the desk in a mutex, for a few comparisons at a time.

mod landing;
mod spent;

use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

pub(super) use self::landing::{Epochs, Landing, Publish};
pub(super) use self::spent::Spent;
use super::super::primitives::AbortHandle;
use super::arrival::{Announcer, Arrival, arrival};
use super::builder::Settings;
use super::entry::{Entry, Generation};
use crate::error::{Details, Error, Kind};
use crate::token::Token;

/// How long a renewed token must be accepted before a refusal counts as a new one.
const REFUSED_AT_ONCE: Duration = Duration::from_secs(60);
/// A flight ends itself at its deadline. One that has not by then plus this is on a runtime that
/// nobody drives.
const PRESUMED_DEAD_AFTER: Duration = Duration::from_secs(1);

/// Why a caller wants a flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// The token is stale, expired or was never there.
    Age,
    /// The same at start-up: one attempt, so that a wrong configuration is seen at once.
    Prefetch,
    /// The API refused this token.
    Refused(Generation),
}

/// What the desk answers.
pub(super) enum Answer {
    /// A flight is under way; at this time it is presumed dead.
    Wait(Arrival, Duration),
    /// Start this flight, once the desk's lock is released.
    Start(Takeoff, Arrival, Duration),
}

/// What a flight needs to know.
pub(super) struct Takeoff {
    pub(super) id: u64,
    pub(super) need: Need,
    pub(super) announcer: Announcer,
    /// How long it waits before its first attempt.
    pub(super) pause: Duration,
    /// Only the first flight after a success tries again inside of itself.
    pub(super) retries: bool,
    pub(super) seed: u64,
}

/// A token as the source made it.
pub(super) struct Minted {
    pub(super) token: Token,
    /// Before the request was sent: the token's life counts from here (RFC 6749 §5.1).
    pub(super) started: Duration,
}

struct Flight {
    id: u64,
    need: Need,
    arrival: Arrival,
    /// When its first attempt is made, or was.
    departs_at: Duration,
    presumed_dead_at: Duration,
    abort: Option<AbortHandle>,
}

struct Failure {
    error: Error,
    /// When the first one in a row happened.
    since: Duration,
    until: Duration,
    epoch: u64,
    in_a_row: u32,
}

struct Damping {
    generation: Generation,
    until: Duration,
    in_a_row: u32,
}

pub(super) struct Desk {
    slot: u64,
    settings: Arc<Settings>,
    rng: fastrand::Rng,
    flight: Option<Flight>,
    spent: Spent,
    failure: Option<Failure>,
    damping: Option<Damping>,
    /// No flight by age before this: an issuer of nearly expired tokens must not make us spin.
    rest_until: Duration,
    next_generation: NonZeroU64,
    pub(super) flights: u64,
    pub(super) failures: u64,
    last_error: Option<(Error, Duration)>,
}

impl Desk {
    pub(super) fn new(slot: u64, settings: Arc<Settings>) -> Self {
        let rng = settings.seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed);
        Self {
            slot,
            settings,
            rng,
            flight: None,
            spent: Spent::default(),
            failure: None,
            damping: None,
            rest_until: Duration::ZERO,
            next_generation: NonZeroU64::MIN,
            flights: 0,
            failures: 0,
            last_error: None,
        }
    }

    /// A token that serves the need, if one is there: it may have been published since the caller
    /// looked.
    pub(super) fn ready(
        &self,
        need: Need,
        current: Option<&Arc<Entry>>,
        now: Duration,
        epoch: u64,
    ) -> Option<Arc<Entry>> {
        let entry = current.filter(|entry| entry.valid(now))?;
        let serves = match need {
            // Newer, not merely another: a refused token without life left was never published.
            Need::Refused(generation) => entry.generation.number > generation.number,
            Need::Age | Need::Prefetch => now < entry.times.stale_at && !self.has_rotated(epoch),
        };
        serves.then(|| entry.clone())
    }

    /// Joins the flight under way or registers a new one. `patience` is how long the caller would
    /// wait for its first attempt if something else than a failure is in the way; nothing for one
    /// that does not wait.
    ///
    /// # Errors
    /// When no flight may start now: the remembered failure, why a new token would not help, or a
    /// pause that the caller does not wait for.
    pub(super) fn ask(
        &mut self,
        need: Need,
        patience: Option<Duration>,
        current: Option<&Arc<Entry>>,
        now: Duration,
        epoch: u64,
    ) -> Result<Answer, Error> {
        if let Some(flight) = self.flight.take_if(|flight| now >= flight.presumed_dead_at) {
            self.spent.supersede(flight.abort);
        }
        if let Some(flight) = &self.flight {
            // One that waits for nothing is content that it comes.
            return match (rest(flight.departs_at, now), patience) {
                (Some(pause), Some(patience)) if pause >= patience => Err(too_soon(pause)),
                _ => Ok(Answer::Wait(flight.arrival.clone(), flight.presumed_dead_at)),
            };
        }
        let valid = current.filter(|entry| entry.valid(now));
        let refused = valid.filter(|entry| need == Need::Refused(entry.generation));
        let need = match need {
            // The refusal of a token that has ended says nothing about the next one.
            Need::Refused(_) if refused.is_none() => Need::Age,
            need => need,
        };
        if let Some(failure) = self.failure.as_ref().filter(|failure| failure.epoch == epoch) {
            if let Some(wait) = rest(failure.until, now) {
                return Err(failure.error.clone().with_retry_after(wait));
            }
        }
        let pause = match refused {
            Some(entry) => self.may_replace(entry, now).map(|()| None)?,
            None => rest(self.rest_until, now),
        };
        match pause {
            Some(pause) if patience.is_none_or(|patience| pause >= patience) => {
                Err(too_soon(pause))
            }
            pause => Ok(self.start(need, pause.unwrap_or_default(), now, epoch)),
        }
    }

    /// Whether what is remembered is a failure of other credentials than these.
    fn has_rotated(&self, epoch: u64) -> bool {
        self.failed_epoch().is_some_and(|failed| failed != epoch)
    }

    fn may_replace(&mut self, refused: &Entry, now: Duration) -> Result<(), Error> {
        let known = self.damping.as_ref().is_some_and(|d| d.generation == refused.generation);
        if !known {
            let held = now.saturating_sub(refused.minted_at);
            if refused.after_refusal && held < REFUSED_AT_ONCE {
                self.damp(refused.generation, refused.started);
            } else {
                self.damping = None;
            }
        }
        let until = self.damping.as_ref().map_or(Duration::ZERO, |d| d.until);
        rest(until, now).map_or(Ok(()), |wait| Err(damped(wait)))
    }

    /// The pause counts from before the refused token's request was sent: a storm right after it
    /// waits, a second revocation some seconds later is handled like the first.
    fn damp(&mut self, generation: Generation, started: Duration) {
        let in_a_row = self.damping.as_ref().map_or(0, |d| d.in_a_row).saturating_add(1);
        let until = started.saturating_add(self.settings.patience.damping(in_a_row));
        self.damping = Some(Damping { generation, until, in_a_row });
    }

    fn start(&mut self, need: Need, pause: Duration, now: Duration, epoch: u64) -> Answer {
        if self.has_rotated(epoch) {
            self.forget_failure();
        }
        self.flights += 1;
        let (announcer, arrival) = arrival();
        let limit = self.settings.flight_timeout.saturating_add(PRESUMED_DEAD_AFTER);
        let departs_at = now.saturating_add(pause);
        let presumed_dead_at = departs_at.saturating_add(limit);
        self.flight = Some(Flight {
            id: self.flights,
            need,
            arrival: arrival.clone(),
            departs_at,
            presumed_dead_at,
            abort: None,
        });
        let takeoff = Takeoff {
            id: self.flights,
            need,
            announcer,
            pause,
            retries: self.failure.is_none() && need != Need::Prefetch,
            seed: self.rng.u64(..),
        };
        Answer::Start(takeoff, arrival, presumed_dead_at)
    }

    fn forget_failure(&mut self) {
        let failure = self.failure.take();
        self.spent.error(failure.map(|failure| failure.error));
    }

    /// The flight has a task now. Hands the handle back when the flight is no longer the one.
    pub(super) fn airborne(&mut self, id: u64, abort: AbortHandle) -> Result<(), AbortHandle> {
        match &mut self.flight {
            Some(flight) if flight.id == id => {
                flight.abort = Some(abort);
                Ok(())
            }
            _ => Err(abort),
        }
    }

    /// The flight was dropped without an outcome: its runtime has ended, or it was aborted.
    pub(super) fn crash(&mut self, id: u64) {
        self.flight.take_if(|flight| flight.id == id);
    }

    /// Remembers why an attempt failed, for callers whose patience ends before the flight does.
    pub(super) fn note(&mut self, id: u64, error: &Error, now: Duration) {
        if self.flight.as_ref().is_some_and(|flight| flight.id == id) {
            self.set_last_error(error, now);
        }
    }

    fn set_last_error(&mut self, error: &Error, now: Duration) {
        let before = self.last_error.replace((error.clone(), now));
        self.spent.error(before.map(|(error, _)| error));
    }

    pub(super) fn last_error(&self) -> Option<&(Error, Duration)> {
        self.last_error.as_ref()
    }

    /// Which credentials the remembered failure is of.
    pub(super) fn failed_epoch(&self) -> Option<u64> {
        self.failure.as_ref().map(|failure| failure.epoch)
    }

    /// When the remembered failure of these credentials lets the next attempt start.
    pub(super) fn next_attempt(&self, epoch: u64) -> Option<Duration> {
        self.failure.as_ref().filter(|f| f.epoch == epoch).map(|f| f.until)
    }

    /// When these credentials began to fail without a success since.
    pub(super) fn failing_since(&self, epoch: u64) -> Option<Duration> {
        self.failure.as_ref().filter(|f| f.epoch == epoch).map(|f| f.since)
    }

    pub(super) fn is_flying(&self) -> bool {
        self.flight.is_some()
    }

    /// What its calls have put aside, to be let go after its lock is released.
    pub(super) fn take_spent(&mut self) -> Spent {
        std::mem::take(&mut self.spent)
    }

    /// The flight under way, to be aborted because nobody is left who could use its token.
    pub(super) fn take_flight(&mut self) -> Option<AbortHandle> {
        self.flight.take().and_then(|flight| flight.abort)
    }
}

/// How long until `until`; nothing if that has passed.
fn rest(until: Duration, now: Duration) -> Option<Duration> {
    until.checked_sub(now).filter(|wait| !wait.is_zero())
}

fn too_soon(wait: Duration) -> Error {
    let details = Details {
        transient: true,
        hint: Some("the issuer hands out tokens that are nearly or already expired".into()),
        ..Details::new(Kind::Answer, "the last token ended at once and another is not due yet")
    };
    Error::from(details).with_retry_after(wait)
}

fn damped(wait: Duration) -> Error {
    let details = Details {
        hint: Some("the API refuses new tokens too: check audience, scope and API URL".into()),
        ..Details::new(Kind::Damped, "the API refused a token that had just been renewed")
    };
    Error::from(details).with_retry_after(wait)
}
