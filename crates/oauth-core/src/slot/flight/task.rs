//! One flight: a task that calls the source, retries where that helps, and settles its result.
//!
//! It holds the slot weakly, so dropping the last handle ends it. Whatever drops the task (a runtime that
//! shuts down, an abort) makes the waiters ask the state again instead of waiting forever.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::Instant;

use super::builder::Settings;
use super::completion::Completer;
use super::events::{Ended, FlightLog};
use super::rotation::unless_rotated;
use super::shared::Shared;
use super::state::{Fetched, FlightSpec, Publish, Settled};
use super::sync::{fetching, instant_now, sleep, timeout, timeout_at};
use crate::challenge::Hints;
use crate::clock::AnyClock;
use crate::deadline::{Deadline, after};
use crate::error::{Error, Kind};
use crate::source::{DynSource, FetchContext, FetchReason};
use crate::token::Token;
use crate::unwind::{Panicked, caught, contained};

/// Most attempts in one flight, whatever the jitter drew.
const MOST_ATTEMPTS: u32 = 10;

pub(in super::super) struct FlightTask {
    slot: u64,
    source: Arc<dyn DynSource>,
    clock: AnyClock,
    settings: Arc<Settings>,
    reason: FetchReason,
    asks: FetchContext,
    pause: Duration,
    retries: bool,
    rng: fastrand::Rng,
    last_error: Option<Error>,
    log: FlightLog,
    pass: CompletionGuard,
}

impl FlightTask {
    /// `held`: the slot's valid token; `hints`: what the API said when it refused it.
    pub(in super::super) fn new(
        shared: &Arc<Shared>,
        spec: FlightSpec,
        held: Option<&Token>,
        hints: Option<&Hints>,
    ) -> Self {
        let FlightSpec { id, reason, completer, pause, retries, seed } = spec;
        Self {
            slot: shared.id,
            source: shared.source.clone(),
            clock: shared.clock.clone(),
            settings: shared.settings.clone(),
            reason,
            asks: FetchContext::of(reason, held, hints),
            pause,
            retries,
            rng: fastrand::Rng::with_seed(seed),
            last_error: None,
            log: FlightLog::registered(),
            pass: CompletionGuard { slot: Arc::downgrade(shared), id, completer: Some(completer) },
        }
    }

    pub(in super::super) fn id(&self) -> u64 {
        self.pass.id
    }

    pub(in super::super) fn log_start(&mut self, of: &Shared) {
        let source = || self.source.info();
        self.log.begin(of.who(), source, self.pass.id, self.reason, self.pause);
    }

    pub(in super::super) async fn run(mut self) {
        let mut tried = None;
        // Caught here as well as around each attempt: what a source drops can panic, too.
        let result = caught(self.within_limit(&mut tried)).await.unwrap_or_else(panicked);
        self.pass.settle(result, tried, &self.log);
    }

    async fn within_limit(&mut self, tried: &mut Option<u64>) -> Result<Fetched, Error> {
        if !self.pause.is_zero() {
            self.pass.heartbeat(self.pause);
            sleep(self.pause).await;
            self.log.pause_ends();
        }
        // The deadline counts from now.
        let deadline = after(instant_now(), self.settings.flight_timeout);
        timeout_at(deadline, self.attempts(deadline, tried)).await.unwrap_or_else(|_| {
            let last = self.last_error.take();
            let limit = self.settings.flight_timeout;
            Err(self
                .timed_out(format!("timed out fetching a token (flight limit of {limit:?})"), last))
        })
    }

