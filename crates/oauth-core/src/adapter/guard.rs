//! What the guard does directly around a client: it removes our header from a request that is not for the
//! declared origins.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::header::{HeaderMap, HeaderValue};
use http::uri::Authority;
use http::{Extensions, Request, StatusCode, Uri};

use super::Policy;
use super::admission::parts;

/// In a request's extensions: what the guard records about it. A redirect follower sends another request,
/// with these extensions or without.
#[derive(Clone, Debug, Default)]
pub struct GuardNote(Arc<Mutex<Noted>>);

#[derive(Debug, Default)]
struct Noted {
    /// Where the request was sent, before a redirect.
    sent_to: Option<Uri>,
    redirected: bool,
}

impl GuardNote {
    /// Returns the note of a request, for the guard.
    #[inline]
    pub fn of(request: &Extensions) -> Option<Self> {
        request.get().cloned()
    }

    /// Records where the request is sent.
    pub fn note_request(&self, uri: &Uri) {
        let mut noted = self.noted();
        // The latest attempt counts; a followed redirect is not an attempt.
        if !noted.redirected {
            noted.sent_to = Some(uri.clone());
        }
    }

    /// Records the status of the response.
    pub fn note_response(&self, status: StatusCode) {
        if status.is_redirection() {
            self.noted().redirected = true;
        }
    }

    /// Whether a redirect was followed, if this is the final response.
    pub fn was_redirected(&self, response: StatusCode) -> bool {
        self.noted().redirected && !response.is_redirection()
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Policy {
    /// Records that there is a guard around the client, for this policy and its clones.
    pub fn set_guarded(&self) {
        self.judgement.set_guarded();
    }

    /// A note for the guard to fill in. `None` without a guard, and where it does not matter: all requests
    /// go to one origin and it is not asked whether a redirect was followed there.
    #[inline]
    pub fn guard_note(&self, is_asked: bool) -> Option<GuardNote> {
        (self.judgement.is_guarded() && (is_asked || !self.admission.origins.is_one()))
            .then(GuardNote::default)
    }

    /// Where a request was finally sent, if the guard recorded it and the token may go there.
    pub fn sent_to(&self, note: &GuardNote) -> Option<Uri> {
        let uri = note.noted().sent_to.clone()?;
        let authority = uri.authority().map(Authority::as_str);
        let (scheme, authority) = self.admission.resolve(uri.scheme_str(), authority)?;
        self.admission.origins.admit(scheme, authority, None).then_some(uri)
    }

    /// Removes the headers that this slot has issued from a request that goes to none of the declared
    /// origins; others of the same name stay.
    ///
    /// Returns where it goes, if that must be recorded with its response: to another origin, or to one
    /// of several.
    #[inline]
    pub fn guard<B>(&self, request: &mut Request<B>) -> Option<Uri> {
        let uri = request.uri();
        let (scheme, authority) = parts(uri);
        let foreign =
            self.admission.declared_by_spelling(scheme, authority, request.headers()).is_none()
                && self.guard_by_parts(request);
        (foreign || !self.admission.origins.is_one()).then(|| request.uri().clone())
    }

    fn guard_by_parts<B>(&self, request: &mut Request<B>) -> bool {
        let uri = request.uri().clone();
        let target =
            self.admission.resolve(uri.scheme_str(), uri.authority().map(Authority::as_str));
        let headers = request.headers_mut();
        if target
            .is_some_and(|(scheme, authority)| self.admission.declares(scheme, authority, headers))
        {
            return false;
        }
        self.withhold(target, headers);
        true
    }

    #[cold]
    fn withhold(&self, target: Option<(&str, &str)>, headers: &mut HeaderMap) {
        let is_ours = |value: &HeaderValue| self.slot.has_issued(value);
        let name = self.slot.header_name();
        if !headers.get_all(name).iter().any(is_ours) {
            return;
        }
        let all = headers.get_all(name).iter();
        let others: Vec<_> = all.filter(|value| !is_ours(value)).cloned().collect();
        headers.remove(name);
        for value in others {
            // There was room for it before the removal.
            let _ = headers.try_append(name, value);
        }
        let (scheme, authority) = target.unwrap_or_default();
        self.slot.foreign().withheld(scheme, authority, &self.admission.origins);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::origin::Origins;
    use crate::slot::TokenSlot;
    use crate::source::StaticToken;
    use crate::token::Token;

    fn policy() -> Policy {
        let source = StaticToken::new(Token::bearer("abc").unwrap());
        let origins = Origins::parse(["https://a.example", "https://b.example"]).unwrap();
        Policy::new(TokenSlot::builder(source).origins(origins).build())
    }

    fn uri(uri: &'static str) -> Uri {
        Uri::from_static(uri)
    }

    #[test]
    fn of_several_attempts_the_latest_counts_and_a_followed_redirect_is_not_one() {
        let (policy, note) = (policy(), GuardNote::default());
        assert_eq!(policy.sent_to(&note), None);
        note.note_request(&uri("https://a.example/1"));
        note.note_response(StatusCode::SERVICE_UNAVAILABLE);
        note.note_request(&uri("https://b.example/2"));
        assert_eq!(policy.sent_to(&note), Some(uri("https://b.example/2")));
        assert!(!note.was_redirected(StatusCode::UNAUTHORIZED));
        note.note_response(StatusCode::SEE_OTHER);
        note.note_request(&uri("https://a.example/3"));
        assert_eq!(policy.sent_to(&note), Some(uri("https://b.example/2")));
        assert!(note.was_redirected(StatusCode::UNAUTHORIZED));
        // It was not followed.
        assert!(!note.was_redirected(StatusCode::SEE_OTHER));
    }

    #[test]
    fn where_the_token_may_not_go_is_nowhere_that_a_request_was_sent_to() {
        let (policy, note) = (policy(), GuardNote::default());
        note.note_request(&uri("https://evil.example/1"));
        assert_eq!(policy.sent_to(&note), None);
    }

    #[test]
    fn what_a_guard_recorded_is_for_one_adapter_alone() {
        let policy = policy();
        policy.set_guarded();
        let (requested, mut response) = (uri("https://a.example/"), Extensions::new());
        Policy::record_sent_to(&mut response, uri("https://evil.example/"));
        assert!(policy.is_redirected_away(&response, Some(&requested)));
        policy.note_from_elsewhere(&mut response);
        assert!(!policy.is_redirected_away(&response, Some(&requested)));
        assert!(response.is_empty());
    }

    #[test]
    fn below_an_inner_origin_uris_are_relative_and_absolute_ones_are_compared_with_it() {
        let mut policy = policy();
        policy.set_inner_origin(crate::origin::Origin::parse("https://a.example").unwrap());
        let requested = uri("/1");
        for (from, away) in [
            ("/1", false),
            ("https://a.example/2", false),
            ("https://b.example/1", true),
            ("http://a.example/1", true),
        ] {
            let mut response = Extensions::new();
            Policy::record_sent_to(&mut response, uri(from));
            assert_eq!(policy.is_redirected_away(&response, Some(&requested)), away, "{from}");
        }
        let plain = super::super::Policy::new(policy.slot().clone());
        let mut response = Extensions::new();
        Policy::record_sent_to(&mut response, uri("https://a.example/2"));
        assert!(plain.is_redirected_away(&response, Some(&requested)));
    }
}
