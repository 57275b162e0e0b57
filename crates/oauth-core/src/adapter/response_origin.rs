//! Where a response is from: the request's origin, or one that a redirect led to.

use http::uri::Authority;
use http::{Extensions, Method, Uri};

use super::admission::parts;
use super::{Destination, Policy};
use crate::origin::{Origin, same_origin};

/// In a response's extensions: where a guard has sent the request, below whatever follows redirects.
#[derive(Clone)]
struct SentTo(Uri);

impl Policy {
    /// Records in a response where a guard has sent the request.
    pub fn record_sent_to(response: &mut Extensions, uri: Uri) {
        response.insert(SentTo(uri));
    }

    /// Whether a request may be sent again although it is not certain that it is the one that was
    /// refused: when none of its kind changes anything (RFC 9110 §9.2.1).
    pub fn is_safe(method: &Method) -> bool {
        matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
    }

    /// Whether another URI than the request's was answered, as far as `response_uri` can tell.
    pub fn is_of_another_uri(&self, response: &Extensions, requested: &Uri) -> bool {
        let answered = self.judgement.response_uri.and_then(|uri| uri(response));
        answered.is_some_and(|answered| match requested.authority() {
            Some(_) => answered != requested,
            // The inner service knows the rest.
            None => answered.path_and_query() != requested.path_and_query(),
        })
    }

    /// Whether the response says that it came from another origin than the request's, of which
    /// [`requested`](Self::requested) was kept.
    pub fn is_from_elsewhere(&self, response: &Extensions, requested: Option<&Uri>) -> bool {
        let Some(from) = self.response_uri(response) else { return false };
        match requested {
            Some(requested) if requested.authority().is_some() => {
                !is_spelled_the_same(from, requested) && !same_origin(from, requested)
            }
            // Below the place that is named, URIs are relative, too.
            Some(_) => {
                let inner = self.admission.inner_origin.as_deref();
                from.authority().is_some() && !inner.is_some_and(|inner| inner.is_of(from))
            }
            // Nothing was kept: it was sent to the first of the declared origins, ...
            None if self.knows_origins() => {
                let (scheme, authority) = parts(from);
                self.admission.primary.as_ref().is_some_and(|primary| {
                    !self.is_primary(scheme, authority) && !primary.is_origin_of(from)
                })
            }
            // ... or to any of them, because no one but another slot's guard says where responses are from.
            None => from.authority().is_some() && !self.is_declared(from),
        }
    }

    /// Counts a response from elsewhere, and warns once for each origin of up to 64. What a guard has
    /// recorded is taken out: it is about this exchange alone.
    #[cold]
    pub fn note_from_elsewhere(&self, response: &mut Extensions) {
        if let Some(from) = self.response_uri(response) {
            let authority = from.authority().map_or("", Authority::as_str);
            self.note_foreign_response(from.scheme_str().unwrap_or_default(), authority);
        }
        response.remove::<SentTo>();
    }

    /// The same for an adapter that knows it otherwise.
    #[cold]
    pub fn note_foreign_response(&self, scheme: &str, authority: &str) {
        self.slot.foreign().response(scheme, authority, &self.admission.origins);
    }

    /// What must be kept of where a request goes, for
    /// [`is_from_elsewhere`](Self::is_from_elsewhere): nothing if no one can say where responses are
    /// from, or if it goes where most do, to the first of the declared origins.
    #[inline]
    pub fn requested(&self, uri: &Uri, to: Destination) -> Option<Uri> {
        (self.knows_origins() && to != Destination::Primary).then(|| uri.clone())
    }

    /// The same where it must also be known whether [another URI](Self::is_of_another_uri) of that origin
    /// was answered.
    #[cold]
    pub fn requested_exactly(&self, uri: &Uri, to: Destination) -> Option<Uri> {
        if self.judgement.response_uri.is_some() {
            Some(uri.clone())
        } else {
            self.requested(uri, to)
        }
    }

    /// Whether something below can say where responses are from.
    #[inline]
    pub fn knows_origins(&self) -> bool {
        self.judgement.knows_origins()
    }

    /// A guard is right below the follower and sees what is sent: it is believed first.
    fn response_uri<'a>(&self, response: &'a Extensions) -> Option<&'a Uri> {
        let sent_to = response.get().map(|SentTo(uri)| uri);
        sent_to.or_else(|| self.judgement.response_uri.and_then(|uri| uri(response)))
    }

    /// Whether a response is from the primary origin, in the spelling of URL parsers: lower case, no
    /// default port, no user information.
    ///
    /// `false` is inconclusive. When it is `true` of one URL that a parser has written, then another one
    /// that it is `false` of has another origin.
    #[inline]
    pub fn is_primary(&self, scheme: &str, authority: &str) -> bool {
        self.admission.is_primary(scheme, authority)
    }

    fn is_declared(&self, uri: &Uri) -> bool {
        let (scheme, authority) = parts(uri);
        self.admission.origins.admit(scheme, authority, None)
    }
}

/// Most of those of one origin: the comparison of origins allocates.
fn is_spelled_the_same(one: &Uri, other: &Uri) -> bool {
    one.scheme() == other.scheme() && one.authority() == other.authority()
}

impl Origin {
    fn is_of(&self, uri: &Uri) -> bool {
        let authority = uri.authority().map_or("", Authority::as_str);
        self.admits(uri.scheme_str() == Some("https"), authority)
    }
}
