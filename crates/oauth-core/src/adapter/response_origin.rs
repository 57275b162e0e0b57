//! Where a response is from: the request's origin, or one that a redirect led to.

use http::uri::Authority;
use http::{Extensions, Method, Uri};

use super::admission::parts;
use super::{Destination, Policy};
use crate::origin::{Origin, same_origin};

/// In a response's extensions: where the guard sent the request, below any redirect follower.
#[derive(Clone)]
struct SentTo(Uri);

impl Policy {
    /// Records in a response where the guard sent the request.
    pub fn record_sent_to(response: &mut Extensions, uri: Uri) {
        response.insert(SentTo(uri));
    }

    /// Whether a request may be sent again although it may not be the one that was refused: only if its
    /// method is safe (RFC 9110 §9.2.1).
    pub fn is_safe(method: &Method) -> bool {
        matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
    }

    /// Whether the response is that of another URI than the request's, as far as `response_uri` shows.
    pub fn is_of_another_uri(&self, response: &Extensions, requested: &Uri) -> bool {
        let from = self.judgement.response_uri.and_then(|uri| uri(response));
        from.is_some_and(|from| match requested.authority() {
            Some(_) => from != requested,
            // The rest is up to the inner service.
            None => from.path_and_query() != requested.path_and_query(),
        })
    }

    /// Whether the response came from another origin than the request, of which
    /// [`requested`](Self::requested) was kept.
    pub fn is_redirected_away(&self, response: &Extensions, requested: Option<&Uri>) -> bool {
        let Some(from) = self.response_uri(response) else { return false };
        match requested {
            Some(requested) if requested.authority().is_some() => {
                !is_spelled_the_same(from, requested) && !same_origin(from, requested)
            }
            // Below an `inner_origin`, URIs are relative as well.
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
            // ... or to any of them, because only another slot's guard reported where the response came
            // from.
            None => from.authority().is_some() && !self.is_declared(from),
        }
    }

    /// Counts a response from elsewhere, and warns once for each origin of up to 64. What a guard recorded
    /// is removed: it concerns this exchange only.
    #[cold]
    pub fn note_from_elsewhere(&self, response: &mut Extensions) {
        if let Some(from) = self.response_uri(response) {
            let authority = from.authority().map_or("", Authority::as_str);
            self.note_foreign_response(from.scheme_str().unwrap_or_default(), authority);
        }
        response.remove::<SentTo>();
    }

    /// The same for an adapter that knows the origin in another way.
    #[cold]
    pub fn note_foreign_response(&self, scheme: &str, authority: &str) {
        self.slot.foreign().response(scheme, authority, &self.admission.origins);
    }

    /// What must be kept of where a request goes, for [`is_redirected_away`](Self::is_redirected_away):
    /// nothing if it cannot be known where responses come from, or if it goes to the first declared origin,
    /// as most requests do.
    #[inline]
    pub fn requested(&self, uri: &Uri, to: Destination) -> Option<Uri> {
        (self.knows_origins() && to != Destination::Primary).then(|| uri.clone())
    }

    /// The same where it must also be known whether [another URI](Self::is_of_another_uri) of that origin
    /// responded.
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

    /// The guard is right below the follower and sees what is sent, so it takes precedence.
    fn response_uri<'a>(&self, response: &'a Extensions) -> Option<&'a Uri> {
        let sent_to = response.get().map(|SentTo(uri)| uri);
        sent_to.or_else(|| self.judgement.response_uri.and_then(|uri| uri(response)))
    }

    /// Whether a response is from the primary origin, in the spelling of URL parsers: lower case, no
    /// default port, no user information.
    ///
    /// `false` is inconclusive. If it is `true` for one URL that a parser has written and `false` for
    /// another, their origins differ.
    #[inline]
    pub fn is_primary(&self, scheme: &str, authority: &str) -> bool {
        self.admission.is_primary(scheme, authority)
    }

    fn is_declared(&self, uri: &Uri) -> bool {
        let (scheme, authority) = parts(uri);
        self.admission.origins.admit(scheme, authority, None)
    }
}

/// A shortcut for most responses: comparing origins allocates.
fn is_spelled_the_same(one: &Uri, other: &Uri) -> bool {
    one.scheme() == other.scheme() && one.authority() == other.authority()
}

impl Origin {
    fn is_of(&self, uri: &Uri) -> bool {
        let authority = uri.authority().map_or("", Authority::as_str);
        self.admits(uri.scheme_str() == Some("https"), authority)
    }
}
