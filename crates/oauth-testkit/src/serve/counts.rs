//! Counts of the connections of a server.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many connections there are, were, and were at most.
#[derive(Default)]
pub(crate) struct Connections {
    accepted: AtomicU64,
    open: AtomicU64,
    peak: AtomicU64,
}

/// One open connection, for the counting.
pub(super) struct Open(Arc<Connections>);

impl Open {
    pub(super) fn count(connections: &Arc<Connections>) -> Self {
        connections.accepted.fetch_add(1, Ordering::SeqCst);
        let open = connections.open.fetch_add(1, Ordering::SeqCst) + 1;
        connections.peak.fetch_max(open, Ordering::SeqCst);
        Open(Arc::clone(connections))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Connections {
    pub(crate) fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::SeqCst)
    }

    pub(crate) fn open(&self) -> u64 {
        self.open.load(Ordering::SeqCst)
    }

    pub(crate) fn peak(&self) -> u64 {
        self.peak.load(Ordering::SeqCst)
    }

    /// What is open stays open, so that the peak starts from there.
    pub(crate) fn reset(&self) {
        self.accepted.store(0, Ordering::SeqCst);
        self.peak.store(self.open(), Ordering::SeqCst);
    }
}
