//! What a refusal says about the token that the API wants.

use std::fmt;

use http::HeaderMap;

use super::{Challenge, challenges};

/// The parameters of a challenge that describe what is wrong with a token or what another one needs, from
/// the first `Bearer` or `DPoP` challenge of a response that has one of them. Untrusted text of the API.
///
/// ```
/// use http::{HeaderMap, HeaderValue, header::WWW_AUTHENTICATE};
/// use oauth_core::challenge::Hints;
///
/// let mut headers = HeaderMap::new();
/// let challenge = r#"Bearer error="insufficient_scope", scope="orders:write""#;
/// headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
/// let hints = Hints::of(&headers);
/// assert_eq!(hints.error(), Some("insufficient_scope"));
/// assert_eq!(hints.scope(), Some("orders:write"));
/// assert_eq!(hints.claims(), None);
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Hints {
    error: Option<Box<str>>,
    scope: Option<Box<str>>,
    claims: Option<Box<str>>,
    resource_metadata: Option<Box<str>>,
    acr_values: Option<Box<str>>,
}

impl Hints {
    /// Reads the hints of a response with these headers; empty if it has no such challenge. Bounded like
    /// [`challenges`].
    pub fn of(headers: &HeaderMap) -> Self {
        challenges(headers)
            .filter(|challenge| ["Bearer", "DPoP"].iter().any(|scheme| challenge.is(scheme)))
            .map(|challenge| Self::of_challenge(&challenge))
            .find(|hints| !hints.is_empty())
            .unwrap_or_default()
    }

    fn of_challenge(challenge: &Challenge<'_>) -> Self {
        let param = |name| challenge.param(name).map(|value| value.into());
        Self {
            error: param("error"),
            scope: param("scope"),
            claims: param("claims"),
            resource_metadata: param("resource_metadata"),
            acr_values: param("acr_values"),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Why the token was refused: `invalid_token`, `insufficient_scope` … (RFC 6750 §3.1).
    pub fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// The scope that the request needs (RFC 6750 §3).
    pub fn scope(&self) -> Option<&str> {
        self.scope.as_deref()
    }

    /// The claims that the token must have, base64, to be passed to the issuer: Entra ID's claims
    /// challenge.
    pub fn claims(&self) -> Option<&str> {
        self.claims.as_deref()
    }

    /// The URL of the API's metadata (RFC 9728 §5.1). It is untrusted: check it before you fetch it.
    pub fn resource_metadata(&self) -> Option<&str> {
        self.resource_metadata.as_deref()
    }

    /// The authentication that the token must attest (RFC 9470 §3).
    pub fn acr_values(&self) -> Option<&str> {
        self.acr_values.as_deref()
    }
}

impl fmt::Debug for Hints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Names only: an API may repeat the token in any of the values.
        let all = [
            ("error", &self.error),
            ("scope", &self.scope),
            ("claims", &self.claims),
            ("resource_metadata", &self.resource_metadata),
            ("acr_values", &self.acr_values),
        ];
        let there = all.iter().filter(|(_, value)| value.is_some()).map(|(name, _)| name);
        f.write_str("Hints ")?;
        f.debug_set().entries(there).finish()
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use http::header::WWW_AUTHENTICATE;

    use super::*;

    fn hints(lines: &[&'static str]) -> Hints {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(WWW_AUTHENTICATE, HeaderValue::from_static(line));
        }
        Hints::of(&headers)
    }

    #[test]
    fn all_five_are_read_from_the_first_challenge_of_a_token_scheme_that_has_one() {
        let hints = hints(&[
            r#"Basic realm="x", scope="not this""#,
            r#"Bearer realm="x""#,
            r#"bearer error="e", scope="s t", claims="eyJ9", resource_metadata="https://a/m", acr_values="2""#,
            r#"Bearer error="later""#,
        ]);
        assert_eq!(
            (hints.error(), hints.scope(), hints.claims()),
            (Some("e"), Some("s t"), Some("eyJ9"))
        );
        assert_eq!(
            (hints.resource_metadata(), hints.acr_values()),
            (Some("https://a/m"), Some("2"))
        );
    }

    #[test]
    fn without_such_a_challenge_there_are_none() {
        for lines in [&[][..], &["Basic realm=\"x\", error=\"e\""], &["Bearer"], &["===,\"\""]] {
            assert!(hints(lines).is_empty(), "{lines:?}");
        }
        assert!(!hints(&["DPoP error=use_dpop_nonce"]).is_empty());
    }

    #[test]
    fn what_they_say_is_not_shown() {
        let hints = hints(&[r#"Bearer error="eyJ-the-token", scope="s""#]);
        assert_eq!(format!("{hints:?}"), r#"Hints {"error", "scope"}"#);
    }
}
