//! What the desk has no more use for.

use super::super::super::primitives::AbortHandle;
use super::Flight;
use crate::error::Error;
use crate::unwind::contained;

/// Let go after the desk's lock is released: a source's error can do anything when it is dropped,
/// call the slot for one, and an abort can drop a flight on the spot.
#[derive(Default)]
#[must_use]
pub(in super::super) struct Spent {
    errors: Vec<Error>,
    flights: Vec<Flight>,
    superseded: Option<AbortHandle>,
}

impl Spent {
    pub(super) fn error(&mut self, error: Option<Error>) {
        self.errors.extend(error);
    }

    pub(super) fn flight(&mut self, flight: Option<Flight>) {
        self.flights.extend(flight);
    }

    /// It was presumed dead: if it is not, it ends.
    pub(super) fn supersede(&mut self, mut flight: Flight) {
        self.superseded = flight.abort.take();
        self.flights.push(flight);
    }

    pub(in super::super) fn let_go(self) {
        let Self { errors, flights, superseded } = self;
        for error in errors {
            contained(|| drop(error));
        }
        contained(|| superseded.map(|flight| flight.abort()));
        contained(|| drop(flights));
    }
}
