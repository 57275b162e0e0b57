//! What a call through the layer can fail with.

use std::error::Error as StdError;
use std::fmt;

use oauth_core::BoxError;

/// No token, or the inner service's error.
///
/// One type whatever is inside, so that the layer stacks under and over Tower's own, whose errors
/// are boxed.
#[derive(Debug)]
pub enum Error {
    /// There was no token for the request, or it may not have one; it was not sent.
    Token(oauth_core::Error),
    /// The inner service failed.
    Inner(BoxError),
}

impl Error {
    /// Why there was no token, when that is what failed.
    pub fn as_token(&self) -> Option<&oauth_core::Error> {
        match self {
            Self::Token(error) => Some(error),
            Self::Inner(_) => None,
        }
    }

    pub(crate) fn inner(error: impl Into<BoxError>) -> Self {
        Self::Inner(error.into())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token(_) => f.write_str("no token for the request"),
            Self::Inner(_) => f.write_str("the request failed"),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Token(error) => Some(error),
            Self::Inner(error) => Some(&**error),
        }
    }
}

impl From<oauth_core::Error> for Error {
    fn from(error: oauth_core::Error) -> Self {
        Self::Token(error)
    }
}
