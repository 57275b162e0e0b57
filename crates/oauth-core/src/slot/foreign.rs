//! Requests that went elsewhere without a token: counted all, told once an origin.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Above this many origins somebody feeds us names: no more of them are kept or logged.
const MOST_TOLD: usize = 64;

#[derive(Debug, Default)]
pub(super) struct ForeignLog {
    requests: AtomicU64,
    told: Mutex<HashSet<String>>,
}

impl ForeignLog {
    pub(super) fn note(&self, scheme: &str, authority: &str, home: &dyn std::fmt::Display) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        // User information in an authority can be a secret.
        let host = authority.rsplit('@').next().unwrap_or_default();
        let origin = format!("{scheme}://{host}");
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() < MOST_TOLD && told.insert(origin.clone()) {
            drop(told);
            tracing::warn!(%origin, %home, "a request passes without a token: not an origin that the token was made for");
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }
}
