//! What a slot is, and how a flight lands in it.

use std::fmt;
use std::sync::{Arc, PoisonError};

use tokio::sync::watch;

use super::super::primitives::{Mutex, MutexGuard, Published};
use super::arrival::Landed;
use super::builder::Settings;
use super::desk::{Desk, Epochs, Minted, Publish};
use super::entry::Entry;
use super::foreign::ForeignLog;
use super::issued::IssuedTokens;
use crate::clock::AnyClock;
use crate::error::Error;
use crate::origin::Origins;
use crate::source::DynSource;

/// What all handles of a slot share.
pub(super) struct Shared {
    /// Written under the desk's lock alone, read by everybody.
    pub(super) current: Published<Entry>,
    pub(super) clock: AnyClock,
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

    /// Publishes what a flight brought and returns what its waiters get; nothing if the flight was
    /// given up meanwhile.
    pub(super) fn land(
        &self,
        id: u64,
        result: Result<Minted, Error>,
        tried: u64,
    ) -> Option<Landed> {
        if let Ok(minted) = &result {
            self.issued.remember(&minted.token);
        }
        let now = self.clock.read();
        let epochs = Epochs { tried, now: self.source.credentials_epoch() };
        let landing = {
            let mut desk = self.desk();
            let current = self.current.load_full();
            let landing = desk.land(id, result, current.as_ref(), now, epochs)?;
            match &landing.publish {
                Publish::Nothing => {}
                Publish::Token(entry) => self.current.store(Some(entry.clone())),
                Publish::Emptiness => self.current.store(None),
            }
            landing
        };
        match &landing.outcome {
            Ok(entry) => tracing::debug!(
                flight = id,
                generation = entry.generation.number.get(),
                lifetime_s = entry.token.lifetime().map(|life| life.as_secs()),
                "token minted"
            ),
            Err(error) => tracing::warn!(
                flight = id,
                %error,
                valid_token_kept = matches!(landing.publish, Publish::Token(_)),
                "token request failed"
            ),
        }
        self.landed.send_modify(|count| *count += 1);
        Some(landing.outcome)
    }

    pub(super) fn note(&self, id: u64, error: &Error) {
        let now = self.clock.now();
        self.desk().note(id, error, now);
    }

    pub(super) fn crash(&self, id: u64) {
        self.desk().crash(id);
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let desk = self.desk.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = desk.take_flight() {
            flight.abort();
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("id", &self.id).finish_non_exhaustive()
    }
}
