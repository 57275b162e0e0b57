//! An access token: one buffer that holds the whole header value, wiped when the last clone is dropped.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method};
use zeroize::Zeroizing;

use crate::error::{Error, Kind};
use crate::sharding::Sharded;

const BEARER: &str = "Bearer";
/// Longer tokens exceed every server's header limit.
const LONGEST: usize = 64 * 1024;
const LONGEST_SCHEME: usize = 64;

/// An access token, ready to be sent.
///
/// The header value, `Bearer …` for most tokens, is built once, marked sensitive, and shares its bytes
/// among all clones; they are overwritten with zeros when the last clone is dropped. `Debug` shows scheme,
/// lifetime and scope, never the secret.
///
/// The scheme is the token's own. Which header carries it is set on the source or the slot:
/// [`SourceInfo::with_header`](crate::SourceInfo::with_header).
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
    /// Creates a bearer token (RFC 6750 §2.1) that does not expire.
    ///
    /// # Errors
    /// If `secret` is empty, longer than 64 KiB or has a character that is not visible ASCII:
    /// spaces and line ends could inject into the header.
    pub fn bearer(secret: impl AsRef<str>) -> Result<Self, Error> {
        Self::checked(Some(BEARER), secret.as_ref())
    }

    /// Creates a token with another authentication scheme (RFC 9110 §11.1), `DPoP` or `mtls_pop` for
    /// example, that does not expire.
    ///
    /// ```
    /// let token = oauth_core::Token::with_scheme("mtls_pop", "abc")?;
    /// assert_eq!(token.header_value(), "mtls_pop abc");
    /// assert_eq!(token.scheme(), Some("mtls_pop"));
    /// # Ok::<(), oauth_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the scheme is empty, longer than 64 bytes or has a character that is not allowed in one; and as
    /// [`bearer`](Self::bearer).
    pub fn with_scheme(scheme: &str, secret: impl AsRef<str>) -> Result<Self, Error> {
        // A scheme is a `token` of RFC 9110 §5.6.2, as a method is.
        let valid = scheme.len() <= LONGEST_SCHEME && Method::from_bytes(scheme.as_bytes()).is_ok();
        if !valid {
            return Err(Error::new(
                Kind::Usage,
                "the token's scheme must be 1 to 64 letters, digits and hyphens, such as `DPoP`",
            ));
        }
        Self::checked(Some(scheme), secret.as_ref())
    }

    /// Creates a token without a scheme, for APIs that take it bare in a header of their own. It does not
    /// expire.
    ///
    /// ```
    /// use http::HeaderName;
    /// use oauth_core::{StaticToken, Token, TokenSlot};
    ///
    /// let token = Token::bare("abc")?;
    /// assert_eq!(token.header_value(), "abc");
    /// let slot = TokenSlot::builder(StaticToken::new(token))
    ///     .header(HeaderName::from_static("x-shopify-access-token"))
    ///     .build();
    /// # drop(slot);
    /// # Ok::<(), oauth_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`bearer`](Self::bearer).
    pub fn bare(secret: impl AsRef<str>) -> Result<Self, Error> {
        Self::checked(None, secret.as_ref())
    }

    fn checked(scheme: Option<&str>, secret: &str) -> Result<Self, Error> {
        let problem = if secret.is_empty() {
            "is empty"
        } else if secret.len() > LONGEST {
            "is longer than 64 KiB"
        } else if !secret.bytes().all(|b| b.is_ascii_graphic()) {
            "has a character that is not visible ASCII"
        } else {
            return Self::from_checked(scheme, secret);
        };
        Err(Error::new(Kind::Response, format!("the access token {problem}")))
    }

    fn from_checked(scheme: Option<&str>, secret: &str) -> Result<Self, Error> {
        let (scheme, space) = scheme.map_or(("", ""), |scheme| (scheme, " "));
        // Exactly as large as needed: growing would leave a copy behind in freed memory.
        let text = [scheme, space, secret].concat().into_bytes();
        let text = Arc::new(Text { bytes: Zeroizing::new(text), scheme: scheme.len() });
        let header = text.header_value().ok_or_else(|| {
            Error::new(Kind::Response, "the access token does not fit into a header")
        })?;
        Ok(Self { header, text, lifetime: None, scope: None })
    }

    /// Header values over the same bytes, each with a reference count of its own.
    pub(crate) fn sharded_header(&self, shards: usize) -> Sharded<HeaderValue> {
        // The bytes were a valid header value before.
        Sharded::with_shards(shards, || {
            self.text.header_value().unwrap_or_else(|| self.header.clone())
        })
    }

    /// Sets how long the token lives, counted from before its request was sent (RFC 6749 §5.1).
    ///
    /// A token with a lifetime of zero serves only the callers that wait for it.
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

    /// Returns the value of the header that carries it, marked sensitive. Cloning it copies no bytes.
    pub fn header_value(&self) -> &HeaderValue {
        &self.header
    }

    /// Returns the scheme as it is sent: `Bearer` for most tokens, `None` for one without a scheme.
    pub fn scheme(&self) -> Option<&str> {
        let scheme = &self.text()[..self.text.scheme];
        (!scheme.is_empty()).then_some(scheme)
    }

    /// Returns the secret itself. The name is meant to stand out in review.
    pub fn expose_secret(&self) -> &str {
        let scheme = self.scheme().map_or(0, |scheme| scheme.len() + 1);
        &self.text()[scheme..]
    }

    fn text(&self) -> &str {
        // Always text: only visible ASCII and one space are let in.
        std::str::from_utf8(&self.text.bytes).unwrap_or_default()
    }

    /// Returns how long the token lives, counted from before its request; `None` if that is not known.
    pub fn lifetime(&self) -> Option<Duration> {
        self.lifetime
    }

    /// Returns the granted scope, if the server named one. It may be narrower than requested (RFC 6749
    /// §3.3); `None` means "as requested".
    pub fn scope(&self) -> Option<&str> {
        self.scope.as_deref()
    }

    /// Whether both are sent as the same header value: an issuer with a cache returns the same token again.
    pub fn is_same(&self, other: &Self) -> bool {
        self.header.as_bytes() == other.header.as_bytes()
    }
}

