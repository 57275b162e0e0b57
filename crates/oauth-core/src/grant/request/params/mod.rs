//! What a token is requested for, as data that can be compared, hashed and used as a key.

mod check;

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use crate::error::Error;

/// The parameters of a token request: what the token is for.
///
/// They are sent in the order in which they were set. `==`, `Hash` and `Ord` ignore the order and use the
/// [canonical form](Self::canonical). An empty value counts as absent (RFC 6749 §3.2). `Debug` shows names
/// and no value.
///
/// ```
/// use oauth_core::Params;
///
/// let params = Params::new().with_scope("invoices:read").with_extra("tenant", "acme");
/// assert_eq!(params.scope(), Some("invoices:read"));
/// assert_eq!(format!("{params:?}"), r#"Params(["scope", "tenant"])"#);
/// ```
#[derive(Clone, Default)]
pub struct Params {
    scope: String,
    audience: String,
    resources: Vec<String>,
    authorization_details: String,
    extra: Vec<(String, String)>,
}

/// The kinds of values, numbered as in the canonical form.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Kind {
    Scope = 1,
    Audience = 2,
    Resource = 3,
    AuthorizationDetails = 4,
    Extra = 5,
}

impl Params {
    /// Creates empty parameters.
    pub const fn new() -> Self {
        Self {
            scope: String::new(),
            audience: String::new(),
            resources: Vec::new(),
            authorization_details: String::new(),
            extra: Vec::new(),
        }
    }

    /// Sets the scope to request: words separated by single spaces (RFC 6749 §3.3).
    #[must_use]
    pub fn with_scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = scope.into();
        self
    }

    /// The `audience` parameter that some servers take.
    #[must_use]
    pub fn with_audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = audience.into();
        self
    }

    /// Adds a `resource` that the token is for: an absolute URI without a fragment (RFC 8707 §2).
    #[must_use]
    pub fn with_resource(mut self, uri: impl Into<String>) -> Self {
        self.resources.push(uri.into());
        self
    }

    /// The authorization details: a JSON array of objects, each with a `type` (RFC 9396 §2).
    #[must_use]
    pub fn with_authorization_details(mut self, json: impl Into<String>) -> Self {
        self.authorization_details = json.into();
        self
    }

    /// Adds another parameter.
    #[must_use]
    pub fn with_extra(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.extra.push((name.into(), value.into()));
        self
    }

    /// The scope to ask for.
    pub fn scope(&self) -> Option<&str> {
        given(&self.scope)
    }

    /// The audience.
    pub fn audience(&self) -> Option<&str> {
        given(&self.audience)
    }

    /// The resources, in the order in which they were set.
    pub fn resources(&self) -> impl Iterator<Item = &str> {
        self.resources.iter().filter_map(|uri| given(uri))
    }

    /// The authorization details, as JSON.
    pub fn authorization_details(&self) -> Option<&str> {
        given(&self.authorization_details)
    }

    /// The other parameters, names and values, in the order in which they were set.
    pub fn extra(&self) -> impl Iterator<Item = (&str, &str)> {
        self.extra.iter().filter_map(|(name, value)| Some((name.as_str(), given(value)?)))
    }

    /// Returns a byte form that is the same for parameters that differ only in their order, and different
    /// otherwise. It contains the values: do not log it.
    ///
    /// For each value: one byte for its kind (1 scope, 2 audience, 3 resource, 4 authorization details, 5
    /// any other), in this order, resources sorted by their bytes and other parameters by name and value;
    /// then the value, for other parameters preceded by the name, each preceded by its length as eight
    /// bytes, big-endian. Scope and authorization details are taken verbatim.
    pub fn canonical(&self) -> Vec<u8> {
        let values = self.sorted();
        let room = values.iter().map(|(_, name, value)| 17 + name.len() + value.len()).sum();
        let mut bytes = Vec::with_capacity(room);
        for (kind, name, value) in values {
            bytes.push(kind as u8);
            for text in (kind == Kind::Extra).then_some(name).into_iter().chain([value]) {
                bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
                bytes.extend_from_slice(text.as_bytes());
            }
        }
        bytes
    }

    fn sorted(&self) -> Vec<(Kind, &str, &str)> {
        let mut values: Vec<_> = self.values().collect();
        values.sort_unstable();
        values
    }

    fn values(&self) -> impl Iterator<Item = (Kind, &str, &str)> {
        let one = |kind, name, value| Some((kind, name, value?));
        let scope = one(Kind::Scope, "scope", self.scope());
        let audience = one(Kind::Audience, "audience", self.audience());
        let details = self.authorization_details();
        let details = one(Kind::AuthorizationDetails, "authorization_details", details);
        let resources = self.resources().map(|uri| (Kind::Resource, "resource", uri));
        let extra = self.extra().map(|(name, value)| (Kind::Extra, name, value));
        scope.into_iter().chain(audience).chain(resources).chain(details).chain(extra)
    }

    /// The names of those that are sent.
    pub(in crate::grant) fn names(&self) -> impl Iterator<Item = &str> {
        self.values().map(|(_, name, _)| name)
    }

    /// The values that are sent under a name that says that it is a secret.
    pub(in crate::grant) fn secrets(&self) -> impl Iterator<Item = &str> {
        self.extra().filter(|(name, _)| names_a_secret(name)).map(|(_, value)| value)
    }

    /// Rejects invalid parameters, by name.
    pub(in crate::grant) fn check(&self) -> Result<(), Error> {
        check::scope(&self.scope)?;
        self.resources.iter().try_for_each(|uri| check::resource(uri))?;
        self.authorization_details().map_or(Ok(()), check::authorization_details)?;
        check::extra(&self.extra)
    }
}

fn given(value: &str) -> Option<&str> {
    Some(value).filter(|value| !value.is_empty())
}

/// `client_assertion`, `subject_token`, `api-key`, …
fn names_a_secret(name: &str) -> bool {
    let last = name.rsplit(['_', '-', '.']).next().unwrap_or_default();
    ["assertion", "key", "password", "secret", "token"]
        .iter()
        .any(|secret| last.eq_ignore_ascii_case(secret))
}

impl PartialEq for Params {
    fn eq(&self, other: &Self) -> bool {
        self.sorted() == other.sorted()
    }
}

impl Eq for Params {}

impl Hash for Params {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.sorted().hash(state);
    }
}

impl Ord for Params {
    fn cmp(&self, other: &Self) -> Ordering {
        self.sorted().cmp(&other.sorted())
    }
}

impl PartialOrd for Params {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // No values: the URL of a resource may carry a key, and so may a parameter.
        f.debug_tuple("Params").field(&self.names().collect::<Vec<_>>()).finish()
    }
}

#[cfg(test)]
mod tests;
