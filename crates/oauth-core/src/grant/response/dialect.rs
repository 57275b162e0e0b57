//! The contract of one provider, as far as it goes beyond the RFCs.

use super::class::{Class, Meaning};
use super::error_response::ErrorResponse;
use crate::source::SourceInfo;

/// How one provider's answers are read.
pub(in crate::grant) struct Dialect {
    pub(in crate::grant) provider: &'static str,
    /// Whether a token comes in a `data` member.
    pub(in crate::grant) envelope: bool,
    /// What its contract makes of status and code, where the code does not say it by itself.
    pub(in crate::grant) classify: fn(&ErrorResponse<'_>) -> Class,
    /// Whether its contract calls the client wrong by this code, besides `invalid_client`.
    pub(in crate::grant) says_wrong_client: fn(&ErrorResponse<'_>) -> bool,
    /// What to advise then.
    pub(in crate::grant) wrong_client: &'static str,
    pub(in crate::grant) unreachable_hint: Option<&'static str>,
}

impl Dialect {
    /// What is known of a provider without its settings.
    pub(in crate::grant) fn info(&self) -> SourceInfo {
        let info = SourceInfo::new().with_name(self.provider);
        match self.unreachable_hint {
            Some(hint) => info.with_hint(hint),
            None => info,
        }
    }

    /// What an error response means: by its code where that says it by itself, else by its status, as
    /// the provider's contract has it.
    pub(super) fn class(&self, response: &ErrorResponse<'_>) -> Class {
        let class = (self.classify)(response);
        let by_status = Meaning::of(response.status);
        let wrong_client = response.says_invalid_client() || (self.says_wrong_client)(response);
        let meaning = match by_status {
            Meaning::Throttled => return class,
            _ if response.says_slower() => Meaning::Throttled,
            _ if response.says_later() => Meaning::Transient,
            // Not of a transient status: a server that failed knows no client, and a gateway that
            // throttles has asked nobody.
            Meaning::Permanent if wrong_client => {
                return Class::bad_credentials(self.wrong_client);
            }
            _ => return class,
        };
        // Advice for a status that means something else would mislead.
        Class { meaning, hint: class.hint.filter(|_| by_status == Meaning::Transient) }
    }
}
