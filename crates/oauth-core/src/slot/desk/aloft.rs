//! The flights that the desk knows of: the one under way, and one that is presumed dead.

use std::time::Duration;

use super::super::super::primitives::AbortHandle;
use super::super::arrival::Arrival;
use super::super::trigger::Trigger;
use super::Desk;

/// A flight says by when it will be heard of next. One that is not heard of by then plus this is on a
/// runtime that nobody drives.
const PRESUMED_DEAD_AFTER: Duration = Duration::from_secs(1);
/// A task of a runtime that is driven is polled the first time within this.
const FIRST_POLL: Duration = Duration::from_secs(5);

pub(super) struct Flight {
    pub(super) id: u64,
    pub(super) trigger: Trigger,
    pub(super) arrival: Arrival,
    /// When its first attempt is made, or was.
    pub(super) departs_at: Duration,
    /// It says something of itself until then.
    pub(super) heard_by: Duration,
    pub(super) abort: Option<AbortHandle>,
}

impl Flight {
    pub(super) fn new(
        id: u64,
        trigger: Trigger,
        arrival: Arrival,
        now: Duration,
        pause: Duration,
    ) -> Self {
        let departs_at = now.saturating_add(pause);
        let heard_by = now.saturating_add(FIRST_POLL);
        Self { id, trigger, arrival, departs_at, heard_by, abort: None }
    }

    pub(super) fn presumed_dead_at(&self) -> Duration {
        self.heard_by.saturating_add(PRESUMED_DEAD_AFTER)
    }
}

impl Desk {
    /// A flight that should have been heard of makes room for another one.
    pub(super) fn supersede(&mut self, now: Duration) {
        let Some(flight) = self.flight.take_if(|flight| now >= flight.presumed_dead_at()) else {
            return;
        };
        self.end_hold();
        if let Some(evidence) = &mut self.evidence {
            evidence.cut_off(flight.id);
        }
        let before = self.silent.replace(flight);
        self.spent.flight(before.and_then(|flight| flight.abort));
    }

    /// The flight has a task now. Hands the handle back when the flight is no longer the one.
    pub(in super::super) fn airborne(
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

    /// The flight is alive, and will be heard of again by then.
    pub(in super::super) fn heard(&mut self, id: u64, by: Duration) {
        if let Some(flight) = self.flight.as_mut().filter(|flight| flight.id == id) {
            flight.heard_by = by;
        }
    }

    /// The flight was dropped without an outcome: its runtime has ended, or it was aborted.
    pub(in super::super) fn crash(&mut self, id: u64) {
        self.silent.take_if(|flight| flight.id == id);
        if self.flight.take_if(|flight| flight.id == id).is_some() {
            self.forget_silent();
        }
        self.end_hold_of(id);
        if let Some(evidence) = &mut self.evidence {
            evidence.cut_off(id);
        }
    }

    /// The flight that took its place is over.
    pub(super) fn forget_silent(&mut self) {
        let silent = self.silent.take();
        self.spent.flight(silent.and_then(|flight| flight.abort));
    }

    /// Takes everything out of use: the token, its predecessor, and what a flight under way would bring.
    pub(in super::super) fn retire(&mut self) {
        let flight = self.flight.take();
        if let Some(flight) = flight {
            if let Some(evidence) = &mut self.evidence {
                evidence.cut_off(flight.id);
            }
            self.spent.flight(flight.abort);
        }
        self.forget_silent();
        self.end_hold();
        self.forget_predecessor();
    }

    /// The flights under way, to be aborted because nobody is left who could use their tokens.
    pub(in super::super) fn take_flights(&mut self) -> impl Iterator<Item = AbortHandle> {
        let flights = self.flight.take().into_iter().chain(self.silent.take());
        flights.filter_map(|flight| flight.abort)
    }
}
