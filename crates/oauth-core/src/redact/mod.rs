//! Makes text of a server safe to show: secrets masked, control characters escaped, truncated.
//!
//! A secret that stands in a text as the request carried it is masked where it stands. In any other
//! spelling, escaped or encoded, it takes the whole text with it: what is looked at then is the text
//! with its escapes undone, so that where it stood is not known.
//!
//! Whatever may hold a secret on the way is wiped, and never grows: growing would leave a copy behind
//! in freed memory.

mod chain;
mod decoded;
mod escapes;
mod needle;

use std::borrow::Borrow;
use std::fmt::Write;

use zeroize::Zeroizing;

use crate::credentials::ClientAuth;

pub(crate) use chain::{masked_chain, wiped};
use needle::Needle;

/// How much of a server's text an error keeps, in characters.
const SHOWN: usize = 200;
/// From this length on a run of token characters with a digit in it is taken for a token.
const TOKEN_SHAPED: usize = 20;
/// How much of a text is looked at, in bytes: masking may make it ten times as long.
const READ: usize = 4 * 1024;
/// How much of its end is not shown where a text is longer than that: the beginning of a secret may
/// stand there, in a spelling that is many times as long.
const UNSURE: usize = 1024;
const MASK: &str = "[redacted]";
/// What is shown in the place of a text that has a secret in another spelling.
const NOTE: &str = "[redacted: it contains the client's credentials]";

/// The secrets that a text must not show.
#[derive(Default)]
pub(crate) struct Secrets {
    /// In the spellings in which a request carries them, the long ones first: a short one that is
    /// masked may break a long one in two.
    spellings: Vec<Zeroizing<String>>,
    /// Those that are long enough to be looked for in every spelling.
    needles: Vec<Needle>,
}

impl Secrets {
    /// The secrets of these credentials.
    pub(crate) fn of(clients: &[impl Borrow<ClientAuth>]) -> Self {
        let mut secrets = Self::default();
        clients.iter().for_each(|client| secrets.add(client.borrow()));
        secrets.spellings.sort_by_key(|spelling| std::cmp::Reverse(spelling.len()));
        secrets
    }

    fn add(&mut self, client: &ClientAuth) {
        let Some(secret) = client.expose_secret() else { return };
        let needle = Needle::new(secret);
        if needle.is_none() {
            // Of itself too short, but not with the id, as Basic carries them.
            let parts = [client.id(), ":", secret];
            let mut basic_text =
                Zeroizing::new(String::with_capacity(parts.map(str::len).iter().sum()));
            parts.into_iter().for_each(|part| basic_text.push_str(part));
            self.needles.extend(Needle::whole(&basic_text));
        }
        self.needles.extend(needle);
        self.spellings.push(Zeroizing::new(secret.to_owned()));
        // An escape is up to six bytes long. Writing to memory cannot fail.
        let mut json = Zeroizing::new(Vec::with_capacity(6 * secret.len() + 2));
        let _ = serde_json::to_writer(&mut *json, secret);
        let json = json.get(1..json.len().saturating_sub(1)).unwrap_or_default();
        let json = std::str::from_utf8(json).unwrap_or_default();
        if json != secret {
            self.spellings.push(Zeroizing::new(json.to_owned()));
        }
        if let Some(basic) = client.basic_header() {
            let basic_text = basic.to_str().unwrap_or_default().trim_start_matches("Basic ");
            self.spellings.push(Zeroizing::new(basic_text.to_owned()));
        }
    }

    /// And this one: a token that a response has beside other texts, an assertion. Takes the whole text
    /// with it wherever it stands, if it is long enough not to be an ordinary word.
    pub(crate) fn and(mut self, other: &str) -> Self {
        self.needles.extend(Needle::new(other));
        self
    }

    /// `text` with all of it masked that is a secret or looks like a token.
    ///
    /// The secrets go first: cutting or masking by shape before would leave a part of one standing.
    pub(crate) fn shown(&self, text: &str) -> String {
        self.masked(text)
            .map_or_else(|| NOTE.to_owned(), |text| escape_and_cut(&mask_tokens(&text)))
    }

    /// The same for a header's value, which need not be text.
    pub(crate) fn shown_value(&self, value: &[u8]) -> String {
        // A byte that is not text becomes a character of three bytes.
        let mut text = Zeroizing::new(String::with_capacity(3 * value.len()));
        for chunk in value.utf8_chunks() {
            text.push_str(chunk.valid());
            if !chunk.invalid().is_empty() {
                text.push(char::REPLACEMENT_CHARACTER);
            }
        }
        self.shown(&text)
    }

