//! Who a source's tokens are for.

use std::fmt;

/// Everything that makes the tokens of one source differ from those of another: the endpoint, the client,
/// the subject, the grant and each of its parameters, but no secret. Sources with equal identities may
/// share tokens, so a missing value lets a token go to the wrong tenant: when in doubt, add it.
///
/// ```
/// use oauth_core::Identity;
///
/// let acme = Identity::new().with("issuer", "https://auth.example.com").with("tenant", "acme");
/// let same = Identity::new().with("tenant", "acme").with("issuer", "https://auth.example.com");
/// assert_eq!(acme, same);
/// assert_ne!(acme, Identity::new().with("tenant", "acme"));
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Identity {
    /// Sorted.
    values: Vec<(Box<str>, Box<[u8]>)>,
}

impl Identity {
    /// Creates an identity without any value.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a value under a name. Order does not matter; a name may have several values.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.values.push((name.into(), value.as_ref().into()));
        self.values.sort_unstable();
        self
    }

    /// Returns a byte form that is equal for equal identities and different for different ones: name and
    /// value of each entry, sorted, each preceded by its length as eight bytes, big-endian. It contains the
    /// values: hash it with a key before it leaves the process.
    pub fn canonical(&self) -> Vec<u8> {
        let parts = self.values.iter().flat_map(|(name, value)| [name.as_bytes(), value]);
        let mut bytes = Vec::new();
        for part in parts {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part);
        }
        bytes
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Names only: a value may identify a customer.
        f.debug_set().entries(self.values.iter().map(|(name, _)| name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_pass_for_another_by_where_it_is_cut() {
        let identities = [
            Identity::new(),
            Identity::new().with("a", "bc"),
            Identity::new().with("ab", "c"),
            Identity::new().with("a", "b").with("c", ""),
            Identity::new().with("a", "").with("bc", ""),
            Identity::new().with("a", "bc").with("a", "bc"),
        ];
        for (n, one) in identities.iter().enumerate() {
            for (m, other) in identities.iter().enumerate() {
                assert_eq!(one == other, n == m, "{n} {m}");
                assert_eq!(one.canonical() == other.canonical(), n == m, "{n} {m}");
            }
        }
    }

    #[test]
    fn order_does_not_matter_and_values_are_not_shown() {
        let one = Identity::new().with("b", "customer").with("a", "2").with("a", "1");
        let other = Identity::new().with("a", "1").with("a", "2").with("b", "customer");
        assert_eq!(one.canonical(), other.canonical());
        assert_eq!(format!("{one:?}"), r#"{"a", "a", "b"}"#);
    }
}
