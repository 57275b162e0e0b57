//! What a server says about an error, in the shapes that servers use.

use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::json_text::{present, string, string_or_number};
use super::members::Members;

/// How much of a plain text is taken, in bytes: more than is ever shown.
const LONGEST_TEXT: usize = 8 * 1024;
/// How deep an error is looked for in errors.
const DEEPEST: usize = 3;

/// A server's error code and description. Not masked yet.
#[derive(Default)]
pub(super) struct Complaint {
    pub(super) code: Option<Zeroizing<String>>,
    pub(super) description: Option<Zeroizing<String>>,
}

impl Complaint {
    /// Of a body that is not a JSON object: an array of errors, a string, or plain text.
    pub(super) fn of_body(body: &[u8], is_plain_text: bool) -> Self {
        let Ok(text) = std::str::from_utf8(body) else { return Self::default() };
        let text = text.trim_start_matches('\u{FEFF}').trim();
        match text.as_bytes().first() {
            Some(b'[' | b'"') if !is_plain_text => Self::of_json(text, DEEPEST),
            Some(_) if is_plain_text => {
                let mut ends = (0..=LONGEST_TEXT.min(text.len())).rev();
                let end = ends.find(|at| text.is_char_boundary(*at)).unwrap_or_default();
                Self { code: None, description: Some(Zeroizing::new(text[..end].to_owned())) }
            }
            _ => Self::default(),
        }
    }

    /// Of an object:
    /// - `{"error": code, "error_description": text, "error_uri": uri}` (RFC 6749 §5.2);
    /// - `error` as an object or a list of these, and `errors`;
    /// - `code` and `message`, `errorCode` and `errorSummary`, `reason`;
    /// - `title` and `detail` (RFC 9457).
    pub(super) fn of(members: &Members<'_>) -> Self {
        Self::of_members(members, DEEPEST)
    }

    fn of_members(members: &Members<'_>, depth: usize) -> Self {
        let nested = |json: Option<&RawValue>| {
            let json = present(json).filter(|json| json.starts_with(['{', '[']));
            json.map(|json| Self::of_json(json, depth)).unwrap_or_default()
        };
        let (error, errors) = (nested(members.error), nested(members.errors));
        let code = text(members.error)
            .or(error.code)
            .or_else(|| text(members.code))
            .or_else(|| text(members.error_code))
            .or(errors.code);
        let description = text(members.error_description)
            .or(error.description)
            .or_else(|| text(members.message))
            .or_else(|| text(members.error_summary))
            .or_else(|| text(members.reason))
            .or_else(|| text(members.detail))
            .or(errors.description)
            .or_else(|| text(members.title));
        let description = match (description, text(members.error_uri)) {
            (Some(description), Some(uri)) => Some(joined(&[&description, "; see ", &uri])),
            (None, Some(uri)) => Some(joined(&["see ", &uri])),
            (description, None) => description,
        };
        Self { code, description }
    }

    /// Of an object, of a list's first element, or of a string, which is a description.
    fn of_json(json: &str, depth: usize) -> Self {
        let Some(depth) = depth.checked_sub(1) else { return Self::default() };
        match json.as_bytes().first() {
            Some(b'{') => Members::parse(json.as_bytes())
                .map(|members| Self::of_members(&members, depth))
                .unwrap_or_default(),
            Some(b'[') => {
                let mut items = serde_json::Deserializer::from_str(json);
                let first = First.deserialize(&mut items).ok().flatten();
                first.map(|first| Self::of_json(first.get(), depth)).unwrap_or_default()
            }
            Some(b'"') => Self { code: None, description: string(json).filter(|t| !t.is_empty()) },
            _ => Self::default(),
        }
    }
}

fn text(value: Option<&RawValue>) -> Option<Zeroizing<String>> {
    present(value).and_then(string_or_number).filter(|text| !text.is_empty())
}

