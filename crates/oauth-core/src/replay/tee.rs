//! Splits a body into that of the first send and what can create that of the second.

use std::sync::{Arc, Mutex};

use http_body::Body;

use super::shared::Shared;
use super::{ReplayBody, ReplayHandle};

impl<B: Body> ReplayBody<B> {
    /// Returns the body for the first send, and the handle that can create the second one.
    ///
    /// Up to `cap` bytes are copied while the first send pulls them. Trailers count with their names and
    /// values and 32 bytes for each field and for the whole. The memory for all of it is
    /// [bounded by the cap](super#what-the-cap-bounds).
    ///
    /// `None` means that the body is empty and was not wrapped; a second send takes
    /// [`ReplayBody::default`]. A body whose [`size_hint`](Body::size_hint) is over the cap from the
    /// start is not wrapped either, and the [`ReplayHandle`] refuses.
    pub fn tee(body: B, cap: usize) -> (Self, Option<ReplayHandle<B>>) {
        if body.is_end_stream() {
            return (Self::plain(body), None);
        }
        let size = body.size_hint();
        if usize::try_from(size.lower()).map_or(true, |least| least > cap) {
            return (Self::plain(body), Some(ReplayHandle::over_cap()));
        }
        let sized = size.exact().is_some();
        let shared = Arc::new(Mutex::new(Shared::new(body, cap, sized)));
        (Self::first(Arc::clone(&shared)), Some(ReplayHandle::of(shared)))
    }
}
