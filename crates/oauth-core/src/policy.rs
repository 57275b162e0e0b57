//! Which requests get a token and what a refusal leads to: the decisions that both adapters share.

mod evidence;
mod guard;
mod judgement;
mod response_origin;

#[doc(hidden)]
pub use self::guard::GuardNote;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use http::header::{AUTHORIZATION, HOST, HeaderMap};
use http::uri::Authority;
use http::{Extensions, Uri, response};

use crate::error::{Details, Error, Kind};
use crate::origin::{Home, Origin, Origins, without_user};
use crate::outcome::{NoToken, NotAttached};
use crate::slot::TokenSlot;
use crate::verdict::Verdict;

/// What happens to a request for an origin that the token was not made for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OnForeignOrigin {
    /// It passes without a token; counted, told in the log once an origin, and visible as
    /// [`Outcome::NotAttached`](crate::Outcome::NotAttached).
    #[default]
    PassThrough,
    /// It is refused with an error and not sent.
    Refuse,
}

/// Overrules the verdict on an answer: see [`verdict()`](crate::verdict::verdict()).
pub type VerdictFn = fn(&response::Parts, Verdict) -> Verdict;

/// Finds in a response's extensions where it came from, when a layer below follows redirects.
pub type AnswerUriFn = fn(&Extensions) -> Option<&Uri>;

/// The settings that both adapters share, and the decisions that follow from them.
///
/// Adapters hold one; users set it through the adapter's setters of the same names.
#[derive(Clone)]
pub struct Policy {
    slot: TokenSlot,
    origins: Origins,
    // The first of them, where most requests go.
    home: Option<Home>,
    inner_origin: Option<Arc<Origin>>,
    on_foreign: OnForeignOrigin,
    overrule: Option<VerdictFn>,
    answer_uri: Option<AnswerUriFn>,
    grpc: bool,
    // Whether an answer can be of interest that is no 401.
    reads_more: bool,
    // Of all clones.
    guarded: Arc<AtomicBool>,
}

/// Whether a request gets a token.
#[derive(Clone, Debug)]
pub enum Admission {
    /// It does.
    Attach,
    /// It passes as it is.
    Pass(NotAttached),
    /// It is refused.
    Refuse(Error),
}

impl Policy {
    /// The defaults: the slot's origins, foreign ones pass without a token.
    pub fn new(slot: TokenSlot) -> Self {
        Self {
            origins: slot.origins().clone(),
            home: Home::of(slot.origins()),
            slot,
            inner_origin: None,
            on_foreign: OnForeignOrigin::default(),
            overrule: None,
            answer_uri: None,
            grpc: false,
            reads_more: false,
            guarded: Arc::default(),
        }
    }

    /// Where tokens may go, instead of what the slot says.
    pub fn set_origins(&mut self, origins: Origins) {
        self.home = Home::of(&origins);
        self.origins = origins;
    }

    /// Where the inner service sends requests whose URI has no authority.
    pub fn set_inner_origin(&mut self, origin: Origin) {
        self.inner_origin = Some(Arc::new(origin));
    }

    /// What happens to requests for other origins.
    pub fn set_on_foreign_origin(&mut self, choice: OnForeignOrigin) {
        self.on_foreign = choice;
    }

    /// Overrules verdicts.
    pub fn set_verdict(&mut self, overrule: VerdictFn) {
        self.overrule = Some(overrule);
        self.reads_more = true;
    }

    /// Where answers come from, if a layer below follows redirects.
    pub fn set_answer_uri(&mut self, uri: AnswerUriFn) {
        self.answer_uri = Some(uri);
    }

    /// Reads answers as those of gRPC servers: see [`grpc_verdict`](crate::verdict::grpc_verdict).
    pub fn set_grpc(&mut self) {
        self.grpc = true;
        self.reads_more = true;
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
        if self.admits_plainly(uri, headers, extensions) {
            return Admission::Attach;
        }
        let scheme = uri.scheme_str();
        let authority = uri.authority().map(|authority| authority.as_str());
        self.admit_parts(scheme, authority, headers, extensions)
    }

