//! A body that is read on its way to the caller: it tells whether the token was accepted or refused.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Buf;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use oauth_core::Verdict;
use oauth_core::policy::Policy;
use oauth_core::slot::Target;
use pin_project_lite::pin_project;

use crate::future::Told;

pin_project! {
    /// The answer's body, as it is. If its trailers refuse the token, it is renewed for the next call.
    #[derive(Debug)]
    pub struct GrpcBody<B> {
        #[pin]
        body: B,
        told: Option<Told>,
        target: Target,
        // Whether it was told that the token was accepted.
        noted: bool,
    }
}

impl<B> GrpcBody<B> {
    pub(super) fn new(body: B, told: Option<Told>, target: Target) -> Self {
        Self { body, told, target, noted: false }
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
        if let (Some(told), Some(Ok(frame))) = (&*this.told, &frame) {
            let accepted = match frame.trailers_ref() {
                Some(trailers) => told.judge_trailers(trailers, *this.target, *this.noted),
                // The first message: the call was let in. An empty frame is no part of one.
                None => frame.data_ref().is_some_and(Buf::has_remaining),
            };
            if accepted && !std::mem::replace(this.noted, true) {
                told.note_acceptance(*this.target);
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

impl Told {
    /// Whether they say that the token was accepted. `before`: a message said so.
    fn judge_trailers(&self, trailers: &HeaderMap, target: Target, before: bool) -> bool {
        if self.policy.judge_trailers(trailers) == Verdict::Replace {
            let slot = self.policy.slot();
            // What the slot says to it (it renews already, or waits) changes nothing here.
            if before {
                // The token has ended or was revoked during the call.
                let _ = slot.note_refusal(self.sent.once_accepted(), target);
            } else if self.sent.is_second() {
                slot.note_second_refusal(self.sent, target);
            } else {
                let _ = slot.note_refusal(self.sent, target);
            }
            return false;
        }
        Policy::trailers_accept(trailers)
    }

    fn note_acceptance(&self, target: Target) {
        let slot = self.policy.slot();
        if self.sent.is_second() {
            slot.note_second_acceptance(self.sent, target);
        } else if !self.sent.is_settled() {
            slot.note_acceptance(self.sent, target);
        }
    }
}
