//! The body that an inner service sees, for the first send and for the second.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::ReplayError;
use super::shared::{Shared, Takeover, poll_source};

pin_project! {
    /// A request body that may be sent again after a `401`; see the [module](super).
    ///
    /// The default is an empty body, whatever `B` is. It is `Send` and `Unpin` where `B` is, and `Sync`
    /// where `B` is `Send + Sync`. After an error it should be dropped, like any body.
    pub struct ReplayBody<B> {
        #[pin]
        kind: Kind<B>,
    }
}

pin_project! {
    #[project = KindProj]
    enum Kind<B> {
        Empty,
        Plain { #[pin] body: B },
        First { first: First<B> },
        Second { second: Takeover<B> },
    }
}

/// The first body's side of the tee.
struct First<B> {
    shared: Arc<Mutex<Shared<B>>>,
    overtaken: bool,
}

impl<B> Drop for First<B> {
    fn drop(&mut self) {
        Shared::drop_first(&self.shared);
    }
}

impl<B: Body> ReplayBody<B> {
    /// The body as it is: nothing is kept, nothing is allocated.
    pub fn plain(body: B) -> Self {
        Self { kind: Kind::Plain { body } }
    }

    pub(super) fn first(shared: Arc<Mutex<Shared<B>>>) -> Self {
        let first = First { shared, overtaken: false };
        Self { kind: Kind::First { first } }
    }

    pub(super) fn second(second: Takeover<B>) -> Self {
        Self { kind: Kind::Second { second } }
    }
}

impl<B> Default for ReplayBody<B> {
    fn default() -> Self {
        Self { kind: Kind::Empty }
    }
}

impl<B> Body for ReplayBody<B>
where
    B: Body,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Data = Bytes;
    type Error = ReplayError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ReplayError>>> {
        match self.project().kind.project() {
            KindProj::Empty => Poll::Ready(None),
            KindProj::Plain { body } => poll_source(body, cx),
            KindProj::First { first } => {
                Shared::poll_first(&first.shared, &mut first.overtaken, cx)
            }
            KindProj::Second { second } => second.poll(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Empty => true,
            Kind::Plain { body } => body.is_end_stream(),
            Kind::First { first } => Shared::is_end_stream(&first.shared),
            Kind::Second { second } => second.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Empty => SizeHint::with_exact(0),
            Kind::Plain { body } => body.size_hint(),
            Kind::First { first } => Shared::size_hint(&first.shared),
            Kind::Second { second } => second.size_hint(),
        }
    }
}

impl<B: Body> Takeover<B> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, ReplayError>>>
    where
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        if let Some(frame) = self.buffer.pop() {
            return Poll::Ready(Some(Ok(frame)));
        }
        let Some(source) = &mut self.source else {
            return Poll::Ready(None);
        };
        let polled = poll_source(source.as_mut(), cx);
        if let Poll::Ready(None) = polled {
            self.source = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.buffer.is_empty() && self.source.as_ref().is_none_or(|source| source.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        let kept = self.buffer.data_len();
        let rest = match &self.source {
            Some(source) => source.size_hint(),
            None => SizeHint::with_exact(0),
        };
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(kept));
        let upper = rest.upper().filter(|_| self.sized || self.is_end_stream());
        if let Some(upper) = upper.and_then(|upper| upper.checked_add(kept)) {
            hint.set_upper(upper);
        }
        hint
    }
}

impl<B> fmt::Debug for ReplayBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Nothing of the body, which is confidential.
        f.debug_struct("ReplayBody").finish_non_exhaustive()
    }
}
