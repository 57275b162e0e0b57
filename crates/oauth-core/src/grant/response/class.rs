//! What an error response means.

use http::StatusCode;

/// What an error response means.
#[derive(Clone, Copy)]
pub(in crate::grant) struct Class {
    pub(super) meaning: Meaning,
    pub(super) hint: Option<&'static str>,
}

impl Class {
    /// 408, 429 and 5xx are transient, the rest is permanent.
    pub(in crate::grant) fn of_status(status: StatusCode) -> Self {
        Self { meaning: Meaning::of(status), hint: None }
    }

    pub(in crate::grant) fn hint(self, hint: &'static str) -> Self {
        Self { hint: Some(hint), ..self }
    }

    pub(in crate::grant) fn bad_credentials(hint: &'static str) -> Self {
        Self { meaning: Meaning::BadCredentials, hint: Some(hint) }
    }

    pub(in crate::grant) fn transient(hint: &'static str) -> Self {
        Self { meaning: Meaning::Transient, hint: Some(hint) }
    }

    pub(in crate::grant) fn throttled(hint: &'static str) -> Self {
        Self { meaning: Meaning::Throttled, hint: Some(hint) }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    Permanent,
    /// Another attempt may succeed.
    Transient,
    /// Another attempt may succeed for a client that asks less often.
    Throttled,
    BadCredentials,
}

impl Meaning {
    pub(super) fn of(status: StatusCode) -> Self {
        match status.as_u16() {
            429 => Self::Throttled,
            408 | 500..=599 => Self::Transient,
            _ => Self::Permanent,
        }
    }
}
