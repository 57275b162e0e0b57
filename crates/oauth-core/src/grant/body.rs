//! Bodies of token requests. They hold the client's secret: sized beforehand, so that growing
//! leaves no copy behind, and overwritten with zeros when the last clone goes.

use bytes::Bytes;
use serde::Serializer as _;
use serde::ser::SerializeMap;
use zeroize::Zeroizing;

/// The members of a request in the order in which they are sent; a name with several values is
/// repeated in a form and an array in JSON.
pub(super) type Members<'a> = [(&'a str, Vec<&'a str>)];

/// `application/x-www-form-urlencoded` (RFC 6749 App. B).
pub(super) fn form(members: &Members<'_>) -> Bytes {
    // Each byte becomes three at most; `=` and `&` come once a value.
    let mut body = wiped(members, 3);
    for (name, values) in members {
        for value in values {
            if !body.is_empty() {
                body.push(b'&');
            }
            encode(&mut body, name);
            body.push(b'=');
            encode(&mut body, value);
        }
    }
    Bytes::from_owner(body)
}

/// One JSON object.
pub(super) fn json(members: &Members<'_>) -> Bytes {
    // `\u0000` is the longest escape.
    let mut body = wiped(members, 6);
    // Writing text into a vector cannot fail.
    let _ = write_json(&mut body, members);
    Bytes::from_owner(body)
}

fn write_json(body: &mut Vec<u8>, members: &Members<'_>) -> serde_json::Result<()> {
    let mut out = serde_json::Serializer::new(body);
    let mut map = out.serialize_map(Some(members.len()))?;
    for (name, values) in members {
        match values.as_slice() {
            [value] => map.serialize_entry(name, value)?,
            values => map.serialize_entry(name, values)?,
        }
    }
    map.end()
}

/// An empty buffer that no encoding of `members` can outgrow.
fn wiped(members: &Members<'_>, worst: usize) -> Zeroizing<Vec<u8>> {
    // Quotes, colon, comma and an array's brackets.
    const AROUND: usize = 8;
    let size: usize = members
        .iter()
        .map(|(name, values)| {
            let each = |value: &&str| (name.len() + value.len()) * worst + AROUND;
            AROUND + name.len() * worst + values.iter().map(each).sum::<usize>()
        })
        .sum();
    Zeroizing::new(Vec::with_capacity(size + AROUND))
}

fn encode(body: &mut Vec<u8>, text: &str) {
    for piece in form_urlencoded::byte_serialize(text.as_bytes()) {
        body.extend_from_slice(piece.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_encoded_as_the_rfc_has_it() {
        // RFC 6749 App. B.
        assert_eq!(form(&[("v", vec![" %&+£€"])]), "v=+%25%26%2B%C2%A3%E2%82%AC");
        assert_eq!(form(&[("a", vec!["1", "2"]), ("b", vec!["3"])]), "a=1&a=2&b=3");
    }

    #[test]
    fn json_keeps_the_order_and_makes_an_array_of_several_values() {
        assert_eq!(
            json(&[("z", vec!["\"\u{1}"]), ("a", vec!["1", "2"])]),
            r#"{"z":"\"\u0001","a":["1","2"]}"#
        );
    }

    #[test]
    fn a_body_never_outgrows_its_first_buffer() {
        for text in ["", "\u{0}", "€", "%%%", "plain"] {
            let text = text.repeat(300);
            let members = [("name", vec![text.as_str(); 3]), ("\u{1}", vec!["x"])];
            assert!(form(&members).len() <= wiped(&members, 3).capacity());
            assert!(json(&members).len() <= wiped(&members, 6).capacity());
        }
    }
}
