//! What a guard does directly around a client: it takes our header off a request that is not for the
//! declared origins.

use http::Request;
use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use http::uri::Authority;

use super::Policy;

impl Policy {
    /// Whether a request goes to none of the declared origins. The headers that this slot has issued are
    /// taken off it then; other `Authorization` headers stay.
    ///
    /// Nothing is allocated for a request to a declared origin.
    #[inline]
    pub fn guard<B>(&self, request: &mut Request<B>) -> bool {
        let uri = request.uri();
        let scheme = uri.scheme_str().unwrap_or_default();
        let authority = uri.authority().map_or("", Authority::as_str);
        !self.declares_spelling(scheme, authority, request.headers())
            && self.guard_by_parts(request)
    }

    fn guard_by_parts<B>(&self, request: &mut Request<B>) -> bool {
        let uri = request.uri().clone();
        let target = self.target(uri.scheme_str(), uri.authority().map(Authority::as_str));
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
