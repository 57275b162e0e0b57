//! A body whose trailers are read on their way to the caller.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http_body::{Body, Frame, SizeHint};
use oauth_core::verdict::is_unauthenticated;
use oauth_core::{Generation, TokenSlot};
use pin_project_lite::pin_project;

pin_project! {
    /// The answer's body, as it is. If its trailers say `UNAUTHENTICATED`, the token is renewed for
    /// the next call.
    #[derive(Debug)]
    pub struct GrpcBody<B> {
        #[pin]
        body: B,
        sent: Option<(TokenSlot, Generation)>,
    }
}

impl<B> GrpcBody<B> {
    pub(super) fn new(body: B, sent: Option<(TokenSlot, Generation)>) -> Self {
        Self { body, sent }
    }
}

impl<B: Body> Body for GrpcBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        let frame = ready!(this.body.poll_frame(cx));
        if let Some(Ok(frame)) = &frame {
            if frame.trailers_ref().is_some_and(is_unauthenticated) {
                if let Some((slot, generation)) = this.sent.take() {
                    // What the slot says to it (it renews already, or waits) changes nothing here.
                    let _ = slot.report_refused(generation);
                }
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
