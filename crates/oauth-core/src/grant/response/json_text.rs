//! Raw JSON values as text, without a copy that is not wiped: serde's own scratch buffer is not.

use serde_json::value::RawValue;
use zeroize::Zeroizing;

/// A member that is there and not `null`.
pub(super) fn present(value: Option<&RawValue>) -> Option<&str> {
    value.map(|raw| raw.get().trim()).filter(|text| *text != "null")
}

/// The text of a JSON string; none for another type or a lone surrogate.
pub(super) fn string(json: &str) -> Option<Zeroizing<String>> {
    let inner = json.strip_prefix('"')?.strip_suffix('"')?;
    // An escape is never shorter than what it stands for, so this does not grow.
    let mut out = Zeroizing::new(String::with_capacity(inner.len()));
    let mut rest = inner;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let kind = rest[at + 1..].chars().next()?;
        rest = &rest[at + 1 + kind.len_utf8()..];
        out.push(match kind {
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => code_point(&mut rest)?,
            other => other,
        });
    }
    out.push_str(rest);
    Some(out)
}

/// The text of a JSON string, or the digits of a number as they stand.
pub(super) fn string_or_number(json: &str) -> Option<Zeroizing<String>> {
    let number = json.starts_with(|c: char| c.is_ascii_digit() || c == '-');
    if number { Some(Zeroizing::new(json.to_owned())) } else { string(json) }
}

fn code_point(rest: &mut &str) -> Option<char> {
    let first = unit(rest)?;
    let second = match first {
        0xD800..=0xDBFF => {
            *rest = rest.strip_prefix("\\u")?;
            Some(unit(rest)?)
        }
        _ => None,
    };
    char::decode_utf16([first].into_iter().chain(second)).next()?.ok()
}

fn unit(rest: &mut &str) -> Option<u16> {
    let (digits, tail) = rest.split_at_checked(4)?;
    *rest = tail;
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lone_surrogates_and_other_types_are_not_text() {
        for bad in [r#""\ud800""#, r#""\udc00""#, r#""\ud800\u0041""#, r#""\ud800x""#, "1", "{}"] {
            assert_eq!(string(bad), None, "{bad}");
        }
        assert_eq!(string_or_number("401021").as_deref().map(String::as_str), Some("401021"));
    }

    #[test]
    fn every_escape_of_json_is_read() {
        // RFC 8259 §7.
        for (json, text) in [
            (r#""""#, ""),
            (r#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"),
            (r#""\u0041b\u00e9\u20AC""#, "Abé€"),
            (r#""é\ud83d\ude00\uD800\uDC00\udbff\udfff""#, "é😀\u{10000}\u{10FFFF}"),
        ] {
            assert_eq!(string(json).as_deref().map(String::as_str), Some(text), "{json}");
            assert_eq!(string_or_number(json).as_deref().map(String::as_str), Some(text));
        }
        for bad in [r#""\u""#, r#""\u00e""#, r#""\u00g0""#, r#""\ud83d\u""#, r#""a"#, "-", ""] {
            assert_eq!(string(bad), None, "{bad}");
        }
        for number in ["0", "-1", "1e5"] {
            assert_eq!(string_or_number(number).as_deref().map(String::as_str), Some(number));
        }
        assert_eq!(string_or_number("true"), None);
    }

    proptest! {
        #[test]
        fn text_is_read_as_serde_reads_it(text in any::<String>(), ascii in any::<bool>()) {
            let mut json = serde_json::to_string(&text).unwrap();
            if ascii {
                json = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
                json = format!("\"{json}\"");
            }
            let read = string(&json).unwrap();
            prop_assert_eq!(read.as_str(), text.as_str());
            prop_assert!(read.capacity() <= json.len());
        }
    }
}
