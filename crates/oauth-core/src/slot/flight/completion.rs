//! How the waiters of one flight hear of its end.

use std::sync::Arc;

use tokio::sync::Notify;

use super::entry::Entry;
use super::sync::OnceLock;
use crate::error::Error;
use crate::unwind::woken_quietly;

/// What every waiter of a landed flight gets.
pub(in super::super) type FlightResult = Result<Arc<Entry>, Error>;

/// How a flight ended: landed, or dropped without an outcome.
type End = Option<FlightResult>;

#[derive(Default)]
struct CompletionState {
    end: OnceLock<End>,
    waiting: Notify,
}

/// A flight that can be waited for; clones are the same one.
#[derive(Clone)]
pub(in super::super) struct Completion(Arc<CompletionState>);

/// Says once how the flight ended: dropped without a word, that it was cut off.
pub(in super::super) struct Completer(Arc<CompletionState>);

pub(in super::super) fn completion() -> (Completer, Completion) {
    let board = Arc::new(CompletionState::default());
    (Completer(board.clone()), Completion(board))
}

impl Completion {
    /// Waits for the end: nothing if the flight was cut off. Waiters are woken in the order in which
    /// they came, so that the first of thousands does not wait for all others.
    pub(in super::super) async fn end(&self) -> Option<&FlightResult> {
        let Self(board) = self;
        // Asked for before the look: an end in between is not missed.
        let told = board.waiting.notified();
        if board.end.get().is_none() {
            woken_quietly(told).await;
        }
        board.end.get().and_then(Option::as_ref)
    }
}

impl Completer {
    pub(in super::super) fn landed(self, landed: FlightResult) {
        self.tell(Some(landed));
    }

    fn tell(&self, end: End) {
        // The first word counts.
        if self.0.end.set(end).is_ok() {
            self.0.waiting.notify_waiters();
        }
    }
}

impl Drop for Completer {
    fn drop(&mut self) {
        self.tell(None);
    }
}
