//! Our error inside a chain's.

use std::error::Error as StdError;
use std::fmt;

use reqwest_middleware::Error;

/// Wraps the core's error, so that it is the source of another error.
///
/// Errors of outer middlewares are often "transparent": they show the text of the inner error and its
/// source as their own. With two of them around a bare error, it could no longer be found.
#[derive(Debug)]
struct NoToken(oauth_core::Error);

impl fmt::Display for NoToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no token for the request: {}", self.0)
    }
}

impl StdError for NoToken {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.0)
    }
}

pub(crate) fn no_token(error: oauth_core::Error) -> Error {
    Error::middleware(NoToken(error))
}

/// Returns why there was no token, if that is the cause of a chain's error.
///
/// ```
/// # fn demo(error: reqwest_middleware::Error) {
/// if let Some(error) = oauth_reqwest::token_error(&error) {
///     eprintln!("no token: {error}, transient: {}", error.is_transient());
/// }
/// # }
/// ```
pub fn token_error(error: &Error) -> Option<&oauth_core::Error> {
    match error {
        Error::Middleware(error) => error.chain().find_map(|cause| cause.downcast_ref()),
        Error::Reqwest(_) => None,
    }
}
