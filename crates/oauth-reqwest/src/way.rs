//! Whether a response belongs to the request that was sent, or to one after a redirect.

use oauth_core::adapter::Policy;
use reqwest::{Response, Url};

/// The host of a response that did not come from a client: reqwest sets it for one that a middleware
/// created from an `http::Response` without a URL.
const MADE_UP: &str = "no.url.provided.local";

/// What happened between a request and its response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Nothing that can be seen.
    Straight,
    /// A redirect within the origin, or a URL that was rewritten below us: the response is to another
    /// request.
    Redirected,
    /// The response came from another origin, and says nothing about the token.
    RedirectedAway,
}

impl Way {
    /// The way to a response. `requested` is what was asked, nothing stands for the primary origin; `sent`
    /// is what a stamp below says that the client was given.
    pub(crate) fn to(
        response: &Response,
        policy: &Policy,
        requested: Option<&Url>,
        sent: Option<&Url>,
    ) -> Self {
        let from = response.url();
        let Some(asked) = sent.or(requested) else {
            // In reqwest's spelling, URLs of one origin look the same, except for user information.
            let primary = policy.is_primary(from.scheme(), from.authority())
                || policy.is_primary(from.scheme(), without_user(from.authority()));
            return if primary || is_made_up(response) {
                Self::Straight
            } else {
                Self::RedirectedAway
            };
        };
        if is_same(from, asked) || is_made_up(response) {
            Self::Straight
        } else if is_same_origin(from, asked) {
            Self::Redirected
        } else {
            Self::RedirectedAway
        }
    }
}

/// A response that came over a connection has its peer's address, whatever its URL says.
#[cold]
fn is_made_up(response: &Response) -> bool {
    response.url().host_str() == Some(MADE_UP) && response.remote_addr().is_none()
}

#[cold]
fn without_user(authority: &str) -> &str {
    authority.rsplit('@').next().unwrap_or_default()
}

/// Compares everything that a server sees, so not fragment and user information.
pub(crate) fn is_same(one: &Url, other: &Url) -> bool {
    is_same_origin(one, other) && one.path() == other.path() && one.query() == other.query()
}

/// As `Url::origin`, which allocates.
pub(crate) fn is_same_origin(one: &Url, other: &Url) -> bool {
    one.scheme() == other.scheme()
        && one.host_str() == other.host_str()
        && one.port_or_known_default() == other.port_or_known_default()
}
