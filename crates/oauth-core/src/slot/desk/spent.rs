//! What the desk has no more use for.

use super::super::super::primitives::AbortHandle;
use crate::error::Error;
use crate::unwind::contained;

/// Let go after the desk's lock is released: a source's error can do anything when it is dropped,
/// call the slot for one, and an abort can drop a flight on the spot.
#[derive(Default)]
#[must_use]
pub(in super::super) struct Spent {
    errors: Vec<Error>,
    superseded: Option<AbortHandle>,
}

impl Spent {
    pub(super) fn error(&mut self, error: Option<Error>) {
        self.errors.extend(error);
    }

    /// A flight that was presumed dead: if it is not, it ends.
    pub(super) fn supersede(&mut self, flight: Option<AbortHandle>) {
        self.superseded = flight;
    }

    pub(in super::super) fn let_go(self) {
        let Self { errors, superseded } = self;
        for error in errors {
            contained(|| drop(error));
        }
        contained(|| superseded.map(|flight| flight.abort()));
    }
}
