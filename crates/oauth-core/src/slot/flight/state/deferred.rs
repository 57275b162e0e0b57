//! What must be dropped or run after the state's lock is released.

use std::sync::Arc;

use super::super::builder::Settings;
use super::super::completion::Completer;
use super::super::entry::Entry;
use super::super::events;
use super::super::sync::AbortHandle;
use crate::error::Error;
use crate::unwind::contained;

/// Handled in this order, outside the lock: dropping a source's error runs foreign code, which may call the
/// slot; an abort may drop a flight on the spot; wakers are foreign code.
#[derive(Default)]
#[must_use]
pub(in super::super::super) struct Deferred(Vec<Item>);

enum Item {
    Error(Error),
    /// A flight that is no longer needed, to be aborted.
    Flight(AbortHandle),
    /// A hold that has ended: dropping it wakes the requests that are held.
    Hold(Completer),
    /// A token, to be wiped.
    Token(Arc<Entry>),
    /// The refresh budget is used up: to be logged.
    Exhausted {
        slot: u64,
        settings: Arc<Settings>,
        error: Error,
    },
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

    pub(super) fn exhausted(&mut self, slot: u64, settings: &Arc<Settings>, error: &Error) {
        let (settings, error) = (settings.clone(), error.clone());
        self.0.push(Item::Exhausted { slot, settings, error });
    }

    pub(in super::super::super) fn run(self) {
        for item in self.0 {
            contained(|| match item {
                Item::Error(error) => drop(error),
                Item::Flight(flight) => flight.abort(),
                Item::Hold(hold) => drop(hold),
                Item::Token(token) => drop(token),
                Item::Exhausted { slot, settings, error } => {
                    events::budget_exhausted(settings.who(slot), &error);
                }
            });
        }
    }
}
