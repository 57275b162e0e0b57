//! What a token endpoint says instead of handing out a token, and the codes that mean the same at all
//! of them.

use http::StatusCode;

use super::class::Meaning;

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
    /// Whether the settings call the client wrong by this status.
    pub(in crate::grant) is_wrong_client_status: bool,
}

impl ErrorResponse<'_> {
    /// What it means at every server.
    pub(super) fn meaning(&self) -> Meaning {
        self.by_code(false).unwrap_or_else(|| Meaning::of(self.status))
    }

    /// What it means where its code says it by itself. Some providers have a code of their own for a
    /// wrong client.
    pub(super) fn by_code(&self, says_wrong_client: bool) -> Option<Meaning> {
        match Meaning::of(self.status) {
            Meaning::Throttled => None,
            _ if self.says_one_of(&SLOWER) => Some(Meaning::Throttled),
            _ if self.says_one_of(&LATER) => Some(Meaning::Transient),
            // Not of a transient status: a server that failed knows no client, and a gateway that
            // throttles has asked no one.
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

/// A code without what its writers vary: `too_many_requests` is `Too Many Requests` to a gateway and
/// `TooManyRequests` to a framework.
fn words(code: &str) -> impl Iterator<Item = u8> {
    let between = |byte: &u8| matches!(byte, b'_' | b'-' | b' ');
    code.bytes().filter(move |byte| !between(byte)).map(|byte| byte.to_ascii_lowercase())
}
