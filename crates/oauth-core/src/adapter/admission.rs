//! Which requests get a token.

use std::borrow::Cow;
use std::sync::Arc;

use http::header::{HOST, HeaderMap};
use http::uri::Authority;
use http::{Extensions, Uri};

use crate::error::{Details, Error, Kind};
use crate::origin::{Origin, Origins, PrimaryOrigin, without_user};
use crate::outcome::{NoToken, NotAttached};
use crate::slot::TokenSlot;

/// What happens to a request for an origin that the token was not made for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OnForeignOrigin {
    /// It is sent without a token. It is counted, logged once per origin, and visible as
    /// [`Outcome::NotAttached`](crate::Outcome::NotAttached).
    #[default]
    PassThrough,
    /// It is not sent and fails with an error.
    Refuse,
}

/// Whether a request gets a token.
#[derive(Clone, Debug)]
pub enum Admission {
    /// It does; with where it goes.
    Attach(Destination),
    /// It is sent as it is.
    Pass(NotAttached),
    /// It is not sent.
    Refuse(Error),
}

/// Which of the declared origins a request goes to, judging by its spelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// The first one, spelled as it was declared: where most requests go.
    Primary,
    /// Another one, or the first one in another spelling.
    Other,
}

/// The half of the policy that decides on requests.
#[derive(Clone, Debug)]
pub(super) struct AdmissionRules {
    pub(super) origins: Origins,
    /// The first of them, where most requests go.
    pub(super) primary: Option<PrimaryOrigin>,
    pub(super) inner_origin: Option<Arc<Origin>>,
    pub(super) on_foreign: OnForeignOrigin,
}

impl AdmissionRules {
    pub(super) fn new(origins: Origins) -> Self {
        let primary = PrimaryOrigin::of(&origins);
        Self { origins, primary, inner_origin: None, on_foreign: OnForeignOrigin::default() }
    }

    pub(super) fn set_origins(&mut self, origins: Origins) {
        self.primary = PrimaryOrigin::of(&origins);
        self.origins = origins;
    }

    /// Which declared origin this is, if it is spelled as declared. `None` is inconclusive.
    #[inline(always)]
    fn spelled(&self, scheme: &str, authority: &str) -> Option<Destination> {
        let https = https_of(scheme)?;
        if self.primary.as_ref().is_some_and(|primary| primary.is(https, authority)) {
            return Some(Destination::Primary);
        }
        self.origins.declare(https, authority).then_some(Destination::Other)
    }

    /// Whether this is the primary origin, spelled as a URL parser writes it. `false` is inconclusive.
    #[inline]
    pub(super) fn is_primary(&self, scheme: &str, authority: &str) -> bool {
        let primary = self.primary.as_ref().zip(https_of(scheme));
        primary.is_some_and(|(primary, https)| primary.is(https, authority))
    }

    /// Whether the token may go there with these headers, by spelling alone. `None` is inconclusive: take
    /// the slow path.
    #[inline(always)]
    pub(super) fn declared_by_spelling(
        &self,
        scheme: &str,
        authority: &str,
        headers: &HeaderMap,
    ) -> Option<Destination> {
        self.spelled(scheme, authority).filter(|_| !headers.contains_key(&HOST))
    }

    /// Where a request with this scheme and authority goes, if that can be known.
    pub(super) fn resolve<'a>(
        &'a self,
        scheme: Option<&'a str>,
        authority: Option<&'a str>,
    ) -> Option<(&'a str, &'a str)> {
        match (scheme, authority) {
            (Some(scheme), Some(authority)) => Some((scheme, authority)),
            // As with `CONNECT`: an authority without a known protocol.
            (None, Some(_)) | (Some(_), None) => None,
            (None, None) => {
                let inner = self.inner_origin.as_deref().filter(|origin| origin.is_exact());
                inner.map(|origin| (origin.scheme(), origin.authority()))
            }
        }
    }

    /// Whether the token may go there, with these headers.
    pub(super) fn declares(&self, scheme: &str, authority: &str, headers: &HeaderMap) -> bool {
        let host = headers.get(&HOST);
        // With two of them, the server may route by either.
        let alone = || headers.get_all(&HOST).iter().nth(1).is_none();
        self.origins.admit(scheme, authority, host) && (host.is_none() || alone())
    }
}

