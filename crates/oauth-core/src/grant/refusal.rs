//! What a refusal means: by its code where that says it by itself, else by its status, as the
//! provider's contract has it.

use http::StatusCode;

use super::recipe::Dialect;

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
pub(super) struct Refusal<'a> {
    pub(super) status: StatusCode,
    pub(super) code: Option<&'a str>,
    pub(super) description: Option<&'a str>,
}

impl Refusal<'_> {
    fn says_one_of(&self, codes: &[&str]) -> bool {
        self.code.is_some_and(|code| codes.iter().any(|known| words(known).eq(words(code))))
    }

    /// What it means in this dialect.
    pub(super) fn class(&self, dialect: &Dialect) -> Class {
        let class = (dialect.classify)(self);
        let by_status = Meaning::of(self.status);
        let wrong_client = self.says_one_of(&[INVALID_CLIENT]) || (dialect.says_wrong_client)(self);
        let meaning = match by_status {
            Meaning::Throttled => return class,
            _ if self.says_one_of(&SLOWER) => Meaning::Throttled,
            _ if self.says_one_of(&LATER) => Meaning::Transient,
            // Not of a transient status: a server that failed knows no client, and a gateway that
            // throttles has asked nobody.
            Meaning::Permanent if wrong_client => {
                return Class::bad_credentials(dialect.wrong_client);
            }
            _ => return class,
        };
        // Advice for a status that means something else would mislead.
        Class { meaning, hint: class.hint.filter(|_| by_status == Meaning::Transient) }
    }
}

/// A code without what its writers vary: `too_many_requests` is `Too Many Requests` to a gateway and
/// `TooManyRequests` to a framework.
fn words(code: &str) -> impl Iterator<Item = u8> {
    let between = |byte: &u8| matches!(byte, b'_' | b'-' | b' ');
    code.bytes().filter(move |byte| !between(byte)).map(|byte| byte.to_ascii_lowercase())
}

/// What a refusal means.
#[derive(Clone, Copy)]
pub(super) struct Class {
    meaning: Meaning,
    pub(super) hint: Option<&'static str>,
}

impl Class {
    /// 408, 429 and 5xx pass by themselves, the rest does not.
    pub(super) fn of_status(status: StatusCode) -> Self {
        Self { meaning: Meaning::of(status), hint: None }
    }

    pub(super) fn hint(self, hint: &'static str) -> Self {
        Self { hint: Some(hint), ..self }
    }

    pub(super) fn bad_credentials(hint: &'static str) -> Self {
        Self { meaning: Meaning::BadCredentials, hint: Some(hint) }
    }

    pub(super) fn transient(hint: &'static str) -> Self {
        Self { meaning: Meaning::Transient, hint: Some(hint) }
    }

    pub(super) fn throttled(hint: &'static str) -> Self {
        Self { meaning: Meaning::Throttled, hint: Some(hint) }
    }

    pub(super) fn is_transient(self) -> bool {
        matches!(self.meaning, Meaning::Transient | Meaning::Throttled)
    }

    pub(super) fn is_throttled(self) -> bool {
        self.meaning == Meaning::Throttled
    }

    pub(super) fn is_bad_credentials(self) -> bool {
        self.meaning == Meaning::BadCredentials
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Permanent,
    /// Passes by itself.
    Transient,
    /// Passes by itself, for a client that asks less often.
    Throttled,
    BadCredentials,
}

impl Meaning {
    fn of(status: StatusCode) -> Self {
        match status.as_u16() {
            429 => Self::Throttled,
            408 | 500..=599 => Self::Transient,
            _ => Self::Permanent,
        }
    }
}
