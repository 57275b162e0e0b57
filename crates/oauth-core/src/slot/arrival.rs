//! How the waiters of one flight hear of its end.

use std::sync::Arc;

use tokio::sync::Notify;

use super::super::primitives::OnceLock;
use super::entry::Entry;
use crate::error::Error;
use crate::unwind::woken_quietly;

/// What every waiter of a landed flight gets.
pub(super) type Landed = Result<Arc<Entry>, Error>;

/// How a flight ended: landed, or dropped without an outcome.
type End = Option<Landed>;

#[derive(Default)]
struct Board {
    end: OnceLock<End>,
    waiting: Notify,
}

/// A flight that can be waited for; clones are the same one.
#[derive(Clone)]
pub(super) struct Arrival(Arc<Board>);

/// Says once how the flight ended: dropped without a word, that it was cut off.
pub(super) struct Announcer(Arc<Board>);

pub(super) fn arrival() -> (Announcer, Arrival) {
    let board = Arc::new(Board::default());
    (Announcer(board.clone()), Arrival(board))
}

impl Arrival {
    /// Waits for the end: nothing if the flight was cut off. Waiters are woken in the order in which
    /// they came, so that the first of thousands does not wait for all others.
    pub(super) async fn end(&self) -> Option<&Landed> {
        let Self(board) = self;
        // Asked for before the look: an end in between is not missed.
        let told = board.waiting.notified();
        if board.end.get().is_none() {
            woken_quietly(told).await;
        }
        board.end.get().and_then(Option::as_ref)
    }
}

impl Announcer {
    pub(super) fn landed(self, landed: Landed) {
        self.tell(Some(landed));
    }

    fn tell(&self, end: End) {
        // The first word counts.
        if self.0.end.set(end).is_ok() {
            self.0.waiting.notify_waiters();
        }
    }
}

impl Drop for Announcer {
    fn drop(&mut self) {
        self.tell(None);
    }
}
