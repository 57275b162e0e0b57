//! The side of the tee that can send the body again.

use std::fmt;
use std::sync::{Arc, Mutex};

use http_body::Body;

use super::shared::Shared;
use super::{ReplayBody, ReplayRefused};

/// Creates the second body; held while the response is awaited.
///
/// Created by [`ReplayBody::tee`]. Dropping it stops the buffering: the frames kept so far are released,
/// and a frozen first body flows on.
pub struct ReplayHandle<B> {
    /// `None` for a body that is over the cap by its own size hint: there is no tee.
    shared: Option<Arc<Mutex<Shared<B>>>>,
}

impl<B> ReplayHandle<B> {
    pub(super) fn of(shared: Arc<Mutex<Shared<B>>>) -> Self {
        Self { shared: Some(shared) }
    }

    pub(super) fn over_cap() -> Self {
        Self { shared: None }
    }

    /// Stops the first body: its polls are pending and pull nothing more from the source.
    ///
    /// It stays stopped until [`thaw`](Self::thaw), [`take_over`](Self::take_over) or the drop of this
    /// handle. A first body that has yielded everything is not affected and ends as it would have. To
    /// freeze again changes nothing.
    ///
    /// # Errors
    ///
    /// Why there can be no second send. The first body then goes on untouched.
    pub fn freeze(&self) -> Result<(), ReplayRefused> {
        match &self.shared {
            Some(shared) => Shared::freeze(shared),
            None => Err(ReplayRefused::OverCap),
        }
    }

    /// Resumes a frozen first body and wakes it. Frames are kept as before.
    pub fn thaw(&self) {
        if let Some(shared) = &self.shared {
            Shared::thaw(shared);
        }
    }
}

impl<B: Body> ReplayHandle<B> {
    /// Returns the body of the second send: what was kept, then the rest of the source, in order, once.
    ///
    /// Works with or without a [`freeze`](Self::freeze) before it, and when the first body has been
    /// dropped. The first body is woken; if it has not yielded everything yet, it ends with an error
    /// ([`ReplayError::is_taken_over`](super::ReplayError::is_taken_over)), never as if it were
    /// complete.
    ///
    /// # Errors
    ///
    /// Why there can be no second send. The first body then goes on untouched.
    pub fn take_over(mut self) -> Result<ReplayBody<B>, ReplayRefused> {
        match self.shared.take() {
            Some(shared) => Shared::take_over(&shared).map(ReplayBody::second),
            None => Err(ReplayRefused::OverCap),
        }
    }
}

impl<B> Drop for ReplayHandle<B> {
    fn drop(&mut self) {
        if let Some(shared) = &self.shared {
            Shared::abandon(shared);
        }
    }
}

impl<B> fmt::Debug for ReplayHandle<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplayHandle").finish_non_exhaustive()
    }
}
