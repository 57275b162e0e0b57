//! How the responses of one configured grant are read.

use std::time::Duration;

use http::StatusCode;

use super::dialect::Dialect;

/// The life of a token whose response does not tell it: the shortest that any of the four providers
/// hands out. Too short costs a token request, too long costs failed calls.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(300);

#[derive(Clone)]
pub(in crate::grant) struct Rules {
    pub(in crate::grant) dialect: &'static Dialect,
    pub(in crate::grant) default_lifetime: Duration,
    pub(in crate::grant) require_token_type: bool,
    /// Which status says that the client is wrong, where no code does.
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
