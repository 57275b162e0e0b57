//! The fields of a token request's body, in the order in which they were sent.

use std::fmt;

use serde::Deserializer as _;
use serde::de::{MapAccess, Visitor};
use serde_json::Value;

use crate::Dialect;

/// A JSON string is taken as it is, `null` as an empty value, anything else as its JSON text.
pub(crate) fn parse(dialect: Dialect, body: &[u8]) -> Option<Vec<(String, String)>> {
    if dialect == Dialect::Apiera {
        let mut json = serde_json::Deserializer::from_slice(body);
        let fields = json.deserialize_map(Members).ok()?;
        json.end().ok()?;
        Some(fields)
    } else {
        let text = std::str::from_utf8(body).ok()?;
        Some(form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }
}

/// Keeps the order and the duplicates, which a map would lose.
struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(String, String)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some((name, value)) = map.next_entry::<String, Value>()? {
            let value = match value {
                Value::String(text) => text,
                Value::Null => String::new(),
                other => other.to_string(),
            };
            members.push((name, value));
        }
        Ok(members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_expected_is_a_json_object() {
        let error = serde_json::Deserializer::from_str("[]").deserialize_map(Members).unwrap_err();
        assert!(error.to_string().contains("expected a JSON object"), "{error}");
    }

    #[test]
    fn members_keep_their_order_and_their_duplicates() {
        let json = br#" {"b":"1","a":null,"b":2,"c":{"d":[true]}} "#;
        let expected = [("b", "1"), ("a", ""), ("b", "2"), ("c", r#"{"d":[true]}"#)];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(parse(Dialect::Apiera, json), Some(expected.to_vec()));
    }
}
