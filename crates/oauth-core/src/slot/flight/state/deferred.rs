//! What the state has no more use for.

use std::sync::Arc;

use super::super::completion::Completer;
use super::super::entry::Entry;
use super::super::events;
use super::super::sync::AbortHandle;
use crate::error::Error;
use crate::unwind::contained;

/// Let go after the state's lock is released, in this order: a source's error can do anything when it is
/// dropped, call the slot for one, an abort can drop a flight on the spot, and who is woken is not ours.
#[derive(Default)]
#[must_use]
pub(in super::super::super) struct Deferred(Vec<Item>);

enum Item {
    Error(Error),
    /// A flight that no one needs any more: if it is not dead, it ends.
    Flight(AbortHandle),
    /// A hold that has ended: those that are held are told.
    Hold(Completer),
    /// A token, to be wiped.
    Token(Arc<Entry>),
    /// Refusals have used up what there is of refreshes: for the log.
    Exhausted(Error),
}

impl Deferred {
    pub(super) fn error(&mut self, error: Option<Error>) {
        self.0.extend(error.map(Item::Error));
    }

    pub(super) fn flight(&mut self, flight: Option<AbortHandle>) {
        self.0.extend(flight.map(Item::Flight));
    }

    pub(super) fn hold(&mut self, hold: Option<Completer>) {
        self.0.extend(hold.map(Item::Hold));
    }

    pub(super) fn token(&mut self, token: Option<Arc<Entry>>) {
        self.0.extend(token.map(Item::Token));
    }

    pub(super) fn exhausted(&mut self, error: &Error) {
        self.0.push(Item::Exhausted(error.clone()));
    }

    pub(in super::super::super) fn run(self) {
        for item in self.0 {
            contained(|| match item {
                Item::Error(error) => drop(error),
                Item::Flight(flight) => flight.abort(),
                Item::Hold(hold) => drop(hold),
                Item::Token(token) => drop(token),
                Item::Exhausted(error) => events::renewals_exhausted(&error),
            });
        }
    }
}
