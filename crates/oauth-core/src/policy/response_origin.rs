//! Where a response is from: the request's origin, or one that a redirect led to.

use http::uri::Authority;
use http::{Extensions, HeaderMap, Method, StatusCode, Uri};

use super::Policy;
use crate::origin::{Origin, same_origin};

/// In a response's extensions: what was really sent, below whatever follows redirects or rewrites URLs.
#[derive(Clone)]
struct Sent {
    method: Method,
    uri: Uri,
}

impl Policy {
    /// Whether a guard records what was sent with the response: when it is from another origin, and
    /// when the token may have been refused.
    #[inline]
    pub fn records_sent(&self, foreign: bool, response: StatusCode, headers: &HeaderMap) -> bool {
        foreign || self.wants_to_judge(response, headers)
    }

    /// Records what a guard has sent.
    #[cold]
    pub fn record_sent(response: &mut Extensions, method: Method, uri: Uri) {
        response.insert(Sent { method, uri });
    }

    /// Whether a request may be sent again although it is not certain that it is the one that was
    /// refused: when none of its kind changes anything (RFC 9110 §9.2.1).
    pub fn is_safe(method: &Method) -> bool {
        matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
    }

    /// Whether a redirect was followed, or the URL rewritten, on the way of the request with this method
    /// and URI to this response, so that another request than this one was refused.
    pub fn was_redirected(&self, response: &Extensions, method: &Method, uri: &Uri) -> bool {
        match response.get::<Sent>() {
            Some(sent) => sent.method != *method || !self.is_same_uri(&sent.uri, uri),
            None => self
                .answer_uri
                .and_then(|read| read(response))
                .is_some_and(|from| !self.is_same_uri(from, uri)),
        }
    }

    /// Of a relative URI the inner service knows the rest.
    fn is_same_uri(&self, sent: &Uri, requested: &Uri) -> bool {
        match requested.authority() {
            Some(_) => sent == requested,
            None => sent.path_and_query() == requested.path_and_query(),
        }
    }

    /// Whether the response says that it came from another origin than the request's, of which
    /// [`requested`](Self::requested) was kept.
    pub fn is_from_elsewhere(&self, response: &Extensions, requested: Option<&Uri>) -> bool {
        let Some(from) = self.response_uri(response) else { return false };
        match requested {
            Some(requested) if requested.authority().is_some() => !same_origin(from, requested),
            // Below the place that is named, URIs are relative, too.
            Some(_) => {
                let inner = self.inner_origin.as_deref();
                from.authority().is_some() && !inner.is_some_and(|inner| inner.is_of(from))
            }
            // Nothing was kept: it was sent to the first of the declared origins, ...
            None if self.answer_uri.is_some() => self
                .home
                .as_ref()
                .is_some_and(|home| !self.is_home_uri(from) && !home.is_origin_of(from)),
            // ... or to any of them, because nobody but a guard says where responses come from.
            None => from.authority().is_some() && !self.is_declared_uri(from),
        }
    }

    /// Counts a response from elsewhere, and warns once for each origin of up to 64.
    #[cold]
    pub fn note_from_elsewhere(&self, response: &Extensions) {
        if let Some(from) = self.response_uri(response) {
            let authority = from.authority().map_or("", Authority::as_str);
            self.note_foreign_response(from.scheme_str().unwrap_or_default(), authority);
        }
    }

    /// The same for an adapter that knows it otherwise.
    #[cold]
    pub fn note_foreign_response(&self, scheme: &str, authority: &str) {
        self.slot.foreign().response(scheme, authority, &self.origins);
    }

    /// What must be kept of where a request goes, for
    /// [`is_from_elsewhere`](Self::is_from_elsewhere): nothing if nobody but a guard can say where
    /// responses come from, or if it goes where most do, to the first of the declared origins.
    #[inline]
    pub fn requested(&self, uri: &Uri) -> Option<Uri> {
        (self.answer_uri.is_some() && !self.is_home_uri(uri)).then(|| uri.clone())
    }

    /// A guard is right below the follower and sees what is sent: it is believed first.
    fn response_uri<'a>(&self, response: &'a Extensions) -> Option<&'a Uri> {
        let sent = response.get::<Sent>().map(|sent| &sent.uri);
        sent.or_else(|| self.answer_uri.and_then(|uri| uri(response)))
    }

    fn is_home_uri(&self, uri: &Uri) -> bool {
        let authority = uri.authority().map_or("", Authority::as_str);
        self.is_home(uri.scheme_str().unwrap_or_default(), authority)
    }

    fn is_declared_uri(&self, uri: &Uri) -> bool {
        let authority = uri.authority().map_or("", Authority::as_str);
        self.origins.admit(uri.scheme_str().unwrap_or_default(), authority, None)
    }
}

impl Origin {
    fn is_of(&self, uri: &Uri) -> bool {
        let authority = uri.authority().map_or("", Authority::as_str);
        self.admits(uri.scheme_str() == Some("https"), authority)
    }
}
