//! How callers join the one flight and wait for it.

use std::borrow::Cow;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::cycle;
use super::entry::Entry;
use super::events;
use super::flight::completion::{Completion, FlightResult};
use super::flight::state::Ticket;
use super::flight::task::FlightTask;
use super::sync::{Runtime, instant_now, runtime, timeout_at};
use super::trigger::Trigger;
use super::{IssuedToken, TokenSlot};
use crate::challenge::Hints;
use crate::deadline::{Deadline, after};
use crate::error::{Details, Error, Kind};
use crate::unwind::contained;

/// How often a caller starts an aborted flight again before it concludes that the runtime is shutting down.
const MOST_CUT_OFF: u8 = 3;

pub(super) enum Joined {
    Ready(Arc<Entry>),
    /// `ours`: this caller started it, on its own runtime.
    Flight {
        completion: Completion,
        dead_in: Duration,
        ours: bool,
    },
}

/// How long a caller with this deadline will still wait: its whole limit before its first wait.
fn patience(deadline: Option<Instant>, limit: Duration) -> Duration {
    deadline.map_or(limit, |deadline| deadline.saturating_duration_since(instant_now()))
}

fn same_again() -> Error {
    let details = Details {
        hint: Some("the issuer caches tokens: revoke it there as well".into()),
        ..Details::new(Kind::RefusedAgain, "the issuer returned the refused token again")
    };
    details.into()
}

/// The state's decision.
enum Asked {
    Ready(Arc<Entry>),
    Joined(Completion, Duration),
    /// Registered, but not spawned yet.
    Registered(Box<FlightTask>, Completion, Duration),
}

/// How a wait for a flight ended.
enum WaitEnd {
    FlightResult(FlightResult),
    /// The flight was dropped without an outcome.
    CutOff,
    TimedOut,
}

#[expect(clippy::manual_async_fn, reason = "an async function stores its arguments twice")]
fn wait(completion: Completion, until: Instant) -> impl Future<Output = WaitEnd> + Send {
    async move {
        match timeout_at(until, completion.end()).await {
            Ok(Some(result)) => WaitEnd::FlightResult(result.clone()),
            Ok(None) => WaitEnd::CutOff,
            Err(_elapsed) => WaitEnd::TimedOut,
        }
    }
}

/// A caller that waits for a flight: if it leaves before there is a token, that is logged.
struct Waiter<'a> {
    slot: &'a TokenSlot,
    /// When its first wait started.
    since: Option<Instant>,
    waits: bool,
}

impl Waiter<'_> {
    /// When it stops waiting; before its first wait only if the caller says so.
    fn deadline(&self, until: Option<Instant>) -> Option<Instant> {
        let ours = self.since.map(|since| after(since, self.slot.shared.settings.acquire_timeout));
        ours.into_iter().chain(until).min()
    }

    fn starts_to_wait(&mut self, now: Instant, until: Option<Instant>) -> Instant {
        self.since.get_or_insert(now);
        self.deadline(until).unwrap_or(now)
    }

    fn leave(&self) {
        let shared = &self.slot.shared;
        let waited =
            instant_now().saturating_duration_since(self.since.unwrap_or_else(instant_now));
        let (first, last) = {
            let mut state = shared.state();
            (state.caller_left(), state.why_none_yet().cloned())
        };
        events::caller_left(shared.who(), waited, first, last.as_ref());
        contained(|| drop(last));
    }
}

/// Dropped while it waits: by a time limit around the call, or because its own caller is gone.
impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        if self.waits {
            self.leave();
        }
    }
}

