//! What a guard does directly around a client: it takes our header off a request that is not for the
//! declared origins.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use http::uri::Authority;
use http::{Extensions, Method, Request, StatusCode, Uri};

use super::Policy;

/// In the extensions of a request that may be sent again: raised when its response was a redirect. What
/// follows that sends another request, with these extensions or without.
#[derive(Clone, Debug, Default)]
#[doc(hidden)]
pub struct RedirectFlag(Arc<AtomicBool>);

impl RedirectFlag {
    /// The flag of a request, for a guard.
    #[inline]
    pub fn of(request: &Extensions) -> Option<Self> {
        request.get().cloned()
    }

    /// The request has this response.
    #[inline]
    pub fn note(&self, response: StatusCode) {
        if response.is_redirection() {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    /// Whether a redirect was followed, if this is the response that came of it in the end.
    pub fn was_followed(&self, response: StatusCode) -> bool {
        self.0.load(Ordering::Relaxed) && !response.is_redirection()
    }
}

impl Policy {
    /// There is a guard around the client: of this policy and its clones, whatever is set later.
    #[doc(hidden)]
    pub fn set_guarded(&self) {
        self.guarded.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_guarded(&self) -> bool {
        self.guarded.load(Ordering::Relaxed)
    }

    /// For a request that may be sent again, unless a redirect was followed: where the guard says so.
    /// Nothing where there is no guard, and where it does not matter: the method is safe, and nobody asks
    /// whether its token is accepted.
    #[doc(hidden)]
    #[inline]
    pub fn redirect_flag(&self, method: &Method, is_asked: bool) -> Option<RedirectFlag> {
        (self.is_guarded() && (is_asked || !Self::is_safe(method))).then(RedirectFlag::default)
    }

    /// What a guard does with a request. Where it goes to none of the declared origins, the headers that
    /// this slot has issued are taken off; other `Authorization` headers stay.
    ///
    /// Returns where it goes, if that must be recorded with its response: to another origin, or to one
    /// of several.
    #[doc(hidden)]
    #[inline]
    pub fn guard<B>(&self, request: &mut Request<B>) -> Option<Uri> {
        let uri = request.uri();
        let scheme = uri.scheme_str().unwrap_or_default();
        let authority = uri.authority().map_or("", Authority::as_str);
        let foreign = !self.declares_spelling(scheme, authority, request.headers())
            && self.guard_by_parts(request);
        (foreign || !self.origins.is_one()).then(|| request.uri().clone())
    }

    fn guard_by_parts<B>(&self, request: &mut Request<B>) -> bool {
        let uri = request.uri().clone();
        let target = self.destination(uri.scheme_str(), uri.authority().map(Authority::as_str));
        let headers = request.headers_mut();
        if target.is_some_and(|(scheme, authority)| self.declares(scheme, authority, headers)) {
            return false;
        }
        self.withhold(target, headers);
        true
    }

    #[cold]
    fn withhold(&self, target: Option<(&str, &str)>, headers: &mut HeaderMap) {
        let is_ours = |value: &HeaderValue| self.slot.has_issued(value);
        if !headers.get_all(AUTHORIZATION).iter().any(is_ours) {
            return;
        }
        let all = headers.get_all(AUTHORIZATION).iter();
        let others: Vec<_> = all.filter(|value| !is_ours(value)).cloned().collect();
        headers.remove(AUTHORIZATION);
        for value in others {
            // There was room for it before.
            let _ = headers.try_append(AUTHORIZATION, value);
        }
        let (scheme, authority) = target.unwrap_or_default();
        self.slot.foreign().withheld(scheme, authority, &self.origins);
    }
}
