//! Where one token was refused.

use super::super::target::Target;

/// Targets that refused a token: it is of no use for one of them, and with two of no use at all.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Strikes([Option<Target>; 2]);

impl Strikes {
    pub(super) fn is_empty(&self) -> bool {
        self.0 == [None; 2]
    }

    /// Whether that is new.
    pub(super) fn add(&mut self, target: Target) -> bool {
        let free = self.0.iter_mut().find(|at| at.is_none_or(|other| other == target));
        free.is_some_and(|at| at.replace(target).is_none())
    }

    /// What this target said counts for all.
    pub(super) fn rule_out(&mut self, target: Target) {
        self.0 = [Some(target); 2];
    }

    /// It accepted the token since.
    pub(super) fn remove(&mut self, target: Target) {
        for at in &mut self.0 {
            if *at == Some(target) {
                *at = None;
            }
        }
    }

    pub(super) fn allow(&self, target: Target) -> bool {
        self.0.contains(&None) && !self.0.contains(&Some(target))
    }
}
