//! What a token request asks for, as data that can be compared, hashed and written as one key.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::Error;

/// Names that have a setter, or that would be a second client authentication (RFC 6749 §2.3).
const BUILT_IN: [&str; 9] = [
    "grant_type",
    "client_id",
    "client_secret",
    "scope",
    "audience",
    "resource",
    "authorization_details",
    "client_assertion",
    "client_assertion_type",
];

/// The parameters of a token request: what the token is to be good for.
///
/// The order in which they were set is the order in which they are sent. It makes no difference to `==`,
/// `Hash` and `Ord`, which go by the [canonical form](Self::canonical). An empty value counts as left
/// out (RFC 6749 §3.2). `Debug` shows names and no value.
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

/// What a value is, by the number that it has in the canonical form.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Kind {
    Scope = 1,
    Audience = 2,
    Resource = 3,
    AuthorizationDetails = 4,
    Extra = 5,
}

impl Params {
    /// No parameters.
    pub const fn new() -> Self {
        Self {
            scope: String::new(),
            audience: String::new(),
            resources: Vec::new(),
            authorization_details: String::new(),
            extra: Vec::new(),
        }
    }

    /// The scope to ask for: words separated by single spaces (RFC 6749 §3.3).
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

    /// One more `resource` that the token is for: an absolute URI without a fragment (RFC 8707 §2).
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

    /// One more parameter, under a name of the server's own.
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

    /// One form for all that make the same request but for its order: equal parameters have equal
    /// bytes, unequal ones have not. It holds the values: do not log it.
    ///
    /// For each value one byte that says what it is (1 scope, 2 audience, 3 resource, 4 authorization
    /// details, 5 any other), in this order, resources sorted by their bytes and the others by name and
    /// value; then the value, with any other parameter first its name, each with its length before it
    /// in eight bytes, the highest first. Scope and authorization details stand as they were set.
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

