//! Why a body failed, and why it cannot be sent again.

use std::error::Error as StdError;
use std::fmt;

type BoxError = Box<dyn StdError + Send + Sync>;

/// The error of a [`ReplayBody`](super::ReplayBody).
///
/// Either the body underneath failed, and its error is the [`source`](StdError::source); or the first
/// send was overtaken by the second one and must not look complete.
pub struct ReplayError {
    kind: Kind,
}

enum Kind {
    Source(BoxError),
    TakenOver,
}

impl ReplayError {
    pub(super) fn source(error: impl Into<BoxError>) -> Self {
        Self { kind: Kind::Source(error.into()) }
    }

    pub(super) fn taken_over() -> Self {
        Self { kind: Kind::TakenOver }
    }

    /// Whether this body was cut short because the request is being sent again.
    pub fn is_taken_over(&self) -> bool {
        matches!(self.kind, Kind::TakenOver)
    }
}

impl fmt::Debug for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Source(error) => f.debug_tuple("ReplayError").field(error).finish(),
            Kind::TakenOver => f.write_str("ReplayError(TakenOver)"),
        }
    }
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            Kind::Source(_) => "the request body failed",
            Kind::TakenOver => "the request is sent again, its first body ends here",
        })
    }
}

impl StdError for ReplayError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.kind {
            Kind::Source(error) => Some(&**error),
            Kind::TakenOver => None,
        }
    }
}

/// Why a body cannot be sent a second time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReplayRefused {
    /// The body, with its trailers, is larger than the cap.
    OverCap,
    /// The body itself failed, or panicked, during the first send.
    SourceFailed,
    /// The body yielded a frame of which no copy can be kept: it is neither data nor trailers, or it
    /// follows the trailers.
    UnknownFrame,
}

impl fmt::Display for ReplayRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OverCap => "the request body is larger than the replay cap",
            Self::SourceFailed => "the request body failed during the first send",
            Self::UnknownFrame => "the request body has a frame that cannot be kept",
        })
    }
}

impl StdError for ReplayRefused {}
