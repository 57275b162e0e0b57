//! How a request's body is sent twice.

use std::fmt;
use std::marker::PhantomData;

use bytes::Bytes;
use http::Request;
use http_body::Body;
use oauth_core::replay::{Buffered, IntoBody, NoReplay, ReplayHandle};
use oauth_core::{BoxError, NotReplayed, ReplayBody};

/// What to do with a request's body so that the request can be sent again after a 401.
///
/// Sealed: [`Buffered`], [`IntoBody`], [`CloneBody`] and [`NoReplay`] are all there are.
pub trait Strategy<B>: sealed::Split<B, SentBody = <Self as Strategy<B>>::Body> {
    /// The body that the inner service sees.
    type Body;
}

pub(crate) use self::sealed::{Handle, Split};

mod sealed {
    use http::Request;
    use oauth_core::NotReplayed;

    /// What a strategy does.
    pub trait Split<B>: Clone {
        /// The body that the inner service sees.
        type SentBody;
        /// What makes the second body.
        type Handle: Handle<Body = Self::SentBody>;

        /// Whether requests are sent again at all.
        const REPLAYS: bool = true;

        /// The body of the first send, and what makes that of the second. `cap`, in bytes, is what the
        /// request itself chose.
        fn split(&self, body: B, cap: Option<usize>) -> (Self::SentBody, Self::Handle);

        /// A request that is sent once.
        fn pass(&self, request: Request<B>) -> Request<Self::SentBody>;
    }

    /// What makes the second body. Dropping it lets a stopped first body flow again.
    pub trait Handle {
        /// The second body.
        type Body;

        /// Stops the first body, so that nothing more is pulled from it. An error says why the body
        /// cannot be sent again; the first send goes on.
        fn freeze(&self) -> Result<(), NotReplayed>;

        /// The second body; errors as [`freeze`](Self::freeze).
        fn again(self) -> Result<Self::Body, NotReplayed>;
    }
}

impl<B> Strategy<B> for Buffered
where
    B: Body,
    B::Error: Into<BoxError>,
{
    type Body = ReplayBody<B>;
}

impl<B> Split<B> for Buffered
where
    B: Body,
    B::Error: Into<BoxError>,
{
    type SentBody = ReplayBody<B>;
    type Handle = Teed<B>;

    #[inline]
    fn split(&self, body: B, cap: Option<usize>) -> (ReplayBody<B>, Teed<B>) {
        let (first, replay) = ReplayBody::tee(body, cap.unwrap_or_else(|| self.limit()));
        (first, Teed(replay))
    }

    fn pass(&self, request: Request<B>) -> Request<ReplayBody<B>> {
        request.map(ReplayBody::plain)
    }
}

/// What [`Buffered`] keeps: nothing for an empty body.
pub struct Teed<B>(Option<ReplayHandle<B>>);

impl<B> fmt::Debug for Teed<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Teed").field(&self.0).finish()
    }
}

impl<B: Body> Handle for Teed<B> {
    type Body = ReplayBody<B>;

    fn freeze(&self) -> Result<(), NotReplayed> {
        self.0.as_ref().map_or(Ok(()), ReplayHandle::freeze).map_err(NotReplayed::from)
    }

    fn again(self) -> Result<ReplayBody<B>, NotReplayed> {
        self.0
            .map_or_else(|| Ok(ReplayBody::default()), ReplayHandle::take_over)
            .map_err(NotReplayed::from)
    }
}

impl<B, F> Strategy<B> for IntoBody<F>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
    F: Fn(ReplayBody<B>) -> B + Clone,
{
    type Body = B;
}

impl<B, F> Split<B> for IntoBody<F>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
    F: Fn(ReplayBody<B>) -> B + Clone,
{
    type SentBody = B;
    type Handle = TeedInto<B, F>;

    fn split(&self, body: B, cap: Option<usize>) -> (B, TeedInto<B, F>) {
        let into = self.get_ref().clone();
        if body.is_end_stream() {
            return (body, TeedInto { teed: Teed(None), into });
        }
        let (first, teed) = self.buffered().split(body, cap);
        (into(first), TeedInto { teed, into })
    }

    fn pass(&self, request: Request<B>) -> Request<B> {
        request
    }
}

/// What [`IntoBody`] keeps.
pub struct TeedInto<B, F> {
    teed: Teed<B>,
    into: F,
}

impl<B, F> fmt::Debug for TeedInto<B, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TeedInto").field(&self.teed).finish()
    }
}

impl<B, F> Handle for TeedInto<B, F>
where
    B: Body,
    F: Fn(ReplayBody<B>) -> B,
{
    type Body = B;

    fn freeze(&self) -> Result<(), NotReplayed> {
        self.teed.freeze()
    }

    fn again(self) -> Result<B, NotReplayed> {
        self.teed.again().map(self.into)
    }
}

/// Replay by cloning the body before the first send: for bodies of bytes in memory, such as
/// `http_body_util::Full<Bytes>`, whose clones share them.
///
/// Nothing is copied, and there is no cap. The clone is kept until the response, and with it all that it
/// shares with the body: `Bytes` that are a slice keep the whole allocation alive that they are cut from.
/// Where that may be much more than the body, [`Buffered`] keeps a copy within a cap.
#[derive(Clone, Copy, Debug, Default)]
pub struct CloneBody;

impl<B: Clone> Strategy<B> for CloneBody {
    type Body = B;
}

impl<B: Clone> Split<B> for CloneBody {
    type SentBody = B;
    type Handle = Cloned<B>;

    fn split(&self, body: B, _: Option<usize>) -> (B, Cloned<B>) {
        (body.clone(), Cloned(body))
    }

    fn pass(&self, request: Request<B>) -> Request<B> {
        request
    }
}

/// What [`CloneBody`] keeps: the body.
pub struct Cloned<B>(B);

impl<B> fmt::Debug for Cloned<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cloned").finish_non_exhaustive()
    }
}

impl<B> Handle for Cloned<B> {
    type Body = B;

    fn freeze(&self) -> Result<(), NotReplayed> {
        Ok(())
    }

    fn again(self) -> Result<B, NotReplayed> {
        Ok(self.0)
    }
}

impl<B> Strategy<B> for NoReplay {
    type Body = B;
}

impl<B> Split<B> for NoReplay {
    type SentBody = B;
    type Handle = Nothing<B>;

    const REPLAYS: bool = false;

    fn split(&self, body: B, _: Option<usize>) -> (B, Nothing<B>) {
        (body, Nothing(PhantomData))
    }

    fn pass(&self, request: Request<B>) -> Request<B> {
        request
    }
}

/// What [`NoReplay`] keeps.
#[derive(Debug)]
pub struct Nothing<B>(PhantomData<fn() -> B>);

impl<B> Handle for Nothing<B> {
    type Body = B;

    fn freeze(&self) -> Result<(), NotReplayed> {
        Err(NotReplayed::Off)
    }

    fn again(self) -> Result<B, NotReplayed> {
        Err(NotReplayed::Off)
    }
}

#[cfg(test)]
mod tests;
