//! What a request and its response have to say to the slot: for whom, until when, and whether the token was
//! accepted.

use http::header::{AGE, HeaderMap};
use http::uri::Authority;
use http::{Extensions, Method, StatusCode, Uri};

use super::Policy;
use crate::deadline::{Deadline, grpc_timeout};
use crate::slot::{Sent, Target};

impl Policy {
    /// Until when the request must have its response.
    #[doc(hidden)]
    #[inline]
    pub fn deadline(&self, extensions: &Extensions, headers: &HeaderMap) -> Option<Deadline> {
        if extensions.is_empty() && !self.grpc {
            return None;
        }
        self.deadline_said(extensions, headers)
    }

    #[inline(never)]
    fn deadline_said(&self, extensions: &Extensions, headers: &HeaderMap) -> Option<Deadline> {
        let ours = extensions.get::<Deadline>().copied();
        let limit = self.grpc.then(|| grpc_timeout(headers)).flatten();
        let grpc = limit.map(Deadline::within);
        ours.into_iter().chain(grpc).min()
    }

    /// What a request is for.
    #[doc(hidden)]
    pub fn target(&self, method: &Method, uri: &Uri) -> Target {
        let authority = uri.authority().map_or("", Authority::as_str);
        self.slot.target(method, uri.scheme_str().unwrap_or_default(), authority, uri.path())
    }

    /// What a request with this method was sent with: servers answer an OPTIONS without a look at the
    /// token.
    #[doc(hidden)]
    #[inline]
    pub fn weighed(sent: Sent, method: &Method) -> Sent {
        if sent.is_settled() || *method != Method::OPTIONS { sent } else { sent.without_weight() }
    }

    /// Whether such a response, if it is the API's own, says that the token was accepted: not one out of a
    /// cache, and in gRPC only one that is whole and says so.
    #[doc(hidden)]
    pub fn accepts(&self, status: StatusCode, headers: &HeaderMap) -> bool {
        let success = status.is_success() || status == StatusCode::SWITCHING_PROTOCOLS;
        let said = !self.grpc || is_grpc_ok(headers);
        success && said && !headers.contains_key(AGE)
    }

    /// The same for the trailers of a gRPC response.
    #[doc(hidden)]
    pub fn trailers_accept(trailers: &HeaderMap) -> bool {
        is_grpc_ok(trailers)
    }
}

fn is_grpc_ok(fields: &HeaderMap) -> bool {
    fields.get("grpc-status").is_some_and(|status| status.as_bytes() == b"0")
}
