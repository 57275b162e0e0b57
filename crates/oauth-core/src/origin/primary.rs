//! The origin that most requests go to.

use std::sync::Arc;

use http::Uri;

use super::Origins;

/// An origin in the one spelling that most requests have.
#[derive(Clone, Debug)]
pub(crate) struct PrimaryOrigin {
    https: bool,
    authority: Arc<str>,
}

impl PrimaryOrigin {
    /// The first of them, if it is one host and not a wildcard.
    pub(crate) fn of(origins: &Origins) -> Option<Self> {
        let origins = origins.declared()?;
        let first = origins.first().filter(|first| first.is_exact())?;
        Some(Self { https: first.https, authority: (*first.authority).into() })
    }

    /// Whether it is spelled exactly so. `false` is inconclusive.
    #[inline(always)]
    pub(crate) fn is(&self, https: bool, authority: &str) -> bool {
        https == self.https && *authority == *self.authority
    }

    /// Whether a URI has this origin, however it is spelled.
    pub(crate) fn is_origin_of(&self, uri: &Uri) -> bool {
        let scheme = if self.https { "https" } else { "http" };
        let primary = Uri::builder().scheme(scheme).authority(&*self.authority).path_and_query("/");
        primary.build().is_ok_and(|primary| same_origin(&primary, uri))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> Uri {
        text.parse().unwrap()
    }

    fn primary(origins: &[&str]) -> Option<PrimaryOrigin> {
        PrimaryOrigin::of(&Origins::parse(origins).unwrap())
    }

    #[test]
    fn primary_is_the_first_origin_unless_that_is_a_wildcard() {
        let primary = primary(&["https://api.example", "https://other.example"]).unwrap();
        assert!(primary.is(true, "api.example"));
        for (https, authority) in [
            (false, "api.example"),
            (true, "other.example"),
            (true, "API.example"),
            (true, "api.example:443"),
            (true, ""),
        ] {
            assert!(!primary.is(https, authority), "{https} {authority}");
        }
        assert!(self::primary(&["https://*.api.example", "https://api.example"]).is_none());
        assert!(PrimaryOrigin::of(&Origins::any_https()).is_none());
        assert!(PrimaryOrigin::of(&Origins::undeclared()).is_none());
    }

    #[test]
    fn a_uri_leads_to_the_primary_origin_however_it_is_spelled() {
        let https = primary(&["https://api.example"]).unwrap();
        assert!(https.is_origin_of(&uri("HTTPS://u@API.example:443/x")));
        assert!(!https.is_origin_of(&uri("http://api.example:443/x")));
        let http = primary(&["http://127.0.0.1"]).unwrap();
        assert!(http.is_origin_of(&uri("http://127.0.0.1:80/x")));
        assert!(!http.is_origin_of(&uri("https://127.0.0.1:80/x")));
        assert!(!http.is_origin_of(&uri("/x")));
    }

    #[test]
    fn one_origin_is_one_scheme_host_and_port() {
        for (one, other, same) in [
            ("https://a.example/x", "https://A.example:443/y?z", true),
            ("http://a.example", "http://a.example:80", true),
            ("https://a.example:8443", "https://a.example:8443", true),
            ("ftp://a.example:1", "ftp://a.example:1", true),
            ("https://a.example", "http://a.example", false),
            ("https://a.example", "http://a.example:443", false),
            ("http://a.example", "https://a.example:80", false),
            ("https://a.example", "https://a.example:80", false),
            ("http://a.example", "http://a.example:443", false),
            ("http://a.example", "http://a.example:8080", false),
            ("https://a.example", "https://b.example", false),
            ("https://a.example", "/x", false),
        ] {
            assert_eq!(same_origin(&uri(one), &uri(other)), same, "{one} {other}");
            assert_eq!(same_origin(&uri(other), &uri(one)), same, "{other} {one}");
        }
    }
}
