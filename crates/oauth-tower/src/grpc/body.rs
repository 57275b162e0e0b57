//! A response body that is watched on its way to the caller: it shows whether the token was accepted or
//! refused.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Buf;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use oauth_core::Verdict;
use oauth_core::adapter::Policy;
use oauth_core::challenge::Hints;
use pin_project_lite::pin_project;

use crate::future::{TokenUse, note_acceptance};

pin_project! {
    /// The response's body, as it is. If its trailers refuse the token, it is refreshed for the next call.
    #[derive(Debug)]
    pub struct GrpcBody<B> {
        #[pin]
        body: B,
        // What the response belongs to, if it is the API's.
        token_use: Option<TokenUse>,
        // Whether the slot knows that the token was accepted.
        noted: bool,
    }
}

impl<B> GrpcBody<B> {
    pub(super) fn new(body: B, token_use: Option<TokenUse>) -> Self {
        Self { body, token_use, noted: false }
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
        if let (Some(token_use), Some(Ok(frame))) = (&*this.token_use, &frame) {
            let accepted = match frame.trailers_ref() {
                Some(trailers) => token_use.judge_trailers(trailers, *this.noted),
                // The first message: the call was accepted. An empty frame does not count.
                None => frame.data_ref().is_some_and(Buf::has_remaining),
            };
            if accepted && !std::mem::replace(this.noted, true) {
                note_acceptance(&token_use.policy, token_use.sent, token_use.target);
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

impl TokenUse {
    /// Whether they mean that the token was accepted. `before`: a message showed it.
    fn judge_trailers(&self, trailers: &HeaderMap, before: bool) -> bool {
        if self.policy.judge_trailers(trailers) == Verdict::Replace {
            let (slot, target) = (self.policy.slot(), self.target);
            let hints = Hints::of(trailers);
            // The result changes nothing here.
            if before {
                // The token expired or was revoked during the call.
                let _ = slot.note_refusal(self.sent.once_accepted(), target, Some(&hints));
            } else if self.sent.is_second() {
                slot.note_second_refusal(self.sent, target);
            } else {
                let _ = slot.note_refusal(self.sent, target, Some(&hints));
            }
            return false;
        }
        Policy::trailers_accept(trailers)
    }
}
