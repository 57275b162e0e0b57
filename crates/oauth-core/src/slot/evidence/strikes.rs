//! Where one token was refused.

use super::super::target::Target;

/// Targets that refused a token: it is of no use for one of them, and with two of no use at all.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Strikes([Option<Target>; 2]);

impl Strikes {
    pub(super) fn is_empty(&self) -> bool {
        self.0 == [None; 2]
    }

    pub(super) fn add(&mut self, target: Target) {
        if !self.0.contains(&Some(target)) {
            if let Some(free) = self.0.iter_mut().find(|at| at.is_none()) {
                *free = Some(target);
            }
        }
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
