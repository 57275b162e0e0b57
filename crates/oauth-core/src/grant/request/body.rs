//! Bodies of token requests. They contain the client's secret: sized beforehand, so that growing leaves no
//! copy behind, and overwritten with zeros when the last clone is dropped.

use std::io::{self, Write};
use std::slice;

use bytes::Bytes;
use serde::Serializer as _;
use serde::ser::SerializeMap;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

/// The fields of a request in the order in which they are sent.
pub(in crate::grant) type Fields<'a> = [(&'a str, Value<'a>)];

#[derive(Clone)]
pub(in crate::grant) enum Value<'a> {
    Text(&'a str),
    /// In a form, the name is repeated. In JSON it is an array, unless there is only one.
    List(Vec<&'a str>),
    /// In JSON it is written verbatim.
    Json(&'a str),
}

/// `application/x-www-form-urlencoded` (RFC 6749 App. B).
pub(in crate::grant) fn form(fields: &Fields<'_>) -> Bytes {
    Bytes::from_owner(written(|body| write_form(body, fields)))
}

/// One JSON object.
pub(in crate::grant) fn json(fields: &Fields<'_>) -> Bytes {
    Bytes::from_owner(written(|body| write_json(body, fields)))
}

/// Written twice: first to learn the length, then into a buffer that is exactly as long.
fn written(write: impl Fn(&mut dyn Write) -> io::Result<()>) -> Zeroizing<Vec<u8>> {
    let mut length = Length(0);
    // Neither counting nor writing to memory fails.
    let _ = write(&mut length);
    let mut body = Zeroizing::new(Vec::with_capacity(length.0));
    let _ = write(&mut *body);
    body
}

/// Counts what is written and keeps none of it.
struct Length(usize);

impl Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write_form(body: &mut dyn Write, fields: &Fields<'_>) -> io::Result<()> {
    let mut between = "";
    for (name, value) in fields {
        let values = match value {
            Value::Text(value) | Value::Json(value) => slice::from_ref(value),
            Value::List(values) => values,
        };
        for value in values {
            body.write_all(between.as_bytes())?;
            encode(body, name)?;
            body.write_all(b"=")?;
            encode(body, value)?;
            between = "&";
        }
    }
    Ok(())
}

fn encode(body: &mut dyn Write, text: &str) -> io::Result<()> {
    form_urlencoded::byte_serialize(text.as_bytes())
        .try_for_each(|piece| body.write_all(piece.as_bytes()))
}

fn write_json(body: &mut dyn Write, fields: &Fields<'_>) -> io::Result<()> {
    let mut out = serde_json::Serializer::new(body);
    let mut map = out.serialize_map(Some(fields.len()))?;
    for (name, value) in fields {
        match value {
            Value::Text(value) => map.serialize_entry(name, value)?,
            Value::List(values) => match values.as_slice() {
                [value] => map.serialize_entry(name, value)?,
                values => map.serialize_entry(name, values)?,
            },
            Value::Json(json) => {
                map.serialize_entry(name, &serde_json::from_str::<&RawValue>(json)?)?
            }
        }
    }
    Ok(map.end()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_encoded_as_the_rfc_has_it() {
        // RFC 6749 App. B.
        assert_eq!(form(&[("v", Value::Text(" %&+£€"))]), "v=+%25%26%2B%C2%A3%E2%82%AC");
        assert_eq!(
            form(&[("a", Value::List(vec!["1", "2"])), ("b", Value::Json("[3]"))]),
            "a=1&a=2&b=%5B3%5D"
        );
    }

    #[test]
    fn json_keeps_the_order_and_makes_an_array_of_several_values() {
        assert_eq!(
            json(&[
                ("z", Value::Text("\"\u{1}")),
                ("a", Value::List(vec!["1", "2"])),
                ("b", Value::List(vec!["1"])),
                ("j", Value::Json(r#"[{"type": 1}]"#)),
            ]),
            r#"{"z":"\"\u0001","a":["1","2"],"b":"1","j":[{"type": 1}]}"#
        );
    }

    #[test]
    fn a_body_is_exactly_as_long_as_its_buffer_has_room() {
        for text in ["", "\u{0}", "€", "%%%", "plain"] {
            let text = text.repeat(300);
            let fields = [
                ("name", Value::List(vec![text.as_str(); 3])),
                ("\u{1}", Value::Text("x")),
                ("details", Value::Json("[1]")),
            ];
            for body in [
                written(|body| write_form(body, &fields)),
                written(|body| write_json(body, &fields)),
            ] {
                assert_eq!(body.capacity(), body.len());
            }
        }
    }
}
