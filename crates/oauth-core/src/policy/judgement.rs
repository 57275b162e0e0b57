//! What a response means for the token that its request carried.

use http::{HeaderMap, Response, StatusCode, response};

use super::Policy;
use crate::verdict::{Verdict, grpc_verdict, is_unauthenticated, verdict};

impl Policy {
    /// What to do with the answer to a request that carried our token.
    ///
    /// `elsewhere`: it came from another origin than the request's. Then a redirect led there,
    /// without our token, and the answer says nothing about it.
    pub fn judge(&self, answer: &response::Parts, elsewhere: bool) -> Verdict {
        if elsewhere {
            // Not the API's answer: an overruling function must not take it for one.
            return Verdict::Deliver;
        }
        let read = if self.grpc { grpc_verdict } else { verdict };
        let ours = read(answer.status, &answer.headers);
        match self.overrule {
            Some(overrule) => overrule(answer, ours),
            None => ours,
        }
    }

    /// The same for the trailers of a gRPC answer whose head came from the API: they are judged as
    /// if they were all there is.
    pub fn judge_trailers(&self, trailers: &HeaderMap) -> Verdict {
        if !self.wants_to_judge(StatusCode::OK, trailers) {
            return Verdict::Deliver;
        }
        let (mut answer, ()) = Response::new(()).into_parts();
        answer.headers = trailers.clone();
        self.judge(&answer, false)
    }

    /// Whether [`judge`](Self::judge) has anything to say about such an answer; else it is
    /// delivered unjudged.
    #[inline]
    pub fn wants_to_judge(&self, status: StatusCode, headers: &HeaderMap) -> bool {
        status == StatusCode::UNAUTHORIZED || (self.reads_more && self.wants_more(headers))
    }

    fn wants_more(&self, headers: &HeaderMap) -> bool {
        // Trailers may follow in gRPC, and whose they are must be known then.
        self.overrule.is_some() || self.answer_uri.is_some() || is_unauthenticated(headers)
    }
}
