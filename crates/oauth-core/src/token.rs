//! An access token: one buffer that holds the whole header value, wiped when the last clone goes.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;
use zeroize::Zeroizing;

use crate::error::{Error, Kind};
use crate::sharding::Sharded;

const BEARER: &str = "Bearer ";
/// Longer tokens fit into no server's header limit.
const LONGEST: usize = 64 * 1024;

/// An access token, ready to be sent.
///
/// The header value `Bearer …` is built once, marked sensitive, and shares its bytes among all
/// clones; they are overwritten with zeros when the last clone is dropped. `Debug` shows scheme,
/// lifetime and scope, never the secret.
///
/// ```
/// use std::time::Duration;
/// use oauth_core::Token;
///
/// let token = Token::bearer("mF_9.B5f-4.1JqM")?.expires_in(Duration::from_secs(3600));
/// assert_eq!(token.header_value(), "Bearer mF_9.B5f-4.1JqM");
/// assert!(!format!("{token:?}").contains("mF_9"));
/// # Ok::<(), oauth_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Token {
    header: HeaderValue,
    text: Arc<Text>,
    lifetime: Option<Duration>,
    scope: Option<Arc<str>>,
}

impl Token {
    /// A bearer token (RFC 6750 §2.1) without an end of life.
    ///
    /// # Errors
    /// If `secret` is empty, longer than 64 KiB or has a character that is not visible ASCII:
    /// spaces and line ends could inject into the header.
    pub fn bearer(secret: impl AsRef<str>) -> Result<Self, Error> {
        let secret = secret.as_ref();
        let problem = if secret.is_empty() {
            "is empty"
        } else if secret.len() > LONGEST {
            "is longer than 64 KiB"
        } else if !secret.bytes().all(|b| b.is_ascii_graphic()) {
            "has a character that is not visible ASCII"
        } else {
            return Self::from_checked(secret);
        };
        Err(Error::new(Kind::Response, format!("the access token {problem}")))
    }

    fn from_checked(secret: &str) -> Result<Self, Error> {
        // Exactly as large as needed: growing would leave a copy behind in freed memory.
        let text = [BEARER.as_bytes(), secret.as_bytes()].concat();
        let text = Arc::new(Text(Zeroizing::new(text)));
        let header = text
            .header_value()
            .ok_or_else(|| Error::new(Kind::Response, "the access token fits into no header"))?;
        Ok(Self { header, text, lifetime: None, scope: None })
    }

    /// Header values over the same bytes, each with a reference count of its own.
    pub(crate) fn sharded_header(&self, shards: usize) -> Sharded<HeaderValue> {
        // The bytes made a header value before, and do again.
        Sharded::with_shards(shards, || {
            self.text.header_value().unwrap_or_else(|| self.header.clone())
        })
    }

    /// Sets how long the token lives, counted from before its request was sent (RFC 6749 §5.1).
    ///
    /// Zero makes a token that serves the callers that wait for it and no one after them.
    #[must_use]
    pub fn expires_in(mut self, lifetime: Duration) -> Self {
        self.lifetime = Some(lifetime);
        self
    }

    /// Sets the scope that was granted, as the server names it.
    #[must_use]
    pub fn with_scope(mut self, scope: impl Into<Arc<str>>) -> Self {
        self.scope = Some(scope.into());
        self
    }

    /// The value of the `Authorization` header, marked sensitive. Cloning it copies no bytes.
    pub fn header_value(&self) -> &HeaderValue {
        &self.header
    }

    /// The scheme, as it is sent: `Bearer`.
    pub fn scheme(&self) -> &str {
        BEARER.trim_end()
    }

    /// The secret itself. Named so that a reader of your code stumbles over it.
    pub fn expose_secret(&self) -> &str {
        // Always text: `bearer` lets visible ASCII alone pass.
        self.header.to_str().map_or("", |text| &text[BEARER.len()..])
    }

    /// How long the token lives, counted from before its request; `None` if it has no known end.
    pub fn lifetime(&self) -> Option<Duration> {
        self.lifetime
    }

    /// The granted scope, if the server named one. It may be narrower than what was asked for
    /// (RFC 6749 §3.3); none means "as asked".
    pub fn scope(&self) -> Option<&str> {
        self.scope.as_deref()
    }

    /// Whether both are sent as the same header: an issuer that caches hands out one token again.
    pub fn is_same(&self, other: &Self) -> bool {
        self.header.as_bytes() == other.header.as_bytes()
    }
}

/// The header's text, wiped with the last of its owners.
struct Text(Zeroizing<Vec<u8>>);

impl Text {
    /// A header value over these bytes, with a reference count of its own.
    fn header_value(self: &Arc<Self>) -> Option<HeaderValue> {
        let owner = Owner { text: self.clone(), _apart: [0; 40] };
        let mut header = HeaderValue::from_maybe_shared(Bytes::from_owner(owner)).ok()?;
        header.set_sensitive(true);
        Some(header)
    }
}

/// What a header value's `Bytes` own, large enough that no two counts are in one cache line.
struct Owner {
    text: Arc<Text>,
    _apart: [u8; 40],
}

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        &self.text.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("scheme", &self.scheme())
            .field("lifetime", &self.lifetime)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_could_inject_is_refused_without_being_shown() {
        for bad in ["", "a b", "a\r\nx: y", "a\0", "ключ", "a\u{7f}"] {
            let error = Token::bearer(bad).unwrap_err();
            assert!(bad.is_empty() || !error.to_string().contains(bad), "{error}");
        }
    }

    #[test]
    fn a_token_may_have_64_kib_and_not_one_byte_more() {
        let longest = "a".repeat(1 << 16);
        assert_eq!(Token::bearer(&longest).unwrap().expose_secret(), longest);
        let error = Token::bearer(longest + "a").unwrap_err();
        assert_eq!(error.to_string(), "the access token is longer than 64 KiB");
    }

    #[test]
    fn the_header_value_is_sensitive_and_shared() {
        let token = Token::bearer("abc").unwrap();
        assert!(token.header_value().is_sensitive());
        let clone = token.header_value().clone();
        assert_eq!(clone.as_bytes().as_ptr(), token.header_value().as_bytes().as_ptr());
        assert_eq!(token.expose_secret(), "abc");
    }

    #[test]
    fn what_it_shows_is_scheme_lifetime_and_scope() {
        let token = Token::bearer("hidden").unwrap();
        assert_eq!(token.scheme(), "Bearer");
        let shown = format!("{token:?}");
        assert_eq!(shown, r#"Token { scheme: "Bearer", lifetime: None, scope: None, .. }"#);
        let token = token.expires_in(Duration::from_secs(60)).with_scope("read");
        let shown = format!("{token:?}");
        let expected =
            r#"Token { scheme: "Bearer", lifetime: Some(60s), scope: Some("read"), .. }"#;
        assert_eq!(shown, expected);
    }
}
