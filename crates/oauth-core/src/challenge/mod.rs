//! The challenges of a `WWW-Authenticate` header (RFC 9110 §11.6.1, RFC 6750 §3).
//!
//! [`challenges`] reads what servers really send: several challenges in one line, several lines, any case,
//! token68, quoted strings with commas and escapes in them, commas without a space or no comma at all,
//! blanks around `=`, unquoted values that are not tokens, and arbitrary bytes. What cannot be read is
//! skipped, and nothing panics.
//!
//! ```
//! use http::{HeaderMap, HeaderValue, header::WWW_AUTHENTICATE};
//! use oauth_core::challenge::challenges;
//!
//! let mut headers = HeaderMap::new();
//! headers.append(
//!     WWW_AUTHENTICATE,
//!     HeaderValue::from_static(r#"Basic realm="x", bearer ERROR="invalid_token""#),
//! );
//! let bearer = challenges(&headers).find(|c| c.is("Bearer")).expect("the second challenge");
//! assert_eq!(bearer.param("error").as_deref(), Some("invalid_token"));
//! ```
//!
//! # Limits
//!
//! The header is untrusted, so reading is bounded by [`MAX_LINES`], [`MAX_CHALLENGES`] and [`MAX_TEXT`].
//! What is beyond counts as absent; the last challenge may lack its end. A line is never continued by the
//! next one: each begins with a scheme.
//!
//! # Cost
//!
//! Nothing is allocated except for a value with escapes or with bytes that are not UTF-8. The reader only
//! moves forward and looks at a byte at most four times, so the iteration is linear in the text, and
//! [`Challenge::param`] in its own challenge.

mod hints;
mod parser;

use std::borrow::Cow;
use std::fmt;

use http::header::{GetAll, ValueIter, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue};

pub use self::hints::Hints;
use self::parser::{Item, Reader, unescape};

/// The number of header lines that are read.
pub const MAX_LINES: usize = 16;

/// The number of challenges that are returned.
pub const MAX_CHALLENGES: usize = 64;

/// The bytes of header text that are read, of all lines together.
pub const MAX_TEXT: usize = 16 * 1024;

/// The challenges of all `WWW-Authenticate` lines, in order.
pub fn challenges(headers: &HeaderMap) -> Challenges<'_> {
    let lines: GetAll<'_, HeaderValue> = headers.get_all(WWW_AUTHENTICATE);
    Challenges {
        lines: lines.iter(),
        lines_left: MAX_LINES,
        challenges_left: MAX_CHALLENGES,
        text_left: MAX_TEXT,
        line: Reader::new(&[]),
        scheme: None,
    }
}

/// The iterator that [`challenges`] returns.
pub struct Challenges<'a> {
    lines: ValueIter<'a, HeaderValue>,
    lines_left: usize,
    challenges_left: usize,
    text_left: usize,
    line: Reader<'a>,
    /// Read already: it ended the challenge before.
    scheme: Option<&'a str>,
}

impl<'a> Challenges<'a> {
    fn next_line(&mut self) -> Option<Reader<'a>> {
        self.lines_left = self.lines_left.checked_sub(1)?;
        let line = self.lines.next()?.as_bytes();
        let line = &line[..line.len().min(self.text_left)];
        self.text_left -= line.len();
        Some(Reader::new(line))
    }

    fn next_scheme(&mut self) -> Option<&'a str> {
        if let Some(scheme) = self.scheme.take() {
            return Some(scheme);
        }
        loop {
            match self.line.next_item() {
                Some(Item::Scheme(scheme)) => return Some(scheme),
                // Belongs to no challenge.
                Some(Item::Param { .. }) => {}
                None => self.line = self.next_line()?,
            }
        }
    }
}

impl<'a> Iterator for Challenges<'a> {
    type Item = Challenge<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        self.challenges_left = self.challenges_left.checked_sub(1)?;
        let scheme = self.next_scheme()?;
        let token68 = self.line.token68();
        let params = self.line.rest();
        loop {
            let read = params.len() - self.line.rest().len();
            match self.line.next_item() {
                Some(Item::Param { .. }) => continue,
                Some(Item::Scheme(next)) => self.scheme = Some(next),
                None => {}
            }
            return Some(Challenge { scheme, token68, params: &params[..read] });
        }
    }
}

impl fmt::Debug for Challenges<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Challenges").finish_non_exhaustive()
    }
}

/// One challenge: a scheme, and a token68 or parameters.
#[derive(Clone, Copy)]
pub struct Challenge<'a> {
    scheme: &'a str,
    token68: Option<&'a str>,
    params: &'a [u8],
}

impl<'a> Challenge<'a> {
    /// The scheme as it was sent.
    pub fn scheme(&self) -> &'a str {
        self.scheme
    }

    /// Whether this is the scheme, in any case.
    pub fn is(&self, scheme: &str) -> bool {
        self.scheme.eq_ignore_ascii_case(scheme)
    }

    /// The value of the parameter, in any case of its name; of several, the first.
    ///
    /// Without quotes and escapes. Bytes that are not UTF-8 become U+FFFD.
    pub fn param(&self, name: &str) -> Option<Cow<'a, str>> {
        let mut reader = Reader::new(self.params);
        while let Some(item) = reader.next_item() {
            match item {
                Item::Param { name: n, value } if n.eq_ignore_ascii_case(name) => {
                    return Some(unescape(value));
                }
                _ => {}
            }
        }
        None
    }

    /// The token68 that some schemes have in the place of parameters (`Negotiate`, `NTLM`).
    pub fn token68(&self) -> Option<&'a str> {
        self.token68
    }
}

impl fmt::Debug for Challenge<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A token68 or a nonce has no place in a log.
        f.debug_struct("Challenge").field("scheme", &self.scheme).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
