//! The settings that both adapters share.

use std::fmt;
use std::sync::Arc;

use http::{Extensions, HeaderMap, StatusCode, Uri, response};

use super::admission::{Admission, AdmissionRules, OnForeignOrigin};
use super::judgement::{JudgementRules, ResponseUriFn};
use super::verdict::Verdict;
use crate::error::{Error, Kind};
use crate::origin::{Origin, Origins};
use crate::slot::TokenSlot;

/// The settings that both adapters share, and the decisions that follow from them: two halves, one for
/// requests and one for their responses.
///
/// Adapters hold one; users set it through the adapter's setters of the same names.
#[derive(Clone)]
pub struct Policy {
    pub(super) slot: TokenSlot,
    pub(super) admission: AdmissionRules,
    pub(super) judgement: JudgementRules,
}

impl Policy {
    /// Creates the defaults: the slot's origins; requests for others pass without a token.
    pub fn new(slot: TokenSlot) -> Self {
        let admission = AdmissionRules::new(slot.origins().clone());
        Self { slot, admission, judgement: JudgementRules::default() }
    }

    /// Sets where tokens may go. Default: the slot's origins.
    pub fn set_origins(&mut self, origins: Origins) {
        self.admission.set_origins(origins);
    }

    /// Sets where the inner service sends requests whose URI has no authority.
    pub fn set_inner_origin(&mut self, origin: Origin) {
        self.admission.inner_origin = Some(Arc::new(origin));
    }

    /// Sets what happens to requests for other origins.
    pub fn set_on_foreign_origin(&mut self, choice: OnForeignOrigin) {
        self.admission.on_foreign = choice;
    }

    /// Sets a function that overrules verdicts.
    pub fn set_verdict(
        &mut self,
        overrule: impl Fn(&response::Parts, Verdict) -> Verdict + Send + Sync + 'static,
    ) {
        self.judgement.set_verdict(overrule);
    }

    /// Sets how to find where a response came from, if a layer below follows redirects.
    pub fn set_response_uri(&mut self, uri: ResponseUriFn) {
        self.judgement.response_uri = Some(uri);
    }

    /// Reads responses as those of gRPC servers: see [`grpc_verdict`](super::grpc_verdict).
    pub fn set_grpc(&mut self) {
        self.judgement.set_grpc();
    }

    /// The slot.
    #[inline]
    pub fn slot(&self) -> &TokenSlot {
        &self.slot
    }

    /// Whether a request with this URI, these headers and extensions gets a token. Nothing is
    /// parsed and, where it does, nothing is allocated.
    #[inline(always)]
    pub fn admit(&self, uri: &Uri, headers: &HeaderMap, extensions: &Extensions) -> Admission {
        self.admission.admit(uri, headers, extensions, &self.slot)
    }

    /// The same for a URI that was taken apart already.
    #[inline]
    pub fn admit_parts(
        &self,
        scheme: &str,
        authority: Option<&str>,
        headers: &HeaderMap,
        extensions: &Extensions,
    ) -> Admission {
        self.admission.admit_parts(scheme, authority, headers, extensions, &self.slot)
    }

    /// What to do with the API's response to a request that carried our token. Not for a response from
    /// another origin, which an overruling function must not see.
    pub fn judge(&self, response: &response::Parts) -> Verdict {
        self.judgement.judge(response, &self.slot)
    }

    /// The same for the trailers of a gRPC response whose head came from the API: they are judged as
    /// if they were all there is.
    pub fn judge_trailers(&self, trailers: &HeaderMap) -> Verdict {
        self.judgement.judge_trailers(trailers, &self.slot)
    }

    /// Whether [`judge`](Self::judge) has anything to say about such a response; if not, it is
    /// delivered unjudged.
    #[inline]
    pub fn wants_to_judge(&self, status: StatusCode, headers: &HeaderMap) -> bool {
        self.judgement.wants_to_judge(status, headers)
    }

    /// The error for a request whose header map is full.
    pub fn no_room() -> Error {
        Error::new(Kind::Usage, "the request has too many headers for one more")
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy")
            .field("slot", &self.slot)
            .field("origins", &self.admission.origins)
            .field("inner_origin", &self.admission.inner_origin)
            .field("on_foreign", &self.admission.on_foreign)
            .field("overrules", &self.judgement.overrules())
            .field("grpc", &self.judgement.is_grpc())
            .finish()
    }
}
