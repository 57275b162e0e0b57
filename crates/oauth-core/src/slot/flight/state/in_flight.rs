//! The flights that the state knows of: the one under way, and one that is presumed dead.

use std::time::Duration;

use super::super::completion::Completion;
use super::super::sync::AbortHandle;
use super::super::trigger::Trigger;
use super::FlightState;

/// A flight says by when it will be heartbeat of next. One that is not heartbeat of by then plus this is on a
/// runtime that no one drives.
const PRESUMED_DEAD_AFTER: Duration = Duration::from_secs(1);
/// A task of a runtime that is driven is polled the first time within this.
const FIRST_POLL: Duration = Duration::from_secs(5);

pub(super) struct InFlight {
    pub(super) id: u64,
    pub(super) trigger: Trigger,
    pub(super) completion: Completion,
    /// When its first attempt is made, or was.
    pub(super) first_attempt_at: Duration,
    /// It says something of itself until then.
    pub(super) next_heartbeat_by: Duration,
    pub(super) abort: Option<AbortHandle>,
}

impl InFlight {
    pub(super) fn new(
        id: u64,
        trigger: Trigger,
        completion: Completion,
        now: Duration,
        pause: Duration,
    ) -> Self {
        let first_attempt_at = now.saturating_add(pause);
        let next_heartbeat_by = now.saturating_add(FIRST_POLL);
        Self { id, trigger, completion, first_attempt_at, next_heartbeat_by, abort: None }
    }

    pub(super) fn presumed_dead_at(&self) -> Duration {
        self.next_heartbeat_by.saturating_add(PRESUMED_DEAD_AFTER)
    }
}

impl FlightState {
    /// A flight that should have been heartbeat of makes room for another one.
    pub(super) fn supersede(&mut self, now: Duration) {
        let Some(flight) = self.flight.take_if(|flight| now >= flight.presumed_dead_at()) else {
            return;
        };
        self.end_hold();
        if let Some(evidence) = &mut self.evidence {
            evidence.cut_off(flight.id);
        }
        let before = self.superseded.replace(flight);
        self.deferred.flight(before.and_then(|flight| flight.abort));
    }

    /// The flight has a task now. Hands the handle back when the flight is no longer the one.
    pub(in super::super::super) fn attach_task(
        &mut self,
        id: u64,
        abort: AbortHandle,
    ) -> Result<(), AbortHandle> {
        match &mut self.flight {
            Some(flight) if flight.id == id => {
                flight.abort = Some(abort);
                Ok(())
            }
            _ => Err(abort),
        }
    }

    /// The flight is alive, and will be heartbeat of again by then.
    pub(in super::super::super) fn heartbeat(&mut self, id: u64, by: Duration) {
        if let Some(flight) = self.flight.as_mut().filter(|flight| flight.id == id) {
            flight.next_heartbeat_by = by;
        }
    }

    /// The flight was dropped without an outcome: its runtime has ended, or it was aborted.
    pub(in super::super::super) fn abandon(&mut self, id: u64) {
        self.superseded.take_if(|flight| flight.id == id);
        if self.flight.take_if(|flight| flight.id == id).is_some() {
            self.drop_superseded();
        }
        self.end_hold_of(id);
        if let Some(evidence) = &mut self.evidence {
            evidence.cut_off(id);
        }
    }

    /// The flight that took its place is over.
    pub(super) fn drop_superseded(&mut self) {
        let superseded = self.superseded.take();
        self.deferred.flight(superseded.and_then(|flight| flight.abort));
    }

    /// Takes everything out of use: the token, its predecessor, and what a flight under way would bring.
    pub(in super::super::super) fn retire(&mut self) {
        let flight = self.flight.take();
        if let Some(flight) = flight {
            if let Some(evidence) = &mut self.evidence {
                evidence.cut_off(flight.id);
            }
            self.deferred.flight(flight.abort);
        }
        self.drop_superseded();
        self.end_hold();
        self.forget_predecessor();
    }

    /// The flights under way, to be aborted because no one is left who could use their tokens.
    pub(in super::super::super) fn take_flights(&mut self) -> impl Iterator<Item = AbortHandle> {
        let flights = self.flight.take().into_iter().chain(self.superseded.take());
        flights.filter_map(|flight| flight.abort)
    }
}