    /// Refuses by name what no token endpoint would take.
    pub(in crate::grant) fn check(&self) -> Result<(), Error> {
        check_scope(&self.scope)?;
        self.resources.iter().try_for_each(|uri| check_resource(uri))?;
        self.authorization_details().map_or(Ok(()), check_details)?;
        check_extra(&self.extra)
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

/// Scope tokens with single spaces between them (RFC 6749 §3.3). Empty is fine: it is not sent.
fn check_scope(text: &str) -> Result<(), Error> {
    let allowed = |b: u8| matches!(b, 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
    if text.is_empty() || text.split(' ').all(|t| !t.is_empty() && t.bytes().all(allowed)) {
        return Ok(());
    }
    Err(Error::setting(
        "scope",
        "must be words of visible ASCII without `\"` and `\\`, \
         parted by single spaces (RFC 6749 §3.3)",
    ))
}

/// An absolute URI without a fragment (RFC 8707 §2): a URL or a URN.
fn check_resource(text: &str) -> Result<(), Error> {
    let scheme = text.split_once(':').filter(|(_, rest)| !rest.is_empty()).map(|(s, _)| s);
    let absolute = scheme.is_some_and(|scheme| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
    });
    if !absolute || !text.bytes().all(|b| b.is_ascii_graphic()) || text.contains('#') {
        return Err(Error::setting(
            "resource",
            "must be an absolute URI without a fragment (RFC 8707 §2)",
        ));
    }
    Ok(())
}

/// RFC 9396 §2.
fn check_details(json: &str) -> Result<(), Error> {
    #[derive(Deserialize)]
    struct Detail<'a> {
        #[serde(rename = "type", borrow)]
        _type: Cow<'a, str>,
    }
    // An array would pass for the members in their order.
    let is_detail = |detail: &&RawValue| {
        detail.get().starts_with('{') && serde_json::from_str::<Detail<'_>>(detail.get()).is_ok()
    };
    match serde_json::from_str::<Vec<&RawValue>>(json) {
        Ok(details) if !details.is_empty() && details.iter().all(is_detail) => Ok(()),
        // Never serde's own text: it quotes.
        _ => Err(Error::setting(
            "authorization_details",
            "must be a JSON array of objects, each with a `type` (RFC 9396 §2)",
        )),
    }
}

/// RFC 6749 §3.2: no parameter twice.
fn check_extra(extra: &[(String, String)]) -> Result<(), Error> {
    for (i, (name, _)) in extra.iter().enumerate() {
        if name.is_empty() {
            return Err(Error::setting("parameter", "has an empty name"));
        }
        if BUILT_IN.contains(&name.as_str()) {
            return Err(Error::setting(
                "parameter",
                format_args!("must not be `{name}`, which the grant itself sends: use its setter"),
            ));
        }
        if extra[..i].iter().any(|(earlier, _)| earlier == name) {
            return Err(Error::setting("parameter", format_args!("`{name}` is there twice")));
        }
    }
    Ok(())
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
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn full() -> Params {
        Params::new()
            .with_scope("r w")
            .with_audience("aud")
            .with_resource("urn:b")
            .with_resource("urn:a")
            .with_authorization_details(r#"[{"type":"t"}]"#)
            .with_extra("z", "1")
            .with_extra("a", "2")
    }

    #[test]
    fn what_was_set_comes_back_in_its_order() {
        let params = full();
        assert_eq!((params.scope(), params.audience()), (Some("r w"), Some("aud")));
        assert_eq!(params.resources().collect::<Vec<_>>(), ["urn:b", "urn:a"]);
        assert_eq!(params.authorization_details(), Some(r#"[{"type":"t"}]"#));
        assert_eq!(params.extra().collect::<Vec<_>>(), [("z", "1"), ("a", "2")]);
        params.check().unwrap();
    }

    #[test]
    fn an_empty_value_counts_as_left_out() {
        let empty = Params::new()
            .with_scope("")
            .with_audience("")
            .with_resource("")
            .with_authorization_details("")
            .with_extra("empty", "");
        assert_eq!((empty.scope(), empty.audience()), (None, None));
        assert_eq!((empty.resources().count(), empty.extra().count()), (0, 0));
        assert_eq!(empty.authorization_details(), None);
        assert_eq!(empty, Params::new());
        assert_eq!(empty.canonical(), b"");
        assert_eq!(format!("{empty:?}"), "Params([])");
    }

    #[test]
    fn the_canonical_form_is_sorted_and_each_part_has_its_length() {
        let text = |text: &str| {
            let mut bytes = (text.len() as u64).to_be_bytes().to_vec();
            bytes.extend_from_slice(text.as_bytes());
            bytes
        };
        let expected = [
            [&[1], &*text("r w")].concat(),
            [&[2], &*text("aud")].concat(),
            [&[3], &*text("urn:a")].concat(),
            [&[3], &*text("urn:b")].concat(),
            [&[4], &*text(r#"[{"type":"t"}]"#)].concat(),
            [&[5], &*text("a"), &*text("2")].concat(),
            [&[5], &*text("z"), &*text("1")].concat(),
        ];
        assert_eq!(full().canonical(), expected.concat());
        assert_eq!(Params::new().with_scope("a").canonical(), b"\x01\0\0\0\0\0\0\0\x01a");
    }

    #[test]
    fn the_order_of_setting_makes_no_difference_and_every_value_does() {
        let other_order = Params::new()
            .with_extra("a", "2")
            .with_extra("z", "1")
            .with_resource("urn:a")
            .with_resource("urn:b")
            .with_authorization_details(r#"[{"type":"t"}]"#)
            .with_audience("aud")
            .with_scope("r w");
        assert_eq!(full(), other_order);
        assert_eq!(full().canonical(), other_order.canonical());
        let all = [
            Params::new(),
            full(),
            full().with_scope("w r"),
            full().with_audience("aud2"),
            full().with_resource("urn:c"),
            full().with_resource("urn:a"),
            full().with_authorization_details(r#"[ {"type":"t"}]"#),
            full().with_extra("y", "1"),
            // The same texts in other places.
            Params::new().with_scope("x"),
            Params::new().with_audience("x"),
            Params::new().with_resource("x"),
            Params::new().with_authorization_details("x"),
            Params::new().with_extra("x", "y"),
            Params::new().with_extra("xy", "z"),
            Params::new().with_extra("x", "yz"),
            Params::new().with_extra("scope", "x"),
        ];
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len());
        assert_eq!(all.iter().map(Params::canonical).collect::<HashSet<_>>().len(), all.len());
        let mut sorted = all.to_vec();
        sorted.sort();
        sorted.dedup();
        assert_eq!(sorted.len(), all.len());
    }

    #[test]
    fn debug_shows_names_alone() {
        assert_eq!(
            format!("{:?}", full()),
            r#"Params(["scope", "audience", "resource", "resource", "authorization_details", "z", "a"])"#
        );
    }

    #[test]
    fn values_under_the_name_of_a_secret_are_known_as_secrets() {
        let params = Params::new()
            .with_extra("api_key", "1")
            .with_extra("subject_TOKEN", "2")
            .with_extra("x-secret", "3")
            .with_extra("tokens", "4")
            .with_extra("keyed", "5");
        assert_eq!(params.secrets().collect::<Vec<_>>(), ["1", "2", "3"]);
    }

    #[test]
    fn a_resource_is_an_absolute_uri_without_fragment() {
        for good in ["https://api.example/a?b", "urn:example:api"] {
            Params::new().with_resource(good).check().unwrap();
        }
        for bad in ["", "/a", "api.example", "https:", "https://a#b", "https://a b", "1a:b"] {
            let error = Params::new().with_resource(bad).check().unwrap_err().to_string();
            assert!(error.starts_with("`resource` must be an absolute URI"), "{error}");
        }
    }

    #[test]
    fn authorization_details_are_an_array_of_objects_with_a_type() {
        // RFC 9396 §2.
        for good in [r#"[{"type":"a"}]"#, r#" [ {"x":[1], "type":"\u0061"}, {"type":"b"} ] "#] {
            Params::new().with_authorization_details(good).check().unwrap();
        }
        for bad in
            ["[]", "{}", r#"{"type":"a"}"#, r#"[{"type":1}]"#, r#"[["a"]]"#, "[{}]", "[", "x"]
        {
            let params = Params::new().with_authorization_details(bad);
            assert_eq!(
                params.check().unwrap_err().to_string(),
                "`authorization_details` must be a JSON array of objects, each with a `type` \
                 (RFC 9396 §2)"
            );
        }
    }

    proptest! {
        #[test]
        fn equal_parameters_have_equal_bytes_and_unequal_ones_have_not(
            one in any_params(), other in any_params(),
        ) {
            prop_assert_eq!(one == other, one.canonical() == other.canonical());
            prop_assert_eq!(one == other, one.cmp(&other) == Ordering::Equal);
        }
    }

    fn any_params() -> impl Strategy<Value = Params> {
        let text = || "[ab]{0,2}";
        let resources = proptest::collection::vec(text(), 0..3);
        let extra = proptest::collection::vec((text(), text()), 0..3);
        (text(), text(), resources, text(), extra).prop_map(
            |(scope, audience, resources, authorization_details, extra)| Params {
                scope,
                audience,
                resources,
                authorization_details,
                extra,
            },
        )
    }
}
