//! The origin that most requests go to.

use std::sync::Arc;

use http::Uri;

use super::{Origins, Set};

/// An origin in the one spelling that most requests have.
#[derive(Clone, Debug)]
pub(crate) struct Home {
    https: bool,
    authority: Arc<str>,
}

impl Home {
    /// The first of them, if it is one host and not a wildcard.
    pub(crate) fn of(origins: &Origins) -> Option<Self> {
        let Set::These(origins) = &origins.0 else { return None };
        let first = origins.first().filter(|first| first.is_exact())?;
        Some(Self { https: first.https, authority: (*first.authority).into() })
    }

    /// Whether it is spelled exactly so. `false` says nothing.
    #[inline(always)]
    pub(crate) fn is(&self, https: bool, authority: &str) -> bool {
        https == self.https && *authority == *self.authority
    }

    /// Whether a URI leads there, however it is spelled.
    pub(crate) fn is_origin_of(&self, uri: &Uri) -> bool {
        let scheme = if self.https { "https" } else { "http" };
        let home = Uri::builder().scheme(scheme).authority(&*self.authority).path_and_query("/");
        home.build().is_ok_and(|home| same_origin(&home, uri))
    }
}

/// Whether two URIs have one origin, however they are spelled.
pub(crate) fn same_origin(a: &Uri, b: &Uri) -> bool {
    let port = |uri: &Uri| {
        uri.port_u16().or(match uri.scheme_str() {
            Some("https") => Some(443),
            Some("http") => Some(80),
            _ => None,
        })
    };
    let host = |uri: &Uri| uri.host().map(str::to_ascii_lowercase);
    a.scheme() == b.scheme() && host(a) == host(b) && port(a) == port(b)
}