    async fn attempts(
        &mut self,
        deadline: Instant,
        tried: &mut Option<u64>,
    ) -> Result<Fetched, Error> {
        let mut failed = 0;
        let mut attempt = 0;
        loop {
            attempt += 1;
            self.log.attempt_starts();
            let epoch = self.source.credentials_epoch();
            *tried = Some(epoch);
            self.pass.heartbeat(self.settings.attempt_timeout);
            let started = self.clock.now();
            let error = match self.attempt(deadline).await {
                Ok(token) => return Ok(Fetched { token, started }),
                Err(error) => error,
            };
            if error.is_not_now() {
                return Err(error);
            }
            self.pass.note(&error);
            let before = self.last_error.replace(error.clone());
            contained(|| drop(before));
            if attempt >= MOST_ATTEMPTS {
                return Err(error);
            }
            if self.source.credentials_epoch() != epoch {
                // Rotated meanwhile: the failure of the old credentials says nothing about the new ones.
                continue;
            }
            failed += 1;
            if !self.retries || !error.is_transient() {
                return Err(error);
            }
            let draw = self.rng.f64();
            let wait = self.settings.backoff.backoff(failed, draw, error.retry_after());
            if wait >= deadline.saturating_duration_since(instant_now()) {
                return Err(error);
            }
            self.log.trying_again(&error, wait);
            self.pass.heartbeat(wait);
            // New credentials are tried at once.
            unless_rotated(sleep(wait), &*self.source, epoch).await;
        }
    }

    async fn attempt(&self, deadline: Instant) -> Result<Token, Error> {
        let source = &self.source;
        let limit = after(instant_now(), self.settings.attempt_timeout).min(deadline);
        let asks = self.asks.clone().with_deadline(Deadline::at(limit));
        // The async block: a source that panics before its first await must be caught as well.
        let fetch = caught(async move { source.fetch(asks).await });
        let fetch = fetching(self.slot, timeout(self.settings.attempt_timeout, fetch));
        match self.log.within(fetch).await {
            Ok(result) => result.unwrap_or_else(panicked),
            Err(_) => {
                let limit = self.settings.attempt_timeout;
                let message = format!("timed out fetching a token (attempt limit of {limit:?})");
                Err(self.timed_out(message, None))
            }
        }
    }

    fn timed_out(&self, message: String, last: Option<Error>) -> Error {
        self.source.info().timed_out(message, last)
    }
}

/// A panic in the source is an error for the waiters, like any other.
fn panicked<T>(_: Panicked) -> Result<T, Error> {
    Err(Error::new(Kind::Panicked, "the token source panicked"))
}

/// Guarantees that waiters learn of the end, by a result or by being dropped. It is created with the
/// flight's registration, before any foreign code runs.
struct CompletionGuard {
    slot: Weak<Shared>,
    id: u64,
    completer: Option<Completer>,
}

impl CompletionGuard {
    fn settle(mut self, result: Result<Fetched, Error>, tried: Option<u64>, log: &FlightLog) {
        // Upgraded for this call only; there is no await in it.
        let Some(slot) = self.slot.upgrade() else { return };
        let (settled, deferred) = slot.settle(self.id, result, tried);
        if let Some((completer, settled)) = self.completer.take().zip(settled) {
            let kept = matches!(settled.publish, Publish::Token(_));
            // First, because what follows runs foreign code.
            completer.completed(settled.outcome.clone());
            let Settled { outcome, failing_for, callers_left, .. } = &settled;
            let (failing_for, callers_left) = (*failing_for, *callers_left);
            log.ended(&Ended { outcome, kept, failing_for, callers_left });
        }
        deferred.run();
    }

    /// Records that the next heartbeat comes within this time. A waiter presumes the flight dead a second
    /// after that.
    fn heartbeat(&self, within: Duration) {
        if let Some(slot) = self.slot.upgrade() {
            contained(|| slot.heartbeat(self.id, within));
        }
    }

    fn note(&self, error: &Error) {
        if let Some(slot) = self.slot.upgrade() {
            // If the clock panics, the note is lost, but not the flight.
            contained(|| slot.note(self.id, error));
        }
    }
}

impl Drop for CompletionGuard {
    fn drop(&mut self) {
        // First remove it from the state, then wake the waiters: one that wakes and asks again must not
        // find this flight still registered. Foreign code runs last.
        if let Some(completer) = self.completer.take() {
            let slot = self.slot.upgrade();
            let deferred = slot.as_ref().map(|slot| slot.abandon(self.id)).unwrap_or_default();
            drop(completer);
            deferred.run();
            contained(|| drop(slot));
        }
    }
}
