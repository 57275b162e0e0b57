//! How callers get onto the one flight and wait for it.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::super::primitives::{Runtime, instant_now, runtime, timeout_at};
use super::arrival::{Arrival, Landed};
use super::desk::Answer;
use super::entry::Entry;
use super::flight::Flight;
use super::trigger::Trigger;
use super::{IssuedToken, TokenSlot};
use crate::deadline::{Deadline, after};
use crate::error::{Details, Error, Kind};

/// A flight that is cut off is started again; more often than this the runtime is going away.
const MOST_CUT_OFF: u8 = 3;

pub(super) enum Joined {
    Ready(Arc<Entry>),
    /// `ours`: this caller has started it, on its own runtime.
    Flight {
        arrival: Arrival,
        dead_in: Duration,
        ours: bool,
    },
}

/// How long a caller with this deadline would still wait: before its first wait, all of its limit.
fn patience(deadline: Option<Instant>, limit: Duration) -> Duration {
    deadline.map_or(limit, |deadline| deadline.saturating_duration_since(instant_now()))
}

fn same_again() -> Error {
    let details = Details {
        hint: Some("the issuer caches tokens: revoke it there as well".into()),
        ..Details::new(Kind::Damped, "the issuer handed out the refused token again")
    };
    details.into()
}

/// What the desk said.
enum Asked {
    Ready(Arc<Entry>),
    Joined(Arrival, Duration),
    /// It has no task yet.
    Registered(Flight, Arrival, Duration),
}

/// How a wait for a flight ended.
enum Waited {
    Landed(Landed),
    /// The flight was dropped without an outcome.
    CutOff,
    TimedOut,
}

#[expect(clippy::manual_async_fn, reason = "an async function stores its arguments twice")]
fn wait(arrival: Arrival, until: Instant) -> impl Future<Output = Waited> + Send {
    async move {
        match timeout_at(until, arrival.end()).await {
            Ok(Some(landed)) => Waited::Landed(landed.clone()),
            Ok(None) => Waited::CutOff,
            Err(_elapsed) => Waited::TimedOut,
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
        until: Option<Deadline>,
    ) -> impl Future<Output = Result<IssuedToken, Error>> + Send {
        async move {
            let until = until.map(Deadline::instant);
            let mut deadline = None;
            let mut cut_off = 0_u8;
            loop {
                let limit = self.shared.settings.acquire_timeout;
                let left = patience(deadline.or(until), limit).min(limit);
                let (arrival, wait_until) = match self.start_flight(trigger, Some(left))? {
                    Joined::Ready(entry) => return Ok(IssuedToken::newest(entry)),
                    Joined::Flight { arrival, dead_in, .. } => {
                        // Checked by `start_flight`: there is a runtime with timers.
                        let now = instant_now();
                        let deadline = *deadline.get_or_insert_with(|| {
                            let ours = after(now, limit);
                            until.map_or(ours, |until| until.min(ours))
                        });
                        (arrival, deadline.min(after(now, dead_in)))
                    }
                };
                let entry = match wait(arrival, wait_until).await {
                    Waited::Landed(result) => result?,
                    // Ask again: the desk knows.
                    Waited::CutOff if cut_off < MOST_CUT_OFF => {
                        cut_off += 1;
                        continue;
                    }
                    Waited::CutOff => {
                        let message = "the token request was cut off: the runtime is going away";
                        return Err(Error::new(Kind::Runtime, message));
                    }
                    Waited::TimedOut if deadline.is_some_and(|deadline| deadline <= wait_until) => {
                        let callers = until.is_some() && deadline == until;
                        return Err(self.out_of_patience(callers));
                    }
                    // Nobody drives the flight: the desk replaces it when asked again.
                    Waited::TimedOut => continue,
                };
                if !entry.single_use()
                    && !entry.fresh.is_ahead()
                    && !entry.valid(self.shared.clock.now())
                {
                    // This caller was not polled before the token's end.
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
        let last = self.shared.desk().last_error().map(|(error, _)| error.clone());
        let message = if callers {
            "the token endpoint gave no token within the request's time limit"
        } else {
            "there was no token within the acquire limit"
        };
        self.shared.source.info().timed_out(message, last)
    }

    /// Joins the flight under way, or starts one if the desk allows it. `patience` is how long the
    /// caller would wait for it to begin; nothing for one that does not wait.
    pub(super) fn start_flight(
        &self,
        trigger: Trigger,
        patience: Option<Duration>,
    ) -> Result<Joined, Error> {
        let shared = &self.shared;
        let now = shared.clock.now();
        let epoch = shared.source.credentials_epoch();
        // Before a flight is registered: one that cannot be spawned must not be on the desk.
        let runtime = runtime();
        let (asked, spent) = shared.at_desk(|desk| {
            let current = shared.current.load_full();
            if let Some(ready) = desk.ready(trigger, current.as_ref(), now, epoch) {
                return Ok(Asked::Ready(ready));
            }
            if let Err(error) = &runtime {
                return Err(error.clone());
            }
            let answer = desk.ask(trigger, patience, current.as_ref(), now, epoch)?;
            Ok(match answer {
                Answer::Wait(arrival, dead_at) => Asked::Joined(arrival, dead_at),
                Answer::Start(takeoff, arrival, dead_at) => {
                    Asked::Registered(Flight::new(shared, takeoff), arrival, dead_at)
                }
            })
        });
        // From here on code of others may run: a flight that was registered takes itself off the
        // desk again when it is dropped.
        spent.let_go();
        let (arrival, dead_at, ours) = match asked? {
            Asked::Ready(entry) => return Ok(Joined::Ready(entry)),
            Asked::Joined(arrival, dead_at) => (arrival, dead_at, false),
            Asked::Registered(flight, arrival, dead_at) => {
                self.take_off(flight, &runtime?);
                (arrival, dead_at, true)
            }
        };
        Ok(Joined::Flight { arrival, dead_in: dead_at.saturating_sub(now), ours })
    }

    fn take_off(&self, flight: Flight, runtime: &Runtime) {
        let id = flight.id();
        flight.tell_start();
        // Outside of the lock: an ended runtime drops the future inside of `spawn`, and that asks
        // for the lock.
        let abort = runtime.spawn(flight.run()).abort_handle();
        let (gone, spent) = self.shared.at_desk(|desk| desk.airborne(id, abort));
        if let Err(superseded) = gone {
            superseded.abort();
        }
        spent.let_go();
    }
}
