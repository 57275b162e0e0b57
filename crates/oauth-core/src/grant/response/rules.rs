//! How the responses of one configured grant are read.

use std::time::Duration;

use http::StatusCode;

use super::dialect::Dialect;

/// The lifetime of a token whose response has none: the shortest of the four providers. Too short costs
/// token requests, too long costs failed calls.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(300);

#[derive(Clone)]
pub(in crate::grant) struct Rules {
    pub(in crate::grant) dialect: &'static Dialect,
    pub(in crate::grant) default_lifetime: Duration,
    pub(in crate::grant) require_token_type: bool,
    /// The status that means wrong credentials, where no code says so.
    pub(in crate::grant) wrong_client_status: Option<StatusCode>,
}

impl Rules {
    pub(in crate::grant) fn new(dialect: &'static Dialect) -> Self {
        Self {
            dialect,
            default_lifetime: DEFAULT_LIFETIME,
            require_token_type: false,
            wrong_client_status: None,
        }
    }
}