impl TokenSlot {
    #[expect(
        clippy::manual_async_fn,
        reason = "an async function stores its arguments twice, and thousands may wait at once"
    )]
    pub(super) fn acquire(
        &self,
        trigger: Trigger,
        hints: Option<Box<Hints>>,
        until: Option<Deadline>,
    ) -> impl Future<Output = Result<IssuedToken, Error>> + Send {
        async move {
            let until = until.map(Deadline::instant);
            let mut waiter = Waiter { slot: self, since: None, waits: false };
            let mut cut_off = 0_u8;
            loop {
                let limit = self.shared.settings.acquire_timeout;
                let left = patience(waiter.deadline(until), limit).min(limit);
                let (completion, dead_in) =
                    match self.start_flight(trigger, hints.as_deref(), Some(left))? {
                        Joined::Ready(entry) => return Ok(IssuedToken::newest(entry)),
                        Joined::Flight { completion, dead_in, .. } => (completion, dead_in),
                    };
                // Checked by `start_flight`: there is a runtime with timers.
                let now = instant_now();
                let deadline = waiter.starts_to_wait(now, until);
                let wait_until = deadline.min(after(now, dead_in));
                let nested = cycle::enter(self.shared.who(), || self.shared.source.info())?;
                waiter.waits = true;
                let end = wait(completion, wait_until).await;
                waiter.waits = false;
                drop(nested);
                let entry = match end {
                    // No failure, only a pause: wait it out, or get the same error if it is too long.
                    WaitEnd::FlightResult(Err(error))
                        if error.is_not_now() && trigger == Trigger::Age =>
                    {
                        continue;
                    }
                    WaitEnd::FlightResult(result) => result?,
                    // Ask the state again.
                    WaitEnd::CutOff if cut_off < MOST_CUT_OFF => {
                        cut_off += 1;
                        continue;
                    }
                    WaitEnd::CutOff => {
                        let message =
                            "the token request was aborted: the Tokio runtime is shutting down";
                        return Err(Error::new(Kind::Runtime, message));
                    }
                    WaitEnd::TimedOut if deadline <= wait_until => {
                        waiter.leave();
                        return Err(self.out_of_patience(until == Some(deadline)));
                    }
                    // The flight's runtime is not driven: the state replaces the flight when asked again.
                    WaitEnd::TimedOut => continue,
                };
                if !entry.single_use()
                    && !entry.fresh.is_ahead()
                    && !entry.valid(self.shared.clock.now())
                {
                    // The token expired before this caller was polled.
                    continue;
                }
                return match trigger {
                    Trigger::Refused(refused) if refused.generation == entry.generation => {
                        Err(same_again())
                    }
                    _ => Ok(IssuedToken::newest(entry)),
                };
            }
        }
    }

    fn out_of_patience(&self, callers: bool) -> Error {
        let last = self.shared.state().why_none_yet().cloned();
        let message = if callers {
            "timed out waiting for the token endpoint (the request's time limit)".into()
        } else {
            let limit = self.shared.settings.acquire_timeout;
            let why = if last.is_none() { ": the source has not responded" } else { "" };
            Cow::from(format!("timed out waiting for a token (acquire limit of {limit:?}){why}"))
        };
        self.shared.source.info().timed_out(message, last)
    }

    /// Joins the flight under way, or starts one if the state allows it. `patience` is how long the caller
    /// would wait for it to begin, `None` for a caller that does not wait. `hints` are those of the refusal
    /// that asks for it.
    pub(super) fn start_flight(
        &self,
        trigger: Trigger,
        hints: Option<&Hints>,
        patience: Option<Duration>,
    ) -> Result<Joined, Error> {
        let shared = &self.shared;
        let now = shared.clock.now();
        let epoch = shared.source.credentials_epoch();
        // Checked before a flight is registered: one that cannot be spawned must not be in the state.
        let runtime = runtime();
        let (asked, deferred) = shared.with_state(|state| {
            let current = shared.current.load_full();
            if let Some(ready) = state.ready(trigger, current.as_ref(), now, epoch) {
                return Ok(Asked::Ready(ready));
            }
            if let Err(error) = &runtime {
                return Err(error.clone());
            }
            let ticket = state.ask(trigger, patience, current.as_ref(), now, epoch)?;
            Ok(match ticket {
                Ticket::Join(completion, dead_at) => Asked::Joined(completion, dead_at),
                Ticket::Start(spec, completion, dead_at) => {
                    let held =
                        current.as_ref().filter(|entry| entry.valid(now)).map(|entry| &entry.token);
                    Asked::Registered(
                        Box::new(FlightTask::new(shared, spec, held, hints)),
                        completion,
                        dead_at,
                    )
                }
            })
        });
        // From here on foreign code may run: a registered flight removes itself from the state when it is
        // dropped.
        deferred.run();
        let (completion, dead_at, ours) = match asked? {
            Asked::Ready(entry) => return Ok(Joined::Ready(entry)),
            Asked::Joined(completion, dead_at) => (completion, dead_at, false),
            Asked::Registered(flight, completion, dead_at) => {
                self.spawn(flight, &runtime?);
                (completion, dead_at, true)
            }
        };
        Ok(Joined::Flight { completion, dead_in: dead_at.saturating_sub(now), ours })
    }

    fn spawn(&self, mut flight: Box<FlightTask>, runtime: &Runtime) {
        let id = flight.id();
        flight.log_start(&self.shared);
        // Outside the lock: a runtime that has shut down drops the future inside `spawn`, which takes the
        // lock.
        let abort = runtime.spawn(flight.run()).abort_handle();
        let (gone, deferred) = self.shared.with_state(|state| state.attach_task(id, abort));
        if let Err(superseded) = gone {
            superseded.abort();
        }
        deferred.run();
    }
}
