//! How the waiters of a flight learn of its end.

use std::sync::Arc;

use tokio::sync::Notify;

use super::entry::Entry;
use super::sync::OnceLock;
use crate::error::Error;
use crate::unwind::woken_quietly;

/// What every waiter of a completed flight gets.
pub(in super::super) type FlightResult = Result<Arc<Entry>, Error>;

/// How a flight ended: with a result, or `None` if it was dropped without one.
type End = Option<FlightResult>;

#[derive(Default)]
struct CompletionState {
    end: OnceLock<End>,
    waiting: Notify,
}

/// The waiting side of a flight. Clones wait for the same one.
#[derive(Clone)]
pub(in super::super) struct Completion(Arc<CompletionState>);

/// The flight's side: reports the end once. Dropped without a result, it reports that the flight was
/// aborted.
pub(in super::super) struct Completer(Arc<CompletionState>);

pub(in super::super) fn completion() -> (Completer, Completion) {
    let board = Arc::new(CompletionState::default());
    (Completer(board.clone()), Completion(board))
}

impl Completion {
    /// Waits for the end; `None` if the flight was aborted. Waiters are woken in the order in which they
    /// came, so the first of thousands does not wait for the rest.
    pub(in super::super) async fn end(&self) -> Option<&FlightResult> {
        let Self(board) = self;
        // Registered before the check, so that an end in between is not missed.
        let notified = board.waiting.notified();
        if board.end.get().is_none() {
            woken_quietly(notified).await;
        }
        board.end.get().and_then(Option::as_ref)
    }
}

impl Completer {
    pub(in super::super) fn completed(self, completed: FlightResult) {
        self.report(Some(completed));
    }

    fn report(&self, end: End) {
        // The first report counts.
        if self.0.end.set(end).is_ok() {
            self.0.waiting.notify_waiters();
        }
    }
}

impl Drop for Completer {
    fn drop(&mut self) {
        self.report(None);
    }
}
