//! What a token endpoint says instead of handing out a token, and the codes that mean the same at all
//! of them.

use http::StatusCode;

/// A client that asks later may get a token, whatever the status.
const LATER: [&str; 14] = [
    "temporarily_unavailable",
    "server_error",
    "service_unavailable",
    "unavailable",
    "overloaded",
    "internal_error",
    "internal_failure",
    "internal_server_error",
    "backend_error",
    "bad_gateway",
    "timeout",
    "request_timeout",
    "gateway_timeout",
    "deadline_exceeded",
];
/// The same of one that asks less often: RFC 8628 §3.5, and what gateways call it.
const SLOWER: [&str; 10] = [
    "slow_down",
    "too_many_requests",
    "rate_limit",
    "rate_limited",
    "rate_limit_exceeded",
    "over_rate_limit",
    "request_limit_exceeded",
    "resource_exhausted",
    "throttled",
    "throttling",
];
/// The client's id or secret is wrong (RFC 6749 §5.2).
const INVALID_CLIENT: &str = "invalid_client";

/// What a token endpoint said instead of handing out a token, as it said it.
pub(in crate::grant) struct ErrorResponse<'a> {
    pub(in crate::grant) status: StatusCode,
    pub(in crate::grant) code: Option<&'a str>,
    pub(in crate::grant) description: Option<&'a str>,
}

impl ErrorResponse<'_> {
    pub(super) fn says_later(&self) -> bool {
        self.says_one_of(&LATER)
    }

    pub(super) fn says_slower(&self) -> bool {
        self.says_one_of(&SLOWER)
    }

    pub(super) fn says_invalid_client(&self) -> bool {
        self.says_one_of(&[INVALID_CLIENT])
    }

    fn says_one_of(&self, codes: &[&str]) -> bool {
        self.code.is_some_and(|code| codes.iter().any(|known| words(known).eq(words(code))))
    }
}

/// A code without what its writers vary: `too_many_requests` is `Too Many Requests` to a gateway and
/// `TooManyRequests` to a framework.
fn words(code: &str) -> impl Iterator<Item = u8> {
    let between = |byte: &u8| matches!(byte, b'_' | b'-' | b' ');
    code.bytes().filter(move |byte| !between(byte)).map(|byte| byte.to_ascii_lowercase())
}
