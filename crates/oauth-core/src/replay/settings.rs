//! Whether and how much of a body is kept for a second send: the settings that both adapters take.

use std::fmt;

use super::{DEFAULT_CAP, ReplayBody};

/// The default: what the first send pulls from a body is kept on the way, up to a cap of 64 KiB, and
/// nothing before. A body that turns out larger is sent once, untouched.
///
/// With `oauth-tower` the inner service sees [`ReplayBody<B>`]; with a client that is typed for a body
/// already, use [`Buffered::into_body`]. With `oauth-reqwest` it is about streams: bodies of bytes are sent
/// again as they are. They are shared with the first send until the response, not copied, and a `Bytes` that
/// is a slice keeps the whole allocation alive that it is cut from.
///
/// ```
/// use oauth_core::replay::Buffered;
///
/// assert_eq!(Buffered::new().limit(), 64 * 1024);
/// assert_eq!(Buffered::new().cap(1024).limit(), 1024);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Buffered {
    cap: usize,
}

impl Default for Buffered {
    fn default() -> Self {
        Self { cap: DEFAULT_CAP }
    }
}

impl Buffered {
    /// The default cap of 64 KiB.
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps bodies of up to `bytes`, trailers included.
    #[must_use]
    pub fn cap(mut self, bytes: usize) -> Self {
        self.cap = bytes;
        self
    }

    /// The cap in bytes.
    #[inline]
    pub fn limit(&self) -> usize {
        self.cap
    }

    /// Gives the inner service of `oauth-tower` its own body type back: `axum::body::Body::new`,
    /// `tonic::body::Body::new`. Empty bodies pass as they are, so that nothing is boxed for them.
    /// The cap comes after it: `Buffered::into_body(f).cap(n)`.
    pub fn into_body<B, F>(into: F) -> IntoBody<F>
    where
        F: Fn(ReplayBody<B>) -> B + Clone,
    {
        IntoBody { buffered: Self::default(), into }
    }
}

/// [`Buffered`] for an inner service that is typed for one body: see [`Buffered::into_body`].
#[derive(Clone, Copy)]
pub struct IntoBody<F> {
    buffered: Buffered,
    into: F,
}

impl<F> IntoBody<F> {
    /// Keeps bodies of up to `bytes`, trailers included. Default: 64 KiB.
    #[must_use]
    pub fn cap(mut self, bytes: usize) -> Self {
        self.buffered = self.buffered.cap(bytes);
        self
    }

    /// The cap.
    pub fn buffered(&self) -> Buffered {
        self.buffered
    }

    /// What makes the inner service's body.
    pub fn get_ref(&self) -> &F {
        &self.into
    }
}

impl<F> fmt::Debug for IntoBody<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntoBody").field("cap", &self.buffered.cap).finish_non_exhaustive()
    }
}

/// No replay: a 401 goes to the caller, and the token is refreshed for the next request.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoReplay;