    /// The same for a host name, in which long runs are not tokens, that is part of `whole`: what `whole`
    /// has of a secret may begin in it.
    pub(crate) fn shown_name(&self, name: &str, whole: &str) -> String {
        match (self.masked(name), self.masked(whole)) {
            (Some(masked), Some(whole)) if *masked != name || whole.contains(name) => {
                escape_and_cut(&masked)
            }
            (Some(_), Some(_)) => MASK.to_owned(),
            _ => NOTE.to_owned(),
        }
    }

    /// Whether a secret stands in `text`, or may stand where a text is too long to be looked at.
    pub(crate) fn are_in(&self, text: &str) -> bool {
        self.masked(text).is_none_or(|masked| *masked != text)
    }

    /// Whether a secret that is not a word is in `text`, all of which is searched.
    pub(crate) fn gives_away_in(&self, text: &str) -> bool {
        decoded::are_in(text.as_bytes(), &self.needles)
    }

    /// None if it has a secret in a spelling that no request carries it in.
    fn masked(&self, text: &str) -> Option<Zeroizing<String>> {
        let read = &text[..boundary(text, READ)];
        let mut masked = Zeroizing::new(read.to_owned());
        let mut longest = UNSURE;
        let mut looked = false;
        for secret in self.spellings.iter().filter(|s| !s.is_empty()) {
            if secret.len() < needle::LEAST && !looked {
                looked = true;
                if self.gives_away_in(&masked) {
                    return None;
                }
            }
            mask(&mut masked, secret);
            let encoded = form_encoded(secret);
            if encoded.as_str() != secret.as_str() {
                mask(&mut masked, &encoded);
            }
            longest = longest.max(encoded.len()).max(secret.len());
        }
        if !looked && self.gives_away_in(&masked) {
            return None;
        }
        if read.len() < text.len() {
            // The beginning of a secret or of a token may stand here, which nothing above has seen.
            let end = boundary(&masked, masked.len().saturating_sub(longest));
            masked.truncate(end);
            // What is left of a token's beginning would be too short to be known for one.
            let run = masked.len() - masked.trim_end_matches(in_token).len();
            if run < TOKEN_SHAPED {
                let end = masked.len() - run;
                masked.truncate(end);
            }
        }
        Some(masked)
    }
}

fn form_encoded(text: &str) -> Zeroizing<String> {
    // A byte becomes three at most.
    let mut encoded = Zeroizing::new(String::with_capacity(3 * text.len()));
    encoded.extend(form_urlencoded::byte_serialize(text.as_bytes()));
    encoded
}

/// Like `str::replace`, whose result grows and whose old text is freed as it is.
fn mask(text: &mut Zeroizing<String>, secret: &str) {
    let count = text.matches(secret).count();
    if count == 0 {
        return;
    }
    let length = text.len() - count * secret.len() + count * MASK.len();
    let mut masked = Zeroizing::new(String::with_capacity(length));
    for (i, part) in text.split(secret).enumerate() {
        if i > 0 {
            masked.push_str(MASK);
        }
        masked.push_str(part);
    }
    *text = masked;
}

/// The last boundary between characters that is not behind `at`.
fn boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

fn in_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~+/=".contains(c)
}

fn mask_tokens(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    // Everything after what is shown would be cut anyway.
    while !rest.is_empty() && out.len() <= 4 * SHOWN {
        let run = rest.find(|c| !in_token(c)).unwrap_or(rest.len());
        let (word, tail) = rest.split_at(run);
        if word.len() >= TOKEN_SHAPED && word.bytes().any(|b| b.is_ascii_digit()) {
            out.push_str(MASK);
        } else {
            out.push_str(word);
        }
        let gap = tail.find(in_token).unwrap_or(tail.len());
        out.push_str(&tail[..gap]);
        rest = &tail[gap..];
    }
    out
}

fn escape_and_cut(text: &str) -> String {
    let mut out = String::new();
    for (i, c) in text.chars().enumerate() {
        if i == SHOWN {
            out.push('…');
            break;
        }
        // Control and bidirectional formatting characters could forge lines in a log.
        if c.is_control() || matches!(c, '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}') {
            // Writing to a `String` cannot fail.
            let _ = write!(out, "{}", c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests;