impl AdmissionRules {
    /// Whether a request with this URI, these headers and extensions gets a token. Parses nothing and, if
    /// it does, allocates nothing.
    #[inline(always)]
    pub(super) fn admit(
        &self,
        uri: &Uri,
        headers: &HeaderMap,
        extensions: &Extensions,
        slot: &TokenSlot,
    ) -> Admission {
        if extensions.is_empty() || !opted_out(extensions) {
            let (scheme, authority) = parts(uri);
            if let Some(to) = self.declared_by_spelling(scheme, authority, headers) {
                return Admission::Attach(to);
            }
        }
        let authority = uri.authority().map(Authority::as_str);
        self.admit_slowly((uri.scheme_str(), authority), headers, extensions, slot)
    }

    /// The same for a URI that was taken apart already.
    pub(super) fn admit_parts(
        &self,
        scheme: &str,
        authority: Option<&str>,
        headers: &HeaderMap,
        extensions: &Extensions,
        slot: &TokenSlot,
    ) -> Admission {
        if extensions.is_empty() || !opted_out(extensions) {
            let authority = authority.unwrap_or_default();
            if let Some(to) = self.declared_by_spelling(scheme, authority, headers) {
                return Admission::Attach(to);
            }
        }
        self.admit_slowly((Some(scheme), authority), headers, extensions, slot)
    }

    #[inline(never)]
    fn admit_slowly(
        &self,
        (scheme, authority): (Option<&str>, Option<&str>),
        headers: &HeaderMap,
        extensions: &Extensions,
        slot: &TokenSlot,
    ) -> Admission {
        if opted_out(extensions) {
            return Admission::Pass(NotAttached::OptedOut);
        }
        let target = self.resolve(scheme, authority);
        match target {
            Some((scheme, authority)) if self.declares(scheme, authority, headers) => {
                Admission::Attach(Destination::Other)
            }
            _ => self.explain(target, headers, slot),
        }
    }

    /// Why a request gets no token. Off the hot path.
    #[cold]
    fn explain(
        &self,
        target: Option<(&str, &str)>,
        headers: &HeaderMap,
        slot: &TokenSlot,
    ) -> Admission {
        if headers.contains_key(slot.header_name()) {
            return Admission::Pass(NotAttached::OwnAuthorization);
        }
        if !self.origins.is_declared() {
            return refuse(
                "no origin is declared for the token",
                "name the API's with `.origins(Origins::parse([\"https://…\"])?)`, or \
                 `Origins::any_https()`",
            );
        }
        let Some((scheme, authority)) = target else {
            if self.inner_origin.as_deref().is_some_and(|origin| !origin.is_exact()) {
                return refuse(
                    "`inner_origin` has a wildcard",
                    "name the one host that the inner service sends to",
                );
            }
            return refuse(
                "the request's URI has no scheme and host",
                "send absolute URIs, or name the place that the inner service sends to with \
                 `.inner_origin(..)`",
            );
        };
        match self.on_foreign {
            OnForeignOrigin::PassThrough => {
                slot.foreign().request(scheme, authority, &self.origins);
                Admission::Pass(NotAttached::ForeignOrigin)
            }
            OnForeignOrigin::Refuse => refuse(
                format!(
                    "the request goes to an origin that the token was not made for: \
                     {scheme}://{}, and it is for {}",
                    // User information can be a secret.
                    without_user(authority),
                    self.origins
                ),
                "if it is the API's, check scheme, host and port, or declare it with \
                 `.origins(..)`",
            ),
        }
    }
}

/// A URI's scheme and authority; empty if it has none.
#[inline(always)]
pub(super) fn parts(uri: &Uri) -> (&str, &str) {
    (uri.scheme_str().unwrap_or_default(), uri.authority().map_or("", Authority::as_str))
}

#[inline(always)]
fn https_of(scheme: &str) -> Option<bool> {
    match scheme {
        "https" => Some(true),
        "http" => Some(false),
        _ => None,
    }
}

#[inline(never)]
fn opted_out(extensions: &Extensions) -> bool {
    extensions.get::<NoToken>().is_some()
}

fn refuse(problem: impl Into<Cow<'static, str>>, advice: &'static str) -> Admission {
    let details = Details { hint: Some(advice.into()), ..Details::new(Kind::Origin, problem) };
    Admission::Refuse(details.into())
}