    /// Most requests: to an origin that is spelled as it was declared, and with nothing said that
    /// could change it. `false` says nothing.
    #[inline(always)]
    fn admits_plainly(&self, uri: &Uri, headers: &HeaderMap, extensions: &Extensions) -> bool {
        let scheme = uri.scheme_str().unwrap_or_default();
        let authority = uri.authority().map_or("", Authority::as_str);
        self.admits_spelling(scheme, authority, headers, extensions)
    }

    #[inline(always)]
    fn admits_spelling(
        &self,
        scheme: &str,
        authority: &str,
        headers: &HeaderMap,
        extensions: &Extensions,
    ) -> bool {
        (extensions.is_empty() || !opted_out(extensions))
            && self.declares_spelling(scheme, authority, headers)
    }

    #[inline(always)]
    fn declares_spelling(&self, scheme: &str, authority: &str, headers: &HeaderMap) -> bool {
        let Some(https) = https_of(scheme) else { return false };
        (self.home.as_ref().is_some_and(|home| home.is(https, authority))
            || self.origins.declare(https, authority))
            && !headers.contains_key(&HOST)
    }

    /// The same for a URI that was taken apart already.
    pub fn admit_parts(
        &self,
        scheme: Option<&str>,
        authority: Option<&str>,
        headers: &HeaderMap,
        extensions: &Extensions,
    ) -> Admission {
        if let (Some(scheme), Some(authority)) = (scheme, authority) {
            if self.admits_spelling(scheme, authority, headers, extensions) {
                return Admission::Attach;
            }
        }
        if opted_out(extensions) {
            return Admission::Pass(NotAttached::OptedOut);
        }
        let target = self.destination(scheme, authority);
        match target {
            Some((scheme, authority)) if self.declares(scheme, authority, headers) => {
                Admission::Attach
            }
            _ => self.explain(target, headers),
        }
    }

    /// Where a request with this scheme and authority goes, if that can be known.
    fn destination<'a>(
        &'a self,
        scheme: Option<&'a str>,
        authority: Option<&'a str>,
    ) -> Option<(&'a str, &'a str)> {
        match (scheme, authority) {
            (Some(scheme), Some(authority)) => Some((scheme, authority)),
            // A `CONNECT`-like URI: an authority, and nobody knows what is spoken there.
            (None, Some(_)) | (Some(_), None) => None,
            (None, None) => {
                let inner = self.inner_origin.as_deref().filter(|origin| origin.is_exact());
                inner.map(|origin| (origin.scheme(), origin.authority()))
            }
        }
    }

    /// Whether the token may go there, with these headers.
    fn declares(&self, scheme: &str, authority: &str, headers: &HeaderMap) -> bool {
        let host = headers.get(&HOST);
        // Of two, the server may route by either.
        let alone = || headers.get_all(&HOST).iter().nth(1).is_none();
        self.origins.admit(scheme, authority, host) && (host.is_none() || alone())
    }

    /// Why a request does not get one. Off the hot path.
    #[cold]
    fn explain(&self, target: Option<(&str, &str)>, headers: &HeaderMap) -> Admission {
        if headers.contains_key(AUTHORIZATION) {
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
                self.slot.foreign().request(scheme, authority, &self.origins);
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

    /// Whether that is the first of the origins that were declared, where most requests go, in the
    /// spelling of URL parsers: lower case, no default port, no user's name.
    ///
    /// `false` says nothing by itself. When it is `true` of one URL that a parser has written, then
    /// another one that it is `false` of has another origin.
    #[inline]
    pub fn is_home(&self, scheme: &str, authority: &str) -> bool {
        let home = self.home.as_ref().zip(https_of(scheme));
        home.is_some_and(|(home, https)| home.is(https, authority))
    }

    /// The error for a request whose header map takes no more.
    pub fn no_room() -> Error {
        Error::new(Kind::Usage, "the request has too many headers for one more")
    }
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

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy")
            .field("slot", &self.slot)
            .field("origins", &self.origins)
            .field("inner_origin", &self.inner_origin)
            .field("on_foreign", &self.on_foreign)
            .field("overrules", &self.overrule.is_some())
            .field("grpc", &self.grpc)
            .finish()
    }
}
