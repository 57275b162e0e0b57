//! The members of a token endpoint's response.

use std::fmt;

use serde::de::{DeserializeSeed, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::error::Category;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::json_text::{present, string};

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
    pub(super) error: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) error_description: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) error_uri: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) code: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) message: Option<&'a RawValue>,
    #[serde(borrow, rename = "errorCode")]
    pub(super) error_code: Option<&'a RawValue>,
    #[serde(borrow, rename = "errorSummary")]
    pub(super) error_summary: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) errors: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) reason: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) detail: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) title: Option<&'a RawValue>,
}

/// What is wrong with a body, without showing any of it.
pub(super) enum Unreadable {
    Empty,
    NoObject,
    Broken(String),
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

    /// Whether there is a code or an error outside `error`, as in Fuuffy's bare errors.
    pub(super) fn has_code(&self) -> bool {
        [self.code, self.error_code, self.errors].into_iter().any(|value| present(value).is_some())
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
