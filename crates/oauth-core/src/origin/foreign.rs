//! Requests to and responses from origins that the token is not for: all are counted, each origin is logged
//! once.

use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwapOption;

use super::host::without_user;
use crate::unwind::contained;

/// At most this many origins are kept and logged: the names may be untrusted input.
const MOST_LOGGED: usize = 64;

/// Counts of what went to, or came from, origins that the token is not for.
#[derive(Debug, Default)]
pub(crate) struct ForeignLog {
    /// Requests that passed without a token.
    pub(crate) requests: Seen,
    /// Requests whose token the guard removed.
    pub(crate) withheld: Seen,
    /// Responses to requests that had a token.
    pub(crate) responses: Seen,
}

impl ForeignLog {
    pub(crate) fn request(&self, scheme: &str, authority: &str, declared: &dyn Display) {
        if let Some(origin) = self.requests.count(scheme, authority) {
            contained(|| {
                tracing::warn!(
                    %origin,
                    %declared,
                    "a request passes without a token: not an origin that the token was made for"
                );
            });
        }
    }

    pub(crate) fn withheld(&self, scheme: &str, authority: &str, declared: &dyn Display) {
        if let Some(origin) = self.withheld.count(scheme, authority) {
            contained(|| {
                tracing::warn!(
                    %origin,
                    %declared,
                    "the guard took the token off a request: a redirect was followed, or the URL rewritten, \
                     to an origin that the token was not made for"
                );
            });
        }
    }

    pub(crate) fn response(&self, scheme: &str, authority: &str, declared: &dyn Display) {
        if let Some(origin) = self.responses.count(scheme, authority) {
            contained(|| {
                tracing::warn!(
                    %origin,
                    %declared,
                    "a response is from an origin that the request was not for: a redirect was followed, \
                     or the URL rewritten; without a guard or a redirect policy the token may have gone there"
                );
            });
        }
    }
}

/// A count, and the origins that were logged.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    count: AtomicU64,
    // Replaced as a whole, so that a request to a known origin reads it without a lock.
    origins: ArcSwapOption<Vec<LoggedOrigin>>,
}

#[derive(Clone, Debug)]
struct LoggedOrigin {
    scheme: Box<str>,
    host: Box<str>,
}

impl Seen {
    pub(crate) fn so_far(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Counts it, and returns the origin if it is to be logged, which is the first time that it is seen.
    fn count(&self, scheme: &str, authority: &str) -> Option<String> {
        self.count.fetch_add(1, Ordering::Relaxed);
        // User information in an authority can be a secret.
        let host = without_user(authority);
        let is_known = |known: Option<&Vec<LoggedOrigin>>| {
            known.is_some_and(|known| {
                known.len() >= MOST_LOGGED || known.iter().any(|origin| origin.is(scheme, host))
            })
        };
        if is_known(self.origins.load().as_deref()) {
            return None;
        }
        let new = LoggedOrigin { scheme: scheme.into(), host: host.into() };
        let before = self.origins.rcu(|known| match known.as_deref() {
            Some(origins) if is_known(Some(origins)) => known.clone(),
            origins => {
                let origins = origins.into_iter().flatten().chain([&new]);
                Some(Arc::new(origins.cloned().collect()))
            }
        });
        // If several threads race, one of them added it.
        (!is_known(before.as_deref())).then(|| format!("{scheme}://{host}"))
    }
}

impl LoggedOrigin {
    fn is(&self, scheme: &str, host: &str) -> bool {
        self.host.eq_ignore_ascii_case(host) && self.scheme.eq_ignore_ascii_case(scheme)
    }
}
