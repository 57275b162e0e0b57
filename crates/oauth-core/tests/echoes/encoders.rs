//! Reversible ways to write a text, as servers and their gateways do.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

pub(crate) type Encoder = (&'static str, fn(&str) -> String);

pub(crate) const ENCODERS: [Encoder; 15] = [
    ("as it is", str::to_owned),
    ("JSON with escaped slashes, as PHP writes it", |text| {
        let quoted = serde_json::to_string(text).unwrap();
        quoted[1..quoted.len() - 1].replace('/', "\\/")
    }),
    ("JSON as .NET writes it", |text| json(text, |c| !c.is_ascii_alphanumeric(), true)),
    ("JSON with nothing but escapes", |text| json(text, |_| true, false)),
    ("percent, upper case", |text| percent(text, |byte| format!("%{byte:02X}"))),
    ("percent, lower case", |text| percent(text, |byte| format!("%{byte:02x}"))),
    ("percent, twice", |text| percent(text, |byte| format!("%25{byte:02X}"))),
    ("form", |text| form_urlencoded::byte_serialize(text.as_bytes()).collect()),
    ("HTML, named", html_named),
    ("HTML, decimal", |text| html(text, |c| format!("&#{};", c as u32))),
    ("HTML, hexadecimal", |text| html(text, |c| format!("&#x{:x};", c as u32))),
    ("Base64", |text| STANDARD.encode(text)),
    ("Base64 for URLs", |text| URL_SAFE_NO_PAD.encode(text)),
    ("hexadecimal", |text| text.bytes().map(|byte| format!("{byte:02x}")).collect()),
    ("as a shell quotes it", |text| {
        let plain = |c: char| c.is_alphanumeric() || "_-./".contains(c);
        text.chars().flat_map(|c| (!plain(c)).then_some('\\').into_iter().chain([c])).collect()
    }),
];

/// Not in the pairs of all: without more than this the table would grow by a third.
pub(crate) const OTHERS: [Encoder; 4] = [
    ("quoted-printable", quoted_printable),
    ("as C writes it", |text| {
        let escape = |byte: u8| match byte {
            b' '..=b'~' if !b"\"\\?".contains(&byte) => char::from(byte).to_string(),
            byte => format!("\\{byte:03o}"),
        };
        text.bytes().map(escape).collect()
    }),
    ("upper case", |text| text.to_ascii_uppercase()),
    ("hexadecimal in upper case", |text| text.bytes().map(|byte| format!("{byte:02X}")).collect()),
];

fn json(text: &str, escaped: fn(char) -> bool, upper: bool) -> String {
    let escape = |c: char| {
        let mut units = [0; 2];
        let units = c.encode_utf16(&mut units).iter();
        units.map(|u| if upper { format!("\\u{u:04X}") } else { format!("\\u{u:04x}") }).collect()
    };
    text.chars().map(|c| if escaped(c) { escape(c) } else { c.to_string() }).collect()
}

fn percent(text: &str, escape: fn(u8) -> String) -> String {
    let kept = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let one = |byte: u8| if kept(byte) { char::from(byte).to_string() } else { escape(byte) };
    text.bytes().map(one).collect()
}

fn html(text: &str, escape: fn(char) -> String) -> String {
    let one = |c: char| if c.is_ascii_alphanumeric() { c.to_string() } else { escape(c) };
    text.chars().map(one).collect()
}

fn html_named(text: &str) -> String {
    html(text, |c| {
        let name = match c {
            '&' => "amp",
            '<' => "lt",
            '>' => "gt",
            '"' => "quot",
            '\'' => "apos",
            '/' => "sol",
            '+' => "plus",
            '=' => "equals",
            ':' => "colon",
            '%' => "percnt",
            _ => return c.to_string(),
        };
        format!("&{name};")
    })
}

/// With lines of at most 76 characters (RFC 2045 §6.7).
fn quoted_printable(text: &str) -> String {
    let (mut out, mut column) = (String::new(), 0);
    for byte in text.bytes() {
        let plain = (b'!'..=b'~').contains(&byte) && byte != b'=';
        let part = if plain { char::from(byte).to_string() } else { format!("={byte:02X}") };
        if column + part.len() > 75 {
            out.push_str("=\r\n");
            column = 0;
        }
        column += part.len();
        out.push_str(&part);
    }
    out
}
