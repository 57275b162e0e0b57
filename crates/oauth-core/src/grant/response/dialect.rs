//! Where a provider's contract goes beyond the RFCs.

use super::class::{Class, Meaning};
use super::error_response::ErrorResponse;
use crate::source::SourceInfo;

/// How one provider's responses are read.
pub(in crate::grant) struct Dialect {
    pub(in crate::grant) provider: &'static str,
    /// Whether a token comes in a `data` member.
    pub(in crate::grant) envelope: bool,
    /// What status and code mean by its contract, where the code has no standard meaning.
    pub(in crate::grant) classify: fn(&ErrorResponse<'_>) -> Class,
    /// Whether this code means wrong credentials by its contract, besides `invalid_client`.
    pub(in crate::grant) says_wrong_client: fn(&ErrorResponse<'_>) -> bool,
    /// The advice for wrong credentials.
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

    /// What an error response means: by its code if that has a standard meaning, else by the provider's
    /// contract.
    pub(super) fn class(&self, response: &ErrorResponse<'_>) -> Class {
        let class = (self.classify)(response);
        match response.by_code((self.says_wrong_client)(response)) {
            None => class,
            Some(Meaning::BadCredentials) => Class::bad_credentials(self.wrong_client),
            Some(meaning) => {
                // Advice for a status that means something else would mislead.
                let fits = Meaning::of(response.status) == Meaning::Transient;
                Class { meaning, hint: class.hint.filter(|_| fits) }
            }
        }
    }
}
