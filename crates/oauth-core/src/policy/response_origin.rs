//! Where a response is from: the request's origin, or one that a redirect led to.

use http::uri::Authority;
use http::{Extensions, Uri};

use super::Policy;
use crate::origin::{Origin, same_origin};

/// In a response's extensions: where the request was really sent. Put there by a guard, below whatever
/// follows redirects or rewrites URLs, when that is none of its origins.
#[derive(Clone)]
struct SentTo(Uri);

impl Policy {
    /// Records where a request was sent that a guard found not to be for its origins.
    pub fn record_sent_to(extensions: &mut Extensions, uri: Uri) {
        extensions.insert(SentTo(uri));
    }

    /// Whether the response says that it came from another origin than the request's, of which
    /// [`requested`](Self::requested) was kept.
    pub fn is_from_elsewhere(&self, response: &Extensions, requested: Option<&Uri>) -> bool {
        let Some(from) = self.response_uri(response) else { return false };
        match requested {
            Some(requested) if requested.authority().is_some() => !same_origin(from, requested),
            Some(_) => !self.inner_origin.as_deref().is_some_and(|inner| inner.is_of(from)),
            // Nothing was kept: it was sent to the first of the declared origins, ...
            None if self.answer_uri.is_some() => self
                .home
                .as_ref()
                .is_some_and(|home| !self.is_home_uri(from) && !home.is_origin_of(from)),
            // ... or to any of them, because nobody but a guard says where responses come from.
            None => !self.is_declared_uri(from),
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
        let sent_to = response.get().map(|SentTo(uri)| uri);
        sent_to.or_else(|| self.answer_uri.and_then(|uri| uri(response)))
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
