//! What a slot is, and how a flight lands in it.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::super::primitives::{AtomicU64, Mutex, MutexGuard, Published};
use super::builder::Settings;
use super::desk::{Desk, Epochs, Landing, Minted, Publish, Spent};
use super::entry::Entry;
use super::foreign::ForeignLog;
use super::issued::IssuedTokens;
use crate::clock::AnyClock;
use crate::error::Error;
use crate::origin::Origins;
use crate::source::DynSource;
use crate::unwind::contained;

/// What all handles of a slot share.
pub(super) struct Shared {
    /// Written under the desk's lock alone, read by everybody.
    pub(super) current: Published<Entry>,
    pub(super) clock: AnyClock,
    /// What the desk knows about acceptance: written under its lock, read with each request.
    pub(super) mark: AtomicU64,
    pub(super) desk: Mutex<Desk>,
    pub(super) source: Arc<dyn DynSource>,
    pub(super) settings: Arc<Settings>,
    pub(super) origins: Origins,
    pub(super) foreign: ForeignLog,
    pub(super) issued: IssuedTokens,
    pub(super) landed: watch::Sender<u64>,
    pub(super) id: u64,
}

impl Shared {
    pub(super) fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the desk. What that put aside is the caller's to let go, when nothing depends on it any
    /// more: the lock is released by then.
    pub(super) fn at_desk<T>(&self, ask: impl FnOnce(&mut Desk) -> T) -> (T, Spent) {
        let mut desk = self.desk();
        let answer = ask(&mut desk);
        // After what was published: who reads this mark and then the token has that token or a later one.
        self.mark.store(desk.mark().bits(), Ordering::Release);
        (answer, desk.take_spent())
    }

    /// Publishes what a flight brought and returns what its waiters get; nothing if the flight was
    /// given up meanwhile. Until they have it, nothing of others runs but the clock and the source,
    /// before the outcome is taken.
    pub(super) fn land(
        &self,
        id: u64,
        result: Result<Minted, Error>,
        tried: Option<u64>,
    ) -> (Option<Landing>, Spent) {
        if let Ok(minted) = &result {
            self.issued.remember(&minted.token);
        }
        let at = self.clock.read();
        // If it panics, nobody knows of a change.
        let now = contained(|| self.source.credentials_epoch()).or(tried).unwrap_or_default();
        let epochs = Epochs { tried: tried.unwrap_or(now), now };
        let ((landing, _replaced), spent) = self.at_desk(|desk| {
            let current = self.current.load_full();
            let landing = desk.land(id, result, current.as_ref(), at, epochs);
            // A token that goes is wiped, after the lock is released.
            let replaced = match landing.as_ref().map(|landing| &landing.publish) {
                None | Some(Publish::Nothing) => None,
                Some(Publish::Token(entry)) => self.current.swap(Some(entry.clone())),
                Some(Publish::Emptiness) => self.current.swap(None),
            };
            (landing, (replaced, current))
        });
        if landing.is_some() {
            self.landed.send_modify(|count| *count += 1);
        }
        (landing, spent)
    }

    pub(super) fn note(&self, id: u64, error: &Error) {
        let now = self.clock.now();
        let ((), spent) = self.at_desk(|desk| desk.note(id, error, now));
        spent.let_go();
    }

    pub(super) fn heard(&self, id: u64, within: Duration) {
        let by = self.clock.now().saturating_add(within);
        let ((), spent) = self.at_desk(|desk| desk.heard(id, by));
        spent.let_go();
    }

    pub(super) fn crash(&self, id: u64) -> Spent {
        let ((), spent) = self.at_desk(|desk| desk.crash(id));
        spent
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let desk = self.desk.get_mut().unwrap_or_else(PoisonError::into_inner);
        for flight in desk.take_flights() {
            flight.abort();
        }
    }
}