/// The header's text, wiped with the last of its owners.
struct Text {
    bytes: Zeroizing<Vec<u8>>,
    /// The length of the scheme.
    scheme: usize,
}

impl Text {
    /// A header value over these bytes, with its own reference count.
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
        &self.text.bytes
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("scheme", &self.scheme().unwrap_or("none"))
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
        assert_eq!(token.scheme(), Some("Bearer"));
        let shown = format!("{token:?}");
        assert_eq!(shown, r#"Token { scheme: "Bearer", lifetime: None, scope: None, .. }"#);
        let token = token.expires_in(Duration::from_secs(60)).with_scope("read");
        let shown = format!("{token:?}");
        let expected =
            r#"Token { scheme: "Bearer", lifetime: Some(60s), scope: Some("read"), .. }"#;
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_token_is_sent_with_its_scheme_or_with_none() {
        let proof = Token::with_scheme("DPoP", "abc").unwrap();
        assert_eq!(
            (proof.header_value(), proof.scheme()),
            (&HeaderValue::from_static("DPoP abc"), Some("DPoP"))
        );
        let bare = Token::bare("abc").unwrap();
        assert_eq!((bare.header_value(), bare.scheme()), (&HeaderValue::from_static("abc"), None));
        for token in [&proof, &bare] {
            assert_eq!(token.expose_secret(), "abc");
            assert!(token.header_value().is_sensitive());
            assert!(token.sharded_header(4).mine().is_sensitive());
        }
        assert!(!proof.is_same(&bare) && !proof.is_same(&Token::bearer("abc").unwrap()));
        assert_eq!(
            format!("{bare:?}"),
            r#"Token { scheme: "none", lifetime: None, scope: None, .. }"#
        );
    }

    #[test]
    fn a_scheme_that_is_not_a_token_of_rfc_9110_is_refused() {
        let longest = "a".repeat(64);
        Token::with_scheme(&longest, "abc").unwrap();
        let too_long = longest + "a";
        for bad in ["", " ", "a b", "Bearer ", "a\r\nx: y", "a:", "ключ", "a=", &too_long] {
            let error = Token::with_scheme(bad, "abc").unwrap_err();
            assert!(error.to_string().contains("the token's scheme must be"), "{error}");
        }
        let longest = "a".repeat(1 << 16);
        for token in [Token::with_scheme("DPoP", &longest), Token::bare(&longest)] {
            assert_eq!(token.unwrap().expose_secret(), longest);
        }
        for bad in ["", "a b", "a\n"] {
            assert!(
                Token::bare(bad).is_err() && Token::with_scheme("DPoP", bad).is_err(),
                "{bad:?}"
            );
        }
    }
}
