//! Error responses of token endpoints, and the codes that mean the same at all of them.

use http::StatusCode;

use super::class::Meaning;

/// Codes that mean "later", with any status.
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
/// Codes that mean "less often": RFC 8628 §3.5, and what gateways call it.
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

/// An error response of a token endpoint, verbatim.
pub(in crate::grant) struct ErrorResponse<'a> {
    pub(in crate::grant) status: StatusCode,
    pub(in crate::grant) code: Option<&'a str>,
    pub(in crate::grant) description: Option<&'a str>,
    /// Whether this status means wrong credentials by the settings.
    pub(in crate::grant) is_wrong_client_status: bool,
}

impl ErrorResponse<'_> {
    /// What it means at every server.
    pub(super) fn meaning(&self) -> Meaning {
        self.by_code(false).unwrap_or_else(|| Meaning::of(self.status))
    }

    /// What it means if its code has a standard meaning. Some providers have a code of their own for a
    /// wrong client.
    pub(super) fn by_code(&self, says_wrong_client: bool) -> Option<Meaning> {
        match Meaning::of(self.status) {
            Meaning::Throttled => None,
            _ if self.says_one_of(&SLOWER) => Some(Meaning::Throttled),
            _ if self.says_one_of(&LATER) => Some(Meaning::Transient),
            // Not with a transient status: a server that failed has not checked the client, and a gateway
            // that throttles has not asked it.
            Meaning::Permanent if says_wrong_client || self.says_one_of(&[INVALID_CLIENT]) => {
                Some(Meaning::BadCredentials)
            }
            _ => None,
        }
    }

    fn says_one_of(&self, codes: &[&str]) -> bool {
        self.code.is_some_and(|code| codes.iter().any(|known| words(known).eq(words(code))))
    }
}

/// A code without the variations in its spelling: `too_many_requests` is `Too Many Requests` at a gateway
/// and `TooManyRequests` in a framework.
fn words(code: &str) -> impl Iterator<Item = u8> {
    let between = |byte: &u8| matches!(byte, b'_' | b'-' | b' ');
    code.bytes().filter(move |byte| !between(byte)).map(|byte| byte.to_ascii_lowercase())
}
