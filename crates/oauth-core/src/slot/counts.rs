//! What a slot counts for operators. Most slots never have any of it.

use std::num::NonZeroU64;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use super::events::{self, Who};
use crate::error::Error;
use crate::origin::ForeignLog;

/// Allocated when there is something to count.
#[derive(Debug, Default)]
pub(super) struct Counts(OnceLock<Box<Counted>>);

#[derive(Debug, Default)]
pub(super) struct Counted {
    pub(super) foreign: ForeignLog,
    pub(super) delivered: DeliveredRefusals,
}

impl Counts {
    pub(super) fn so_far(&self) -> Option<&Counted> {
        self.0.get().map(|counted| &**counted)
    }

    pub(super) fn to_add(&self) -> &Counted {
        self.0.get_or_init(Box::default)
    }
}

/// Refusals for which there was no other token, so that callers get their 401: all are counted, and the
/// first one of each token is logged as a warning.
#[derive(Debug, Default)]
pub(super) struct DeliveredRefusals {
    count: AtomicU64,
    /// The newest generation that was warned of; 0 is none.
    warned_of: AtomicU64,
}

impl DeliveredRefusals {
    pub(super) fn so_far(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// There is no token to send the request again with. `refused` is the generation's number.
    #[cold]
    pub(super) fn note(&self, who: Who<'_>, refused: NonZeroU64, error: &Error) {
        let earlier = self.count.fetch_add(1, Ordering::Relaxed);
        let number = refused.get();
        if self.warned_of.fetch_max(number, Ordering::Relaxed) < number {
            events::refusals_are_delivered(who, number, error, earlier);
        }
    }
}
