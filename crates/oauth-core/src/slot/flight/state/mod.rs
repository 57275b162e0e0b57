//! Which caller may start a flight, and what a completed one leaves behind. Synchronous and without I/O:
//! the slot holds the state in a mutex, for a few comparisons at a time.

mod deferred;
mod in_flight;
mod refusal;
mod settle;
#[cfg(test)]
mod tests;

use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

pub(in super::super) use self::deferred::Deferred;
use self::in_flight::InFlight;
pub(in super::super) use self::refusal::{Again, Guided, Refusal, Ruling};
pub(in super::super) use self::settle::{Epochs, Publish, Settled};
use super::builder::Settings;
use super::completion::{Completer, Completion, completion};
use super::entry::Entry;
use super::evidence::Evidence;
use super::sent::Mark;
use super::trigger::Trigger;
use crate::error::{Details, Error, Kind};
use crate::source::FetchReason;
use crate::token::Token;

/// What a caller that wants a token gets.
pub(in super::super) enum Ticket {
    /// A flight is under way; at this time it is presumed dead.
    Join(Completion, Duration),
    /// Start this flight, once the state's lock is released.
    Start(FlightSpec, Completion, Duration),
}

/// What a flight is started with.
pub(in super::super) struct FlightSpec {
    pub(in super::super) id: u64,
    pub(in super::super) reason: FetchReason,
    pub(in super::super) completer: Completer,
    /// How long it waits before its first attempt.
    pub(in super::super) pause: Duration,
    /// Whether it retries. Only the first flight after a success does.
    pub(in super::super) retries: bool,
    pub(in super::super) seed: u64,
}

/// A token as the source returned it.
pub(in super::super) struct Fetched {
    pub(in super::super) token: Token,
    /// When its request was sent: the token's lifetime counts from here (RFC 6749 §5.1).
    pub(in super::super) started: Duration,
}

struct Failure {
    error: Error,
    /// When the first one in a row happened.
    since: Duration,
    until: Duration,
    epoch: u64,
    in_a_row: u32,
}

pub(in super::super) struct FlightState {
    slot: u64,
    settings: Arc<Settings>,
    rng: fastrand::Rng,
    // Boxed, like everything that most slots rarely have, to keep an idle slot small.
    flight: Option<Box<InFlight>>,
    /// A flight that is presumed dead, while its successor is under way. If it does complete first, its
    /// token counts.
    superseded: Option<Box<InFlight>>,
    deferred: Deferred,
    failure: Option<Box<Failure>>,
    /// The newest generation that the API has accepted; zero if there is none.
    accepted: u64,
    /// The last accepted token, kept beside a newer one that is not proven yet.
    predecessor: Option<Arc<Entry>>,
    evidence: Option<Box<Evidence>>,
    /// No flight by age or on demand before this, so that an issuer of nearly expired tokens does not make
    /// the slot spin.
    rest_until: Duration,
    /// The source's own reason for that, if it asked for the pause.
    put_off: Option<Box<Error>>,
    next_generation: NonZeroU64,
    pub(in super::super) flights: u64,
    pub(in super::super) failures: u64,
    last_error: Option<Box<(Error, Duration)>>,
}

