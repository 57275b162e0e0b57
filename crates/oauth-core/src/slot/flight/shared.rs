//! What all handles of a slot share, and how a flight's result is published.

use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::builder::Settings;
use super::counts::Counts;
use super::entry::Entry;
use super::events::Who;
use super::issued::IssuedTokens;
use super::state::{Deferred, Epochs, Fetched, FlightState, Publish, Settled};
use super::sync::{AtomicU64, Mutex, MutexGuard, Published};
use crate::clock::AnyClock;
use crate::error::Error;
use crate::origin::Origins;
use crate::source::DynSource;
use crate::unwind::contained;

/// What all handles of a slot share.
pub(in super::super) struct Shared {
    /// Written only under the state's lock, read by every request.
    pub(in super::super) current: Published<Entry>,
    pub(in super::super) clock: AnyClock,
    /// What is known about acceptance: written only under the state's lock, read by every request.
    pub(in super::super) mark: AtomicU64,
    pub(in super::super) state: Mutex<FlightState>,
    pub(in super::super) source: Arc<dyn DynSource>,
    pub(in super::super) settings: Arc<Settings>,
    pub(in super::super) origins: Origins,
    pub(in super::super) counts: Counts,
    pub(in super::super) issued: IssuedTokens,
    pub(in super::super) settled: SettledFlights,
    pub(in super::super) id: u64,
}

impl Shared {
    /// Its names, for logs.
    pub(in super::super) fn who(&self) -> Who<'_> {
        self.settings.who(self.id)
    }

    pub(in super::super) fn state(&self) -> MutexGuard<'_, FlightState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls the state under its lock. What the state deferred is returned for the caller to drop or run
    /// after the lock is released.
    pub(in super::super) fn with_state<T>(
        &self,
        ask: impl FnOnce(&mut FlightState) -> T,
    ) -> (T, Deferred) {
        let mut state = self.state();
        let output = ask(&mut state);
        // Stored after the token was published: whoever reads this mark and then the token gets that token
        // or a later one.
        self.mark.store(state.mark().bits(), Ordering::Release);
        (output, state.take_deferred())
    }

    /// Publishes a flight's result and returns what its waiters get; `None` if the flight was given up
    /// meanwhile. Until the waiters have it, no foreign code runs except the clock and the source, and
    /// those before the result is taken.
    pub(in super::super) fn settle(
        &self,
        id: u64,
        result: Result<Fetched, Error>,
        tried: Option<u64>,
    ) -> (Option<Settled>, Deferred) {
        if let Ok(fetched) = &result {
            self.issued.remember(&fetched.token);
        }
        let at = self.clock.read();
        // If it panics, assume no change.
        let now = contained(|| self.source.credentials_epoch()).or(tried).unwrap_or_default();
        let epochs = Epochs { tried: tried.unwrap_or(now), now };
        let ((settled, _replaced), deferred) = self.with_state(|state| {
            let current = self.current.load_full();
            let settled = state.settle(id, result, current.as_ref(), at, epochs);
            // A replaced token is wiped after the lock is released.
            let replaced = match settled.as_ref().map(|settled| &settled.publish) {
                None | Some(Publish::Nothing) => None,
                Some(Publish::Token(entry)) => self.current.swap(Some(entry.clone())),
                Some(Publish::Emptiness) => self.current.swap(None),
            };
            (settled, (replaced, current))
        });
        if settled.is_some() {
            self.settled.count_one();
        }
        (settled, deferred)
    }

    pub(in super::super) fn note(&self, id: u64, error: &Error) {
        let now = self.clock.now();
        let ((), deferred) = self.with_state(|state| state.note(id, error, now));
        deferred.run();
    }

    pub(in super::super) fn heartbeat(&self, id: u64, within: Duration) {
        let by = self.clock.now().saturating_add(within);
        let ((), deferred) = self.with_state(|state| state.heartbeat(id, by));
        deferred.run();
    }

    pub(in super::super) fn abandon(&self, id: u64) -> Deferred {
        let ((), deferred) = self.with_state(|state| state.abandon(id));
        deferred
    }
}

/// How many flights have settled. The channel is made for the first subscriber: most slots have none.
#[derive(Default)]
pub(in super::super) struct SettledFlights(OnceLock<watch::Sender<u64>>);

impl SettledFlights {
    pub(in super::super) fn subscribe(&self) -> watch::Receiver<u64> {
        self.0.get_or_init(|| watch::channel(0).0).subscribe()
    }

    fn count_one(&self) {
        if let Some(channel) = self.0.get() {
            channel.send_modify(|count| *count += 1);
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        for flight in state.take_flights() {
            flight.abort();
        }
    }
}