/// Exactly as large as needed: growing would leave a copy behind that is not wiped.
fn joined(parts: &[&str]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(parts.iter().map(|p| p.len()).sum()));
    for part in parts {
        text.push_str(part);
    }
    text
}

/// The first element of an array. The others are skipped and not kept: there may be a million.
struct First;

impl<'de> DeserializeSeed<'de> for First {
    type Value = Option<&'de RawValue>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for First {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let first = items.next_element()?;
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(complaint: &Complaint) -> [String; 2] {
        [&complaint.code, &complaint.description]
            .map(|text| text.as_ref().map(|text| text.to_string()).unwrap_or_default())
    }

    fn of(json: &str) -> [String; 2] {
        match Members::parse(json.as_bytes()) {
            Ok(members) => said(&Complaint::of(&members)),
            Err(_) => said(&Complaint::of_body(json.as_bytes(), false)),
        }
    }

    #[test]
    fn the_reason_is_found_in_every_shape() {
        let shapes = [
            (r#"{"error":"c","error_description":"why"}"#, ["c", "why"]),
            (r#"{"error":{"code":7,"message":"why"}}"#, ["7", "why"]),
            (r#"{"error":[{"code":"c","message":"why"}]}"#, ["c", "why"]),
            (r#"{"error":["why"]}"#, ["", "why"]),
            (r#"{"code":"c","message":"why"}"#, ["c", "why"]),
            (r#"{"errorCode":"c","errorSummary":"why","errorLink":"c"}"#, ["c", "why"]),
            (r#"{"reason":"why","error":"c"}"#, ["c", "why"]),
            (r#"{"type":"t","title":"short","detail":"why","status":401}"#, ["", "why"]),
            (r#"{"title":"why"}"#, ["", "why"]),
            (r#"{"errors":[{"code":"c","message":"why"},{"code":"d"}]}"#, ["c", "why"]),
            (r#"{"errors":["why","and why"]}"#, ["", "why"]),
            (r#"{"errors":[{"detail":"why","title":"short"}]}"#, ["", "why"]),
            (r#"{"errors":{"code":"c","message":"why"}}"#, ["c", "why"]),
            (r#"[{"errorCode":"c","message":"why"}]"#, ["c", "why"]),
            (r#"["why"]"#, ["", "why"]),
            (r#""why""#, ["", "why"]),
            (r#"{"error":"c","error_uri":"https://a/b"}"#, ["c", "see https://a/b"]),
        ];
        for (json, expected) in shapes {
            assert_eq!(of(json), expected, "{json}");
        }
    }

    #[test]
    fn what_has_no_reason_has_none() {
        for json in
            ["{}", "[]", "[[[[\"deep\"]]]]", "12", "null", "[1,2]", "{\"errors\":[]}", "[{]"]
        {
            assert_eq!(of(json), ["", ""], "{json}");
        }
        let mut deep = r#"{"message":"deep"}"#.to_owned();
        for _ in 0..4 {
            deep = format!(r#"{{"error":{deep}}}"#);
        }
        assert_eq!(of(&deep), ["", ""]);
    }

    #[test]
    fn plain_text_is_a_description_and_no_other_text_is() {
        let body = "\u{FEFF} Invalid client: \"x\"\r\n";
        assert_eq!(said(&Complaint::of_body(body.as_bytes(), true)), ["", "Invalid client: \"x\""]);
        assert_eq!(said(&Complaint::of_body(body.as_bytes(), false)), ["", ""]);
        assert_eq!(said(&Complaint::of_body(b"<html>", false)), ["", ""]);
        assert_eq!(said(&Complaint::of_body(b"\xff", true)), ["", ""]);
        assert_eq!(said(&Complaint::of_body(b" ", true)), ["", ""]);
        let long = "ä".repeat(LONGEST_TEXT);
        assert_eq!(said(&Complaint::of_body(long.as_bytes(), true))[1].len(), LONGEST_TEXT);
    }
}
