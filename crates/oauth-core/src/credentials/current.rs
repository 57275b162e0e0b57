//! The current credentials, and waiting for a change.

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use tokio::sync::Notify;

use super::client_auth::ClientAuth;
use super::provider::Provided;
use crate::unwind::woken_quietly;

/// Where the first credentials come from.
#[derive(Clone)]
pub(crate) enum InUse {
    Given(Arc<ClientAuth>),
    Provided(Arc<Provided>),
}

pub(super) struct Epoch {
    pub(super) number: u64,
    pub(super) credentials: InUse,
    pub(super) fallback: Option<Arc<ClientAuth>>,
}

/// What the clones of a client share.
pub(super) struct Current {
    epoch: ArcSwap<Epoch>,
    changed: Notify,
}

impl Current {
    pub(super) fn new(credentials: InUse) -> Self {
        let first = Epoch { number: 0, credentials, fallback: None };
        Self { epoch: ArcSwap::from_pointee(first), changed: Notify::new() }
    }

    pub(super) fn load(&self) -> Guard<Arc<Epoch>> {
        self.epoch.load()
    }

    /// Replaces the current epoch by the next one.
    pub(super) fn change(&self, next: impl Fn(&Epoch) -> (InUse, Option<Arc<ClientAuth>>)) {
        let old = self.epoch.rcu(|now| {
            let (credentials, fallback) = next(now);
            Epoch { number: now.number.wrapping_add(1), credentials, fallback }
        });
        self.changed.notify_waiters();
        // Last, because dropping a provider runs foreign code.
        drop(old);
    }

    pub(super) async fn changed(&self, epoch: u64) {
        loop {
            // Registered before the check, so that a change in between is not missed.
            let changed = self.changed.notified();
            if self.load().number != epoch {
                return;
            }
            woken_quietly(changed).await;
        }
    }
}