impl FlightState {
    pub(in super::super) fn new(slot: u64, settings: Arc<Settings>) -> Self {
        let rng = settings.seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed);
        Self {
            slot,
            settings,
            rng,
            flight: None,
            superseded: None,
            deferred: Deferred::default(),
            failure: None,
            accepted: 0,
            predecessor: None,
            evidence: None,
            rest_until: Duration::ZERO,
            put_off: None,
            next_generation: NonZeroU64::MIN,
            flights: 0,
            failures: 0,
            last_error: None,
        }
    }

    /// Returns the token if it serves the trigger: it may have been published since the caller looked.
    pub(in super::super) fn ready(
        &self,
        trigger: Trigger,
        current: Option<&Arc<Entry>>,
        now: Duration,
        epoch: u64,
    ) -> Option<Arc<Entry>> {
        let entry = current.filter(|entry| entry.valid(now))?;
        let serves = match trigger {
            // Newer, not merely another: a refused token without life left was never published.
            Trigger::Refused(refused) => entry.generation.number > refused.generation.number,
            Trigger::Demand => false,
            Trigger::Age | Trigger::Prefetch => {
                now < entry.times.stale_at && !self.has_rotated(epoch)
            }
        };
        serves.then(|| entry.clone())
    }

    /// Joins the flight under way or registers a new one. `patience` is how long the caller would wait for
    /// its first attempt where only a pause, and not a failure, is in the way; `None` for a caller that
    /// does not wait.
    ///
    /// # Errors
    /// When no flight may start now: the remembered failure, why a new token would not help, or a
    /// pause that the caller does not wait for.
    pub(in super::super) fn ask(
        &mut self,
        trigger: Trigger,
        patience: Option<Duration>,
        current: Option<&Arc<Entry>>,
        now: Duration,
        epoch: u64,
    ) -> Result<Ticket, Error> {
        self.supersede(now);
        if let Some(flight) = &self.flight {
            // A caller that does not wait only needs it to be under way.
            return match (rest(flight.first_attempt_at, now), patience) {
                (Some(pause), Some(patience)) if pause >= patience => Err(self.too_soon(pause)),
                _ => Ok(Ticket::Join(flight.completion.clone(), flight.presumed_dead_at())),
            };
        }
        let valid = current.filter(|entry| entry.valid(now));
        let refused = match trigger {
            Trigger::Refused(refused) => {
                valid.filter(|entry| entry.generation == refused.generation).map(|_| refused)
            }
            _ => None,
        };
        let trigger = match trigger {
            // The refusal of an expired token says nothing about the next one.
            Trigger::Refused(_) if refused.is_none() => Trigger::Age,
            trigger => trigger,
        };
        if let Some(failure) = self.failure.as_ref().filter(|failure| failure.epoch == epoch) {
            if let Some(wait) = rest(failure.until, now) {
                return Err(failure.error.clone().remembered(wait));
            }
        }
        if let Some(refused) = refused {
            return self.refresh(refused, now, epoch);
        }
        match rest(self.rest_until, now) {
            Some(pause) if patience.is_none_or(|patience| pause >= patience) => {
                Err(self.too_soon(pause))
            }
            pause => Ok(self.start(trigger, pause.unwrap_or_default(), now, epoch)),
        }
    }

    /// Whether the remembered failure is of other credentials than these.
    fn has_rotated(&self, epoch: u64) -> bool {
        self.failed_epoch().is_some_and(|failed| failed != epoch)
    }

    fn start(&mut self, trigger: Trigger, pause: Duration, now: Duration, epoch: u64) -> Ticket {
        if self.has_rotated(epoch) {
            self.forget_failure();
        }
        self.flights += 1;
        let (completer, completion) = completion();
        let flight = InFlight::new(self.flights, trigger, completion.clone(), now, pause);
        let presumed_dead_at = flight.presumed_dead_at();
        self.flight = Some(Box::new(flight));
        let spec = FlightSpec {
            id: self.flights,
            reason: self.reason(trigger),
            completer,
            pause,
            retries: self.failure.is_none() && trigger != Trigger::Prefetch,
            seed: self.rng.u64(..),
        };
        Ticket::Start(spec, completion, presumed_dead_at)
    }

    fn reason(&self, trigger: Trigger) -> FetchReason {
        match trigger {
            Trigger::Refused(_) => FetchReason::Refused,
            Trigger::Demand => FetchReason::Demand,
            Trigger::Age | Trigger::Prefetch if self.next_generation == NonZeroU64::MIN => {
                FetchReason::First
            }
            Trigger::Age | Trigger::Prefetch => FetchReason::Age,
        }
    }

    /// The error for a flight that may not start for `wait`.
    fn too_soon(&self, wait: Duration) -> Error {
        self.put_off.as_deref().cloned().unwrap_or_else(ended_at_once).remembered(wait)
    }

    fn forget_failure(&mut self) {
        let failure = self.failure.take();
        self.deferred.error(failure.map(|failure| failure.error));
    }

    /// What each request reads.
    pub(in super::super) fn mark(&self) -> Mark {
        let evidence = self.evidence.as_deref();
        let guided = evidence.is_some_and(Evidence::guides);
        let watched = evidence.is_some_and(Evidence::watches);
        let held_for = evidence.and_then(Evidence::holding_for);
        Mark::accepted(self.accepted).with(guided, watched, held_for)
    }

    /// Remembers why an attempt failed, for callers that time out before the flight ends.
    pub(in super::super) fn note(&mut self, id: u64, error: &Error, now: Duration) {
        if self.flight.as_ref().is_some_and(|flight| flight.id == id) {
            self.set_last_error(error, now);
        }
    }

    fn set_last_error(&mut self, error: &Error, now: Duration) {
        let before = self.last_error.replace(Box::new((error.clone(), now)));
        self.deferred.error(before.map(|before| before.0));
    }

    /// Why there is no token yet, if an attempt has failed since the last success.
    pub(in super::super) fn why_none_yet(&self) -> Option<&Error> {
        let (error, at) = self.last_error.as_deref()?;
        let of_flight = |flight: &InFlight| *at >= flight.first_attempt_at;
        (self.failure.is_some() || self.flight.as_deref().is_some_and(of_flight)).then_some(error)
    }

    pub(in super::super) fn last_error(&self) -> Option<&(Error, Duration)> {
        self.last_error.as_deref()
    }

    /// Which credentials the remembered failure is of.
    pub(in super::super) fn failed_epoch(&self) -> Option<u64> {
        self.failure.as_ref().map(|failure| failure.epoch)
    }

    /// When the remembered failure of these credentials lets the next attempt start.
    pub(in super::super) fn next_attempt(&self, epoch: u64) -> Option<Duration> {
        self.failure.as_ref().filter(|f| f.epoch == epoch).map(|f| f.until)
    }

    /// When these credentials began to fail without a success since.
    pub(in super::super) fn failing_since(&self, epoch: u64) -> Option<Duration> {
        self.failure.as_ref().filter(|f| f.epoch == epoch).map(|f| f.since)
    }

    pub(in super::super) fn is_flying(&self) -> bool {
        self.flight.is_some()
    }

    /// Takes what was deferred, to be handled after the lock is released.
    pub(in super::super) fn take_deferred(&mut self) -> Deferred {
        std::mem::take(&mut self.deferred)
    }
}

/// The time left until `until`; `None` if that has passed.
fn rest(until: Duration, now: Duration) -> Option<Duration> {
    until.checked_sub(now).filter(|wait| !wait.is_zero())
}

fn ended_at_once() -> Error {
    let details = Details {
        transient: true,
        hint: Some("the issuer returns tokens that are nearly or already expired".into()),
        ..Details::new(
            Kind::Response,
            "the last token expired at once and the next token request is not due yet",
        )
    };
    details.into()
}
