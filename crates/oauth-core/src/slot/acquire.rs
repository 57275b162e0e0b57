//! How callers join the one flight and wait for it.

use std::borrow::Cow;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::entry::Entry;
use super::flight::completion::{Completion, FlightResult};
use super::flight::state::Ticket;
use super::flight::task::FlightTask;
use super::sync::{Runtime, instant_now, runtime, timeout_at};
use super::trigger::Trigger;
use super::{IssuedToken, TokenSlot};
use crate::challenge::Hints;
use crate::deadline::{Deadline, after};
use crate::error::{Details, Error, Kind};

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
    Registered(FlightTask, Completion, Duration),
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
            let mut deadline = None;
            let mut cut_off = 0_u8;
            loop {
                let limit = self.shared.settings.acquire_timeout;
                let left = patience(deadline.or(until), limit).min(limit);
                let (completion, wait_until) =
                    match self.start_flight(trigger, hints.as_deref(), Some(left))? {
                        Joined::Ready(entry) => return Ok(IssuedToken::newest(entry)),
                        Joined::Flight { completion, dead_in, .. } => {
                            // Checked by `start_flight`: there is a runtime with timers.
                            let now = instant_now();
                            let deadline = *deadline.get_or_insert_with(|| {
                                let ours = after(now, limit);
                                until.map_or(ours, |until| until.min(ours))
                            });
                            (completion, deadline.min(after(now, dead_in)))
                        }
                    };
                let entry = match wait(completion, wait_until).await {
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
                    WaitEnd::TimedOut
                        if deadline.is_some_and(|deadline| deadline <= wait_until) =>
                    {
                        let callers = until.is_some() && deadline == until;
                        return Err(self.out_of_patience(callers));
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
        let last = self.shared.state().last_error().map(|(error, _)| error.clone());
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
                        FlightTask::new(shared, spec, held, hints),
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

    fn spawn(&self, flight: FlightTask, runtime: &Runtime) {
        let id = flight.id();
        flight.log_start();
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
