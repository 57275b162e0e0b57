//! The flights in the state: the current one, and one that is presumed dead.

use std::time::Duration;

use super::super::completion::Completion;
use super::super::sync::AbortHandle;
use super::super::trigger::Trigger;
use super::FlightState;

/// Grace period. A flight records by when its next heartbeat comes; one that is later by more than this is
/// on a runtime that is not driven.
const PRESUMED_DEAD_AFTER: Duration = Duration::from_secs(1);
/// On a runtime that is driven, a task is first polled within this time.
const FIRST_POLL: Duration = Duration::from_secs(5);

pub(super) struct InFlight {
    pub(super) id: u64,
    pub(super) trigger: Trigger,
    pub(super) completion: Completion,
    /// When its first attempt is made, or was.
    pub(super) first_attempt_at: Duration,
    /// By when its next heartbeat comes.
    pub(super) next_heartbeat_by: Duration,
    pub(super) abort: Option<AbortHandle>,
    /// How many callers gave up waiting for it.
    pub(super) callers_left: u32,
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
        Self {
            id,
            trigger,
            completion,
            first_attempt_at,
            next_heartbeat_by,
            abort: None,
            callers_left: 0,
        }
    }

    pub(super) fn presumed_dead_at(&self) -> Duration {
        self.next_heartbeat_by.saturating_add(PRESUMED_DEAD_AFTER)
    }
}

impl FlightState {
    /// Replaces a flight that missed its heartbeat.
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

    /// The flight was spawned. Returns the handle if the flight is no longer the current one.
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

    /// The flight is alive; its next heartbeat comes by `by`.
    pub(in super::super::super) fn heartbeat(&mut self, id: u64, by: Duration) {
        if let Some(flight) = self.flight.as_mut().filter(|flight| flight.id == id) {
            flight.next_heartbeat_by = by;
        }
    }

    /// A caller gave up. Returns whether it is the first one of this flight.
    pub(in super::super::super) fn caller_left(&mut self) -> bool {
        let Some(flight) = &mut self.flight else { return false };
        flight.callers_left = flight.callers_left.saturating_add(1);
        flight.callers_left == 1
    }

    /// The flight was dropped without a result: its runtime has shut down, or it was aborted.
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

    /// The successor is over: drops what was presumed dead.
    pub(super) fn drop_superseded(&mut self) {
        let superseded = self.superseded.take();
        self.deferred.flight(superseded.and_then(|flight| flight.abort));
    }

    /// Retires the token, its predecessor, and the result of a flight under way.
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

    /// Takes the flights, to be aborted because no handle is left to use their tokens.
    pub(in super::super::super) fn take_flights(&mut self) -> impl Iterator<Item = AbortHandle> {
        let flights = self.flight.take().into_iter().chain(self.superseded.take());
        flights.filter_map(|flight| flight.abort)
    }
}
