//! The set of origins that a token is for.

use std::fmt;
use std::sync::Arc;

use http::header::HeaderValue;

use super::Origin;
use crate::error::Error;

/// The set of origins that a token may be attached for.
///
/// ```
/// use oauth_core::Origins;
///
/// let origins = Origins::parse(["https://api.example.com", "https://*.oleria.io"])?;
/// assert_eq!(origins.to_string(), "https://api.example.com, https://*.oleria.io");
/// # Ok::<(), oauth_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origins(Set);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Set {
    Undeclared,
    These(Arc<[Origin]>),
    AnyHttps,
}

impl Origins {
    /// Where the token may go is not declared yet: no request gets it.
    pub const fn undeclared() -> Self {
        Self(Set::Undeclared)
    }

    /// Every `https` origin, and no `http`. Only for clients that talk to a single party: a redirect or an
    /// untrusted URL takes the token anywhere.
    pub const fn any_https() -> Self {
        Self(Set::AnyHttps)
    }

    /// Parses the origins of these URLs.
    ///
    /// # Errors
    /// As [`Origin::parse`], or if there are none.
    pub fn parse(urls: impl IntoIterator<Item = impl AsRef<str>>) -> Result<Self, Error> {
        let parsed = urls.into_iter().map(|url| Origin::parse(url.as_ref()));
        let origins: Vec<_> = parsed.collect::<Result<_, _>>()?;
        if origins.is_empty() {
            return Err(Error::setting("origins", "names no origin"));
        }
        Ok(Self(Set::These(origins.into())))
    }

    /// These origins; undeclared if there are none.
    pub(crate) fn these(origins: Vec<Origin>) -> Self {
        if origins.is_empty() { Self::undeclared() } else { Self(Set::These(origins.into())) }
    }

    /// Those that were declared by name.
    pub(super) fn declared(&self) -> Option<&[Origin]> {
        match &self.0 {
            Set::These(origins) => Some(origins),
            Set::Undeclared | Set::AnyHttps => None,
        }
    }

    /// Whether it is declared where the token may go.
    pub fn is_declared(&self) -> bool {
        self.0 != Set::Undeclared
    }

    /// Whether there is exactly one and no wildcard, so that all declared requests go to one origin.
    pub(crate) fn is_one(&self) -> bool {
        matches!(&self.0, Set::These(origins) if matches!(&**origins, [one] if one.is_exact()))
    }

    /// Whether one of them is spelled exactly so. `false` is inconclusive: it may be there in another
    /// spelling.
    #[inline]
    pub(crate) fn declare(&self, https: bool, authority: &str) -> bool {
        let Set::These(origins) = &self.0 else { return false };
        let exactly = |origin: &Origin| {
            origin.https == https && !origin.one_label_before && *authority == *origin.authority
        };
        origins.iter().any(exactly)
    }

    /// Whether a request to this scheme and authority, with this `Host` header if it has one, goes
    /// to one of these origins.
    ///
    /// Nothing is parsed and nothing is allocated. An authority with `@` never matches. A `Host`
    /// header that names another authority makes the request foreign: some clients and gateways
    /// route by it.
    pub fn admit(&self, scheme: &str, authority: &str, host: Option<&HeaderValue>) -> bool {
        // Nearly always lower case: the `http` crate and URL parsers write it so.
        let https = scheme == "https" || scheme.eq_ignore_ascii_case("https");
        if !https && !scheme.eq_ignore_ascii_case("http") {
            return false;
        }
        match &self.0 {
            Set::Undeclared => false,
            Set::AnyHttps => {
                https
                    && !authority.is_empty()
                    && !authority.contains('@')
                    && host.is_none_or(|h| same_authority(h, authority, "443"))
            }
            Set::These(origins) => origins.iter().any(|origin| {
                origin.admits(https, authority)
                    && host.is_none_or(|h| {
                        same_authority(h, authority, if https { "443" } else { "80" })
                    })
            }),
        }
    }
}

/// Whether both name the same host and port, where either may leave out the default port.
fn same_authority(host: &HeaderValue, authority: &str, default_port: &str) -> bool {
    let bare = |text: &[u8]| -> usize {
        let port = text.len().saturating_sub(default_port.len());
        match text.get(..port) {
            Some([.., b':']) if text.ends_with(default_port.as_bytes()) => port - 1,
            _ => text.len(),
        }
    };
    let (host, authority) = (host.as_bytes(), authority.as_bytes());
    host[..bare(host)].eq_ignore_ascii_case(&authority[..bare(authority)])
}

impl From<Origin> for Origins {
    fn from(origin: Origin) -> Self {
        Self(Set::These([origin].into()))
    }
}

impl fmt::Display for Origins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Set::Undeclared => f.write_str("undeclared"),
            Set::AnyHttps => f.write_str("any https origin"),
            Set::These(origins) => {
                for (i, origin) in origins.iter().enumerate() {
                    let comma = if i == 0 { "" } else { ", " };
                    write!(f, "{comma}{origin}")?;
                }
                Ok(())
            }
        }
    }
}
