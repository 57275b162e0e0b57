//! Origins (RFC 6454 §4), and whether a request goes to one that a token is for.

mod foreign;
mod host;
mod origins;
mod primary;

use std::fmt;
use std::str::FromStr;

use http::Uri;

pub(crate) use self::foreign::ForeignLog;
use self::host::{ipv6, is_label, is_parent, spellings, split_port, valid_host};
pub(crate) use self::host::{is_loopback, without_user};
pub use self::origins::Origins;
pub(crate) use self::primary::{PrimaryOrigin, same_origin};
use crate::error::Error;

/// Where a token may go: a scheme, a host and a port.
///
/// `https`, or plain `http` to loopback (`localhost`, `127.0.0.0/8`, `[::1]`).
///
/// # Wildcards
/// The host of an `https` origin may begin with `*.`, which stands for exactly one label:
/// `https://*.oleria.io` is `https://acme.oleria.io` and neither `https://oleria.io` nor
/// `https://devx.acme.oleria.io`. What comes after it is a name of at least two labels:
/// `https://*.com`, `https://*.localhost` and a wildcard before an address are refused.
///
/// Not checked, because it takes a list that changes: whether that name is a public suffix of two labels or
/// more, under which anyone can register a name (`co.uk`, `github.io`, a cloud's domain).
/// `https://*.github.io` is accepted, and whoever registers a name there and attracts a request gets a
/// token. Use a wildcard only under a domain whose names all belong to the provider.
///
/// ```
/// use oauth_core::Origin;
///
/// assert_eq!(Origin::parse("https://API.example.com:443")?, Origin::parse("https://api.example.com")?);
/// assert!(Origin::parse("http://api.example.com").is_err());
/// assert!(Origin::parse("https://user@api.example.com").is_err());
/// # Ok::<(), oauth_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    https: bool,
    one_label_before: bool,
    // The spellings of the authority, prepared so that a request's can be compared without parsing. With
    // `one_label_before` they begin with the dot.
    authority: Box<str>,
    others: Box<[Box<str>]>,
}

/// Why a wildcard is invalid.
const WILDCARD: &str = "may have a wildcard as the first label alone, before a name of at least two labels: \
     https://*.example.com";

impl Origin {
    /// Parses the origin of a URL; its path and query are ignored.
    ///
    /// # Errors
    /// If the URL is relative, has user information, is neither `https` nor `http` to loopback, has
    /// a wildcard elsewhere than [above](#wildcards), or its host is not plain ASCII (write
    /// international names in punycode, `xn--…`).
    pub fn parse(url: &str) -> Result<Self, Error> {
        Self::named("origin", url)
    }

    /// The same, with the name of the setting that the URL came from, for the error's text.
    pub(crate) fn named(setting: &str, url: &str) -> Result<Self, Error> {
        let refuse = |problem: &str| Err(Error::setting(setting, problem));
        if !url.is_ascii() {
            return refuse("has a character beyond ASCII: write the host in punycode (xn--…)");
        }
        let Some((scheme, rest)) = url.split_once("://") else {
            return refuse("must be an absolute URL: https://host[:port]");
        };
        let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
        if authority.contains('@') {
            return refuse("must not have user information (the part before `@`)");
        }
        let https = match scheme {
            s if s.eq_ignore_ascii_case("https") => true,
            s if s.eq_ignore_ascii_case("http") => false,
            _ => return refuse("must be an https URL"),
        };
        let Some((host, port)) = split_port(authority) else {
            return refuse("has a port that is not a number from 1 to 65535");
        };
        let host = host.to_ascii_lowercase();
        let (one_label_before, name) = match host.strip_prefix("*.") {
            Some(parent) => (true, parent),
            None => (false, host.as_str()),
        };
        if name.contains('*') {
            return refuse(WILDCARD);
        }
        if !valid_host(name) {
            return refuse("has a host that is neither a name nor an address");
        }
        if one_label_before && !is_parent(name) {
            return refuse(WILDCARD);
        }
        if !https && (one_label_before || !is_loopback(name)) {
            return refuse(
                "must be https: plain http is allowed for loopback only (RFC 6750 §5.3)",
            );
        }
        let default = if https { 443 } else { 80 };
        let port = port.unwrap_or(default);
        let names = match ipv6(name) {
            Some(address) => spellings(address),
            None if one_label_before => vec![format!(".{name}")],
            None => vec![name.to_owned()],
        };
        let mut authorities = Vec::new();
        for name in names {
            let with_port = format!("{name}:{port}").into_boxed_str();
            if port == default {
                authorities.push(name.into_boxed_str());
            }
            authorities.push(with_port);
        }
        let authority = authorities.remove(0);
        Ok(Self { https, one_label_before, authority, others: authorities.into() })
    }

    /// Whether a request with this scheme and authority goes here. Compares bytes, parses nothing.
    pub(crate) fn admits(&self, https: bool, authority: &str) -> bool {
        if https != self.https {
            return false;
        }
        let authority = if self.one_label_before {
            match authority.find('.') {
                // A label before the dot, and no trick with user information in it.
                Some(dot) if is_label(&authority[..dot]) => &authority[dot..],
                _ => return false,
            }
        } else {
            authority
        };
        authority.eq_ignore_ascii_case(&self.authority)
            || self.others.iter().any(|other| authority.eq_ignore_ascii_case(other))
    }
}

impl FromStr for Origin {
    type Err = Error;

    fn from_str(url: &str) -> Result<Self, Error> {
        Self::parse(url)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.https { "https" } else { "http" };
        let star = if self.one_label_before { "*" } else { "" };
        write!(f, "{scheme}://{star}{}", self.authority)
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Origin({self})")
    }
}

/// Whether a token or a secret may be sent to this URI: https, or http to loopback.
pub(crate) fn is_private_channel(uri: &Uri) -> bool {
    match uri.scheme_str() {
        Some("https") => true,
        Some("http") => uri.host().is_some_and(is_loopback),
        _ => false,
    }
}

/// The scheme and authority of an origin without wildcard, for a client below that sends there.
impl Origin {
    /// Whether this is one host and not a wildcard.
    pub(crate) fn is_exact(&self) -> bool {
        !self.one_label_before
    }

    pub(crate) fn scheme(&self) -> &'static str {
        if self.https { "https" } else { "http" }
    }

    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }
}

#[cfg(test)]
mod tests;
