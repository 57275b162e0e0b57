//! Who may start a flight and what a landed one leaves behind. Synchronous and without I/O: the
//! slot holds the desk in a mutex, for a few comparisons at a time.

mod landing;

use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

pub(super) use self::landing::{Epochs, Publish};
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
    pub(super) announcer: Announcer,
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
    superseded: Option<AbortHandle>,
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
            superseded: None,
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
    ) -> Option<Arc<Entry>> {
        let entry = current.filter(|entry| entry.valid(now))?;
        let serves = match need {
            // Newer, not merely another: a refused token without life left was never published.
            Need::Refused(generation) => entry.generation.number > generation.number,
            Need::Age | Need::Prefetch => now < entry.times.stale_at,
        };
        serves.then(|| entry.clone())
    }

    /// Joins the flight under way or registers a new one.
    ///
    /// # Errors
    /// When no flight may start now: the remembered failure, or why a new token would not help.
    pub(super) fn ask(
        &mut self,
        need: Need,
        current: Option<&Arc<Entry>>,
        now: Duration,
        epoch: u64,
    ) -> Result<Answer, Error> {
        if let Some(flight) = &self.flight {
            if now < flight.presumed_dead_at {
                return Ok(Answer::Wait(flight.arrival.clone(), flight.presumed_dead_at));
            }
            self.superseded = self.flight.take().and_then(|flight| flight.abort);
        }
        let valid = current.filter(|entry| entry.valid(now));
        let refused = valid.filter(|entry| need == Need::Refused(entry.generation));
        let need = match need {
            // The refusal of a token that has ended says nothing about the next one.
            Need::Refused(_) if refused.is_none() => Need::Age,
            need => need,
        };
        self.may_start(refused, now, epoch)?;
        Ok(self.start(need, now))
    }

    fn may_start(
        &mut self,
        refused: Option<&Arc<Entry>>,
        now: Duration,
        epoch: u64,
    ) -> Result<(), Error> {
        if self.failure.as_ref().is_some_and(|failure| failure.epoch != epoch) {
            self.failure = None;
        }
        if let Some(failure) = &self.failure {
            if let Some(wait) = rest(failure.until, now) {
                return Err(failure.error.clone().with_retry_after(wait));
            }
        }
        match refused {
            Some(entry) => self.may_replace(entry, now),
            None => rest(self.rest_until, now).map_or(Ok(()), |wait| Err(too_soon(wait))),
        }
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

    fn start(&mut self, need: Need, now: Duration) -> Answer {
        self.flights += 1;
        let (announcer, arrival) = arrival();
        let limit = self.settings.flight_timeout.saturating_add(PRESUMED_DEAD_AFTER);
        let presumed_dead_at = now.saturating_add(limit);
        self.flight = Some(Flight {
            id: self.flights,
            need,
            arrival: arrival.clone(),
            presumed_dead_at,
            abort: None,
        });
        let takeoff = Takeoff {
            id: self.flights,
            announcer,
            retries: self.failure.is_none() && need != Need::Prefetch,
            seed: self.rng.u64(..),
        };
        Answer::Start(takeoff, arrival, presumed_dead_at)
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
            self.last_error = Some((error.clone(), now));
        }
    }

    pub(super) fn last_error(&self) -> Option<&(Error, Duration)> {
        self.last_error.as_ref()
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

    /// A flight that was presumed dead and replaced, to be aborted after the desk's lock is
    /// released: aborting can drop the flight on the spot, and that needs the lock.
    pub(super) fn take_superseded(&mut self) -> Option<AbortHandle> {
        self.superseded.take()
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
