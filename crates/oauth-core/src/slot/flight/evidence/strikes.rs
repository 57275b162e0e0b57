//! Where one token was refused.

use super::super::target::Target;

/// Targets that refused a token: with one, the token is not used for that target; with two, for none.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Strikes([Option<Target>; 2]);

impl Strikes {
    pub(super) fn is_empty(&self) -> bool {
        self.0 == [None; 2]
    }

    /// Returns whether it is new.
    pub(super) fn add(&mut self, target: Target) -> bool {
        if self.0.contains(&Some(target)) {
            return false;
        }
        let free = self.0.iter_mut().find(|at| at.is_none());
        free.is_some_and(|at| at.replace(target).is_none())
    }

    /// This target's refusal counts for all.
    pub(super) fn rule_out(&mut self, target: Target) {
        self.0 = [Some(target); 2];
    }

    /// It has accepted the token since.
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

#[cfg(test)]
mod tests {
    use std::hash::RandomState;

    use http::Method;

    use super::*;

    fn targets() -> [Target; 3] {
        let hasher = RandomState::new();
        ["/a", "/b", "/c"].map(|at| Target::of(&hasher, &Method::GET, "https", "a.example", at))
    }

    #[test]
    fn two_targets_rule_a_token_out_and_one_of_them_alone_for_itself() {
        let [a, b, c] = targets();
        let mut strikes = Strikes::default();
        assert!(strikes.is_empty() && strikes.allow(a));
        assert!(strikes.add(a));
        assert!(!strikes.allow(a) && strikes.allow(b));
        assert!(strikes.add(b));
        assert!(!strikes.allow(c));
        // There is no room for a third one, and no need.
        assert!(!strikes.add(c));
        strikes.remove(a);
        assert!(strikes.allow(a) && !strikes.allow(b) && strikes.allow(c));
    }

    #[test]
    fn a_target_that_strikes_twice_counts_once_wherever_it_stands() {
        let [a, b, c] = targets();
        let mut strikes = Strikes::default();
        strikes.add(a);
        assert!(!strikes.add(a));
        assert!(strikes.allow(b));
        strikes.add(b);
        strikes.remove(a);
        assert!(!strikes.add(b));
        assert!(strikes.allow(a) && strikes.allow(c));
    }

    #[test]
    fn what_counts_for_all_ends_with_its_targets_acceptance() {
        let [a, b, _] = targets();
        let mut strikes = Strikes::default();
        strikes.add(b);
        strikes.rule_out(a);
        assert!(!strikes.allow(a) && !strikes.allow(b));
        strikes.remove(a);
        assert!(strikes.is_empty());
    }
}
