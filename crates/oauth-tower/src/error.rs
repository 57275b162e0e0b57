//! The error of a call through the layer.

use std::error::Error as StdError;
use std::fmt;

use oauth_core::{BoxError, DeadlineElapsed};

/// No token, or the inner service's error.
///
/// Its text says why, in one line. One type whatever the inner service, so that the layer stacks under and over Tower's own, whose errors
/// are boxed.
#[derive(Debug)]
pub enum Error {
    /// There was no token for the request, or it must not get one; it was not sent.
    Token(oauth_core::Error),
    /// The inner service failed.
    Inner(BoxError),
}

impl Error {
    /// Returns why there was no token, if that failed.
    pub fn as_token(&self) -> Option<&oauth_core::Error> {
        match self {
            Self::Token(error) => Some(error),
            Self::Inner(_) => None,
        }
    }

    pub(crate) fn inner(error: impl Into<BoxError>) -> Self {
        Self::Inner(error.into())
    }

    /// The request's deadline has passed.
    pub(crate) fn elapsed() -> Self {
        Self::inner(DeadlineElapsed::default())
    }
}

/// Returns why there was no token, if that is the cause of a stack's error: ours, or one that wraps or
/// boxes it, as Tower's timeout does.
///
/// ```
/// # fn demo(error: oauth_core::BoxError) {
/// if let Some(error) = oauth_tower::token_error(&*error) {
///     eprintln!("no token: {error}, transient: {}", error.is_transient());
/// }
/// # }
/// ```
pub fn token_error<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a oauth_core::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(token) = error.downcast_ref() {
            return Some(token);
        }
        next = error.source();
    }
    None
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token(error) => write!(f, "no token for the request: {error}"),
            Self::Inner(error) => write!(f, "the request failed: {error}"),
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
