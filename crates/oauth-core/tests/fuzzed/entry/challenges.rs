//! Any bytes as `WWW-Authenticate` lines, one a line of the input.

use http::StatusCode;
use http::header::{HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use oauth_core::Verdict;
use oauth_core::adapter::verdict;
use oauth_core::challenge::{MAX_CHALLENGES, MAX_TEXT, challenges};

/// Reads all challenges and their parameters, and asks for the verdict.
pub(crate) fn check(input: &[u8]) {
    let mut headers = HeaderMap::new();
    for line in input.split(|b| *b == b'\n').take(100) {
        if let Ok(value) = HeaderValue::from_bytes(line) {
            headers.append(WWW_AUTHENTICATE, value);
        }
    }
    let (mut count, mut text) = (0, 0);
    // Whether a bearer challenge blames the token, by the parser's own account.
    let mut blames = false;
    for challenge in challenges(&headers) {
        count += 1;
        let scheme = challenge.scheme();
        assert!(!scheme.is_empty() && scheme.is_ascii(), "{scheme:?}");
        assert!(!scheme.contains([' ', '\t', ',', '"', '=']), "{scheme:?}");
        text += scheme.len() + challenge.token68().map_or(0, str::len);
        let error = challenge.param("error");
        // A byte that is not UTF-8 becomes three.
        assert!(error.as_ref().is_none_or(|error| error.len() <= 3 * MAX_TEXT));
        assert_eq!(error, challenge.param("ERROR"), "the case of a name");
        let _ = (challenge.param("realm"), challenge.param("scope"), format!("{challenge:?}"));
        blames |= challenge.is("bearer")
            && error.is_none_or(|error| {
                !error.eq_ignore_ascii_case("insufficient_scope")
                    && !error.eq_ignore_ascii_case("invalid_request")
            });
    }
    assert!(count <= MAX_CHALLENGES && text <= MAX_TEXT, "{count} challenges, {text} bytes");
    let replace = blames || count == 0;
    let expected = if replace { Verdict::Replace } else { Verdict::Deliver };
    assert_eq!(verdict(StatusCode::UNAUTHORIZED, &headers, Some("Bearer")), expected);
    for status in [StatusCode::OK, StatusCode::FORBIDDEN, StatusCode::PROXY_AUTHENTICATION_REQUIRED]
    {
        assert_eq!(verdict(status, &headers, Some("Bearer")), Verdict::Deliver, "{status}");
    }
}
