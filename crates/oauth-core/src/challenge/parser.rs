//! The tokens of a header line. It only ever moves forwards.

use std::borrow::Cow;

/// What is left of a line.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

pub(super) enum Item<'a> {
    /// A token that no `=` follows.
    Scheme(&'a str),
    Param {
        name: &'a str,
        value: Value<'a>,
    },
}

pub(super) enum Value<'a> {
    Bare(&'a [u8]),
    /// Without its quotes, but with its escapes.
    Quoted(&'a [u8]),
}

impl<'a> Reader<'a> {
    pub(super) fn new(line: &'a [u8]) -> Self {
        Self { rest: line }
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next token, with its value if it has one. Whatever is between two items counts as a comma.
    pub(super) fn next_item(&mut self) -> Option<Item<'a>> {
        loop {
            match self.rest {
                [] => return None,
                [byte, ..] if is_token(*byte) => break,
                // A stray string, skipped as a whole: there may be commas in it.
                [b'"', ..] => drop(self.quoted()),
                [_, rest @ ..] => self.rest = rest,
            }
        }
        let name = ascii(self.run(is_token));
        let end = self.rest;
        self.run(is_blank);
        let [b'=', rest @ ..] = self.rest else {
            // The blanks belong to the scheme, whose token68 stands behind them.
            self.rest = end;
            return Some(Item::Scheme(name));
        };
        self.rest = rest;
        self.run(is_blank);
        let value = match self.rest {
            [b'"', ..] => Value::Quoted(self.quoted()),
            _ => Value::Bare(self.run(is_bare)),
        };
        Some(Item::Param { name, value })
    }

    /// The token68 right after a scheme, if there is one: its run must fill the whole place up to the
    /// comma or the end, else it is a parameter's name or the next scheme.
    pub(super) fn token68(&mut self) -> Option<&'a str> {
        let mut ahead = Reader { rest: self.rest };
        if ahead.run(is_blank).is_empty() {
            return None;
        }
        let start = ahead.rest;
        if ahead.run(is_token68).is_empty() {
            return None;
        }
        ahead.run(|byte| byte == b'=');
        let found = &start[..start.len() - ahead.rest.len()];
        ahead.run(is_blank);
        if !matches!(ahead.rest, [] | [b',', ..]) {
            return None;
        }
        self.rest = ahead.rest;
        Some(ascii(found))
    }

    fn run(&mut self, of: impl Fn(u8) -> bool) -> &'a [u8] {
        let end = self.rest.iter().position(|&byte| !of(byte));
        let (run, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        run
    }

    /// From the opening quote on; without a closing one, all that is left.
    fn quoted(&mut self) -> &'a [u8] {
        let text = self.rest.get(1..).unwrap_or_default();
        let mut escaped = false;
        let end = text.iter().position(|&byte| {
            let closes = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            closes
        });
        match end {
            Some(end) => {
                self.rest = &text[end + 1..];
                &text[..end]
            }
            None => {
                self.rest = &[];
                text
            }
        }
    }
}

pub(super) fn unescape(value: Value<'_>) -> Cow<'_, str> {
    let text = match value {
        Value::Quoted(text) if text.contains(&b'\\') => text,
        Value::Quoted(text) | Value::Bare(text) => return String::from_utf8_lossy(text),
    };
    let mut plain = Vec::with_capacity(text.len());
    let mut bytes = text.iter();
    while let Some(&byte) = bytes.next() {
        match byte {
            // One at the very end escapes nothing.
            b'\\' => plain.extend(bytes.next()),
            _ => plain.push(byte),
        }
    }
    Cow::Owned(String::from_utf8_lossy(&plain).into_owned())
}

/// Of bytes that passed `is_token` or `is_token68`.
fn ascii(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn is_token68(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte)
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// Wider than a token: addresses are sent without quotes.
fn is_bare(byte: u8) -> bool {
    !matches!(byte, b' ' | b'\t' | b',' | b';' | b'"')
}
