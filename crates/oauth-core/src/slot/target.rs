//! The target of a request, by which refusals are kept apart.

use std::hash::BuildHasher;

use http::Method;

/// Method, origin and path of a request, without the query, as a hash with a random key, because paths are
/// untrusted input. Made by [`TokenSlot::target`](super::TokenSlot::target).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target(u32);

impl Target {
    /// Shared by all requests that are not kept for a replay.
    pub const UNKNOWN: Self = Self(0);

    pub(super) fn of(
        hasher: &impl BuildHasher,
        method: &Method,
        scheme: &str,
        authority: &str,
        path: &str,
    ) -> Self {
        let hash = hasher.hash_one((method.as_str(), scheme, authority, path));
        // Half of it is enough to distinguish a few targets.
        Self(u32::try_from(hash >> 32).unwrap_or_default().max(1))
    }

    pub(super) fn is_known(self) -> bool {
        self != Self::UNKNOWN
    }
}

#[cfg(test)]
mod tests {
    use std::hash::RandomState;

    use super::*;

    #[test]
    fn targets_differ_by_method_origin_and_path() {
        let hasher = RandomState::new();
        let of = |m: Method, s, a, p| Target::of(&hasher, &m, s, a, p);
        let all = [
            of(Method::GET, "https", "a.example", "/1"),
            of(Method::POST, "https", "a.example", "/1"),
            of(Method::GET, "http", "a.example", "/1"),
            of(Method::GET, "https", "b.example", "/1"),
            of(Method::GET, "https", "a.example", "/2"),
            // Not what the parts look like together.
            of(Method::GET, "https", "a.example/", "1"),
            Target::UNKNOWN,
        ];
        for (at, one) in all.iter().enumerate() {
            assert!(!all[..at].contains(one), "{at}");
            assert_eq!(one.is_known(), at + 1 < all.len());
        }
        assert_eq!(all[0], of(Method::GET, "https", "a.example", "/1"));
        assert_ne!(
            all[0],
            Target::of(&RandomState::new(), &Method::GET, "https", "a.example", "/1")
        );
    }
}
