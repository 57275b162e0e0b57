//! Why a token is fetched.

use super::entry::Generation;
use super::target::Target;

/// Why a caller wants a flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trigger {
    /// The token is stale, expired or was never there.
    Age,
    /// The same at start-up: one attempt, so that a wrong configuration is seen at once.
    Prefetch,
    /// A caller asked for a newer token than the one that is there.
    Demand,
    /// The API refused this token.
    Refused(Charged),
}

/// A token that was refused, and by what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Charged {
    pub(super) generation: Generation,
    pub(super) target: Target,
    /// Whether the target had refused a token before.
    pub(super) again: bool,
}
