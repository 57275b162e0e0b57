//! Where token requests go.

use std::fmt;

use http::Uri;

use crate::origin::Origin;

/// Where a grant's token requests go. `Debug` shows host and path, no query: some deployments put keys
/// there.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Endpoint {
    /// This URL, known from the start.
    Fixed(Uri),
}

impl Endpoint {
    /// Its origin, if it is known and has one: plain http beyond loopback has none.
    pub(crate) fn origin(&self) -> Option<Origin> {
        let Self::Fixed(uri) = self;
        Origin::parse(&format!("{}://{}", uri.scheme_str()?, uri.authority()?)).ok()
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Fixed(uri) = self;
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        write!(f, "{authority}{}", uri.path())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_origin_of_an_endpoint_is_that_of_its_url() {
        let origin = |uri| Endpoint::Fixed(Uri::from_static(uri)).origin().map(|o| o.to_string());
        assert_eq!(origin("https://auth.example/t?key=1").unwrap(), "https://auth.example");
        assert_eq!(origin("https://auth.example:8443/t").unwrap(), "https://auth.example:8443");
        assert_eq!(origin("http://127.0.0.1:8080/t").unwrap(), "http://127.0.0.1:8080");
        assert_eq!(origin("http://auth.example/t"), None);
        assert_eq!(origin("/t"), None);
    }

    #[test]
    fn debug_shows_host_and_path_alone() {
        let shown = |uri| format!("{:?}", Endpoint::Fixed(Uri::from_static(uri)));
        assert_eq!(shown("https://auth.example/t?key=1"), "auth.example/t");
        assert_eq!(shown("/t?key=1"), "/t");
    }
}
