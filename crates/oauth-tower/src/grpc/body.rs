//! A body whose trailers are read on their way to the caller.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http_body::{Body, Frame, SizeHint};
use oauth_core::policy::Policy;
use oauth_core::{Generation, Verdict};
use pin_project_lite::pin_project;

pin_project! {
    /// The answer's body, as it is. If its trailers refuse the token, it is renewed for the next call.
    #[derive(Debug)]
    pub struct GrpcBody<B> {
        #[pin]
        body: B,
        sent: Option<(Arc<Policy>, Generation)>,
    }
}

impl<B> GrpcBody<B> {
    pub(super) fn new(body: B, sent: Option<(Arc<Policy>, Generation)>) -> Self {
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
        let trailers = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.trailers_ref());
        if let Some(trailers) = trailers {
            if let Some((policy, generation)) = this.sent.take() {
                if policy.judge_trailers(trailers) == Verdict::Replace {
                    // What the slot says to it (it renews already, or waits) changes nothing here.
                    let _ = policy.slot().report_refused(generation);
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
