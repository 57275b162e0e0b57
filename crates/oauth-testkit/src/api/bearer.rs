//! The token of an API request.

use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;

/// RFC 6750 §2.1: one Authorization header, the scheme without case, then the token.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next()?;
    if values.next().is_some() {
        return None;
    }
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_start_matches(' '))
}
