//! The members of a token endpoint's response.

use std::fmt;

use serde::de::{DeserializeSeed, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::error::Category;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::json_text::{present, string, string_or_number};

/// Known members of any type; duplicates of them are an error, unknown ones are ignored.
#[derive(Default, Deserialize)]
pub(super) struct Members<'a> {
    #[serde(borrow)]
    pub(super) access_token: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) token_type: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) expires_in: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) expires_on: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) scope: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) data: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    #[serde(borrow)]
    error_description: Option<&'a RawValue>,
    #[serde(borrow)]
    error_uri: Option<&'a RawValue>,
    #[serde(borrow)]
    code: Option<&'a RawValue>,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
}

/// What is wrong with a body, without showing any of it.
pub(super) enum Unreadable {
    Empty,
    NoObject,
    Broken(String),
}

/// What a server calls its error.
#[derive(Default)]
pub(super) struct Complaint {
    pub(super) code: Option<Zeroizing<String>>,
    pub(super) description: Option<Zeroizing<String>>,
}

impl<'a> Members<'a> {
    pub(super) fn parse(body: &'a [u8]) -> Result<Self, Unreadable> {
        let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
        match body.trim_ascii_start().first() {
            None => return Err(Unreadable::Empty),
            // Serde would also accept an array, as the members in order.
            Some(b'{') => {}
            Some(_) => return Err(Unreadable::NoObject),
        }
        serde_json::from_slice(body).map_err(|error| {
            // Never serde's own text: it quotes the body.
            let problem = match error.classify() {
                Category::Eof => "ends too early",
                Category::Data => "has a member twice",
                Category::Syntax | Category::Io => "is malformed",
            };
            let (line, column) = (error.line(), error.column());
            Unreadable::Broken(format!("{problem} (line {line}, column {column})"))
        })
    }

    /// Whether the server calls this an error, whatever the status says.
    pub(super) fn is_error(&self) -> bool {
        let says_nothing = |error: &str| match error.as_bytes() {
            [b'{', inside @ .., b'}'] | [b'[', inside @ .., b']'] => inside.trim_ascii().is_empty(),
            _ => matches!(error, "\"\"" | "false" | "0"),
        };
        present(self.error).is_some_and(|error| !says_nothing(error))
    }

    /// Whether there is a code outside `error`, as in Fuuffy's bare errors.
    pub(super) fn has_code(&self) -> bool {
        present(self.code).is_some()
    }

    /// `{"error": code, "error_description": text}` (RFC 6749 §5.2),
    /// `{"error": {"code", "message"}}` or `{"code", "message"}`.
    pub(super) fn complaint(&self) -> Complaint {
        let text = |value| present(value).and_then(string_or_number).filter(|t| !t.is_empty());
        let nested = present(self.error)
            .filter(|json| json.starts_with('{'))
            .and_then(|json| Members::parse(json.as_bytes()).ok())
            .unwrap_or_default();
        let code = text(self.error).or_else(|| text(nested.code)).or_else(|| text(self.code));
        let description = text(self.error_description)
            .or_else(|| text(nested.message))
            .or_else(|| text(self.message));
        let description = match (description, text(self.error_uri)) {
            (Some(description), Some(uri)) => Some(joined(&[&description, "; see ", &uri])),
            (None, Some(uri)) => Some(joined(&["see ", &uri])),
            (description, None) => description,
        };
        Complaint { code, description }
    }

    /// The granted scope, as a string or an array of strings; none if it says nothing.
    pub(super) fn scope(&self) -> Option<Zeroizing<String>> {
        let json = present(self.scope)?;
        let scope = if json.starts_with('[') {
            let room = json.len();
            let mut json = serde_json::Deserializer::from_str(json);
            let scope = Words { room }.deserialize(&mut json).ok()?;
            json.end().ok()?;
            scope
        } else {
            Zeroizing::new(string(json)?.trim().to_owned())
        };
        Some(scope).filter(|scope| !scope.is_empty())
    }
}

/// Exactly as large as needed: growing would leave a copy behind that is not wiped.
fn joined(parts: &[&str]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(parts.iter().map(|p| p.len()).sum()));
    for part in parts {
        text.push_str(part);
    }
    text
}

/// The strings of an array, joined as they are read: a list of a million would cost forty times
/// its text.
struct Words {
    /// No array has more text than it is long.
    room: usize,
}

impl<'de> DeserializeSeed<'de> for Words {
    type Value = Zeroizing<String>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Words {
    type Value = Zeroizing<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut words = Zeroizing::new(String::with_capacity(self.room));
        while let Some(item) = items.next_element::<&RawValue>()? {
            if let Some(word) = string(item.get()) {
                if !words.is_empty() {
                    words.push(' ');
                }
                words.push_str(&word);
            }
        }
        Ok(words)
    }
}
