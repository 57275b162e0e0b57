//! Our error inside a chain's.

use std::error::Error as StdError;
use std::fmt;

use reqwest_middleware::Error;

/// Around the core's error, so that it is the cause of something.
///
/// Errors of middlewares outside ours are often "transparent": they pass for what is in them and
/// have its cause as their own. Of two such around a bare error, nothing would be left to find.
#[derive(Debug)]
struct NoToken(oauth_core::Error);

impl fmt::Display for NoToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no token for the request")
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

/// Why there was no token, if that is what a chain's error is about.
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
