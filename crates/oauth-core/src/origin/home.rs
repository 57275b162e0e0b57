//! The origin that most requests go to.

use std::sync::Arc;

use super::{Origins, Set};

/// An origin in the one spelling that most requests have.
#[derive(Clone, Debug)]
pub(crate) struct Home {
    https: bool,
    authority: Arc<str>,
}

impl Home {
    /// The first of them, if it is one host and not a wildcard.
    pub(crate) fn of(origins: &Origins) -> Option<Self> {
        let Set::These(origins) = &origins.0 else { return None };
        let first = origins.first().filter(|first| first.is_exact())?;
        Some(Self { https: first.https, authority: (*first.authority).into() })
    }

    /// Whether it is spelled exactly so. `false` says nothing.
    #[inline(always)]
    pub(crate) fn is(&self, https: bool, authority: &str) -> bool {
        https == self.https && *authority == *self.authority
    }
}
