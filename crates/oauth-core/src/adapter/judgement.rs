//! What a response means for the token that its request carried.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::{Extensions, HeaderMap, Response, StatusCode, Uri, response};

use super::verdict::{Verdict, grpc_verdict, is_unauthenticated, verdict};
use crate::slot::TokenSlot;

type OverruleFn = dyn Fn(&response::Parts, Verdict) -> Verdict + Send + Sync;

/// Overrules the verdict on a response. It gets the response's head and our verdict.
#[derive(Clone)]
struct Overrule(Arc<OverruleFn>);

impl fmt::Debug for Overrule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Overrule(..)")
    }
}

/// Finds in a response's extensions where it came from, when a layer below follows redirects.
pub type ResponseUriFn = fn(&Extensions) -> Option<&Uri>;

/// The half of the policy that decides on responses.
#[derive(Clone, Debug, Default)]
pub(super) struct JudgementRules {
    pub(super) response_uri: Option<ResponseUriFn>,
    overrule: Option<Overrule>,
    grpc: bool,
    // Whether a response other than a 401 can matter.
    reads_more: bool,
    // Shared by all clones.
    guarded: Arc<AtomicBool>,
}

impl JudgementRules {
    pub(super) fn set_verdict(
        &mut self,
        overrule: impl Fn(&response::Parts, Verdict) -> Verdict + Send + Sync + 'static,
    ) {
        self.overrule = Some(Overrule(Arc::new(overrule)));
        self.reads_more = true;
    }

    pub(super) fn set_grpc(&mut self) {
        self.grpc = true;
        self.reads_more = true;
    }

    pub(super) fn overrules(&self) -> bool {
        self.overrule.is_some()
    }

    #[inline]
    pub(super) fn is_grpc(&self) -> bool {
        self.grpc
    }

    pub(super) fn set_guarded(&self) {
        self.guarded.store(true, Ordering::Relaxed);
    }

    #[inline]
    pub(super) fn is_guarded(&self) -> bool {
        self.guarded.load(Ordering::Relaxed)
    }

    /// Whether something below can report where responses come from.
    #[inline]
    pub(super) fn knows_origins(&self) -> bool {
        self.response_uri.is_some() || self.is_guarded()
    }
}

impl JudgementRules {
    /// What to do with the API's response to a request that carried our token.
    pub(super) fn judge(&self, response: &response::Parts, slot: &TokenSlot) -> Verdict {
        let read = if self.grpc { grpc_verdict } else { verdict };
        let (status, headers) = (response.status, &response.headers);
        let ours = slot.with_scheme(|scheme| read(status, headers, scheme));
        match &self.overrule {
            Some(Overrule(overrule)) => overrule(response, ours),
            None => ours,
        }
    }

    /// The same for the trailers of a gRPC response whose head came from the API: they are judged as
    /// if they were all there is.
    pub(super) fn judge_trailers(&self, trailers: &HeaderMap, slot: &TokenSlot) -> Verdict {
        if !self.wants_to_judge(StatusCode::OK, trailers) {
            return Verdict::Deliver;
        }
        let (mut response, ()) = Response::new(()).into_parts();
        response.headers = trailers.clone();
        self.judge(&response, slot)
    }

    /// Whether [`judge`](Self::judge) has anything to say about such a response; if not, it is
    /// delivered unjudged.
    #[inline]
    pub(super) fn wants_to_judge(&self, status: StatusCode, headers: &HeaderMap) -> bool {
        status == StatusCode::UNAUTHORIZED || (self.reads_more && self.wants_more(headers))
    }

    fn wants_more(&self, headers: &HeaderMap) -> bool {
        // gRPC trailers may follow, and where they are from must be known then.
        self.overrules() || self.response_uri.is_some() || is_unauthenticated(headers)
    }
}
