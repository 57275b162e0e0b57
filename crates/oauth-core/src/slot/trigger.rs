//! Why a token is fetched.

use super::entry::Generation;
use super::target::Target;

/// Why a caller wants a flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trigger {
    /// The token is stale, expired or missing.
    Age,
    /// The same at start-up, with one attempt, so that a wrong configuration shows at once.
    Prefetch,
    /// A caller asked for a newer token.
    Demand,
    /// The API refused this token.
    Refused(Charged),
}

/// A refused token and the target that refused it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Charged {
    pub(super) generation: Generation,
    pub(super) target: Target,
    /// Whether the target had refused a token before.
    pub(super) again: bool,
}
