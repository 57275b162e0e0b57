//! Text of a server, made fit to be shown: secrets masked, control characters escaped, cut short.
//!
//! Whatever may hold a secret on the way is wiped, and never grows: growing would leave a copy behind
//! in freed memory.

use std::error::Error as StdError;
use std::fmt::{self, Write};

use zeroize::Zeroizing;

use crate::client_auth::ClientAuth;
use crate::error::BoxError;

/// How much of a server's text an error keeps, in characters.
const SHOWN: usize = 200;
/// From this length on a run of token characters with a digit in it is taken for a token.
const TOKEN_SHAPED: usize = 20;
/// How much of a text is looked at, in bytes: masking may make it ten times as long.
const READ: usize = 16 * 1024;
const MASK: &str = "[redacted]";

/// A client's secret in every spelling in which a request carries it.
pub(crate) struct Secrets(Vec<Zeroizing<String>>);

impl Secrets {
    pub(crate) fn of(client: &ClientAuth) -> Self {
        let secret = client.expose_secret();
        let mut spellings = vec![Zeroizing::new(secret.to_owned())];
        // An escape is up to six bytes long. Writing to memory cannot fail.
        let mut json = Zeroizing::new(Vec::with_capacity(6 * secret.len() + 2));
        let _ = serde_json::to_writer(&mut *json, secret);
        let json = json.get(1..json.len().saturating_sub(1)).unwrap_or_default();
        let json = std::str::from_utf8(json).unwrap_or_default();
        if json != secret {
            spellings.push(Zeroizing::new(json.to_owned()));
        }
        if let Some(basic) = client.basic_header() {
            let pair = basic.to_str().unwrap_or_default().trim_start_matches("Basic ");
            spellings.push(Zeroizing::new(pair.to_owned()));
        }
        Self(spellings)
    }

    /// See [`shown`].
    pub(crate) fn shown(&self, text: &str) -> String {
        shown(text, &self.all())
    }

    /// The same for a header's value, which need not be text.
    pub(crate) fn shown_value(&self, value: &[u8]) -> String {
        // What is no text becomes a character of three bytes.
        let mut text = Zeroizing::new(String::with_capacity(3 * value.len()));
        for chunk in value.utf8_chunks() {
            text.push_str(chunk.valid());
            if !chunk.invalid().is_empty() {
                text.push(char::REPLACEMENT_CHARACTER);
            }
        }
        self.shown(&text)
    }

    /// The same for a name in which long runs are no tokens: of a host.
    pub(crate) fn shown_name(&self, text: &str) -> String {
        escape_and_cut(&mask_secrets(text, &self.all()))
    }

    /// Whether the secret stands in `text`, or may stand where a text is too long to be looked at.
    pub(crate) fn are_in(&self, text: &str) -> bool {
        *mask_secrets(text, &self.all()) != text
    }

    /// Whether a spelling of at least this length stands in `text`, however long that is.
    pub(crate) fn tell_in(&self, text: &str, least: usize) -> bool {
        let long = self.0.iter().filter(|secret| secret.len() >= least);
        long.into_iter().any(|s| text.contains(s.as_str()) || text.contains(&*form_encoded(s)))
    }

    fn all(&self) -> Vec<&str> {
        self.0.iter().map(|secret| secret.as_str()).collect()
    }
}

/// `error` as it is if no text in its chain shows the secret, else a chain of the masked texts.
pub(crate) fn masked_chain(error: BoxError, secrets: &Secrets) -> BoxError {
    let mut texts = Vec::new();
    let mut leaks = false;
    let mut next: Option<&(dyn StdError + 'static)> = Some(&*error);
    while let Some(link) = next {
        let text = wiped(format_args!("{link}"));
        leaks |= secrets.are_in(&text) || secrets.are_in(&wiped(format_args!("{link:?}")));
        texts.push(text);
        next = link.source();
    }
    if !leaks {
        return error;
    }
    let masked = texts
        .iter()
        .rev()
        .fold(None, |source, text| Some(Box::new(Masked { text: secrets.shown(text), source })));
    masked.map_or(error, |chain| chain)
}

/// What is left of an error whose text showed a secret.
#[derive(Debug)]
struct Masked {
    text: String,
    source: Option<Box<Masked>>,
}

impl fmt::Display for Masked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl StdError for Masked {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|e| e as _)
    }
}

/// `text` with every occurrence of `secrets` and everything token-shaped masked.
///
/// The secrets go first: cutting or masking by shape before would leave a part of one standing.
pub(crate) fn shown(text: &str, secrets: &[&str]) -> String {
    escape_and_cut(&mask_tokens(&mask_secrets(text, secrets)))
}

fn mask_secrets(text: &str, secrets: &[&str]) -> Zeroizing<String> {
    let read = &text[..boundary(text, READ)];
    let mut masked = Zeroizing::new(read.to_owned());
    let mut longest = TOKEN_SHAPED;
    for secret in secrets.iter().filter(|s| !s.is_empty()) {
        mask(&mut masked, secret);
        let encoded = form_encoded(secret);
        if encoded.as_str() != *secret {
            mask(&mut masked, &encoded);
        }
        longest = longest.max(encoded.len()).max(secret.len());
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
    masked
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

/// `text` in memory that is wiped. Measured first, so that it has its room before it is written.
pub(crate) fn wiped(text: fmt::Arguments<'_>) -> Zeroizing<String> {
    struct Length(usize);
    impl Write for Length {
        fn write_str(&mut self, part: &str) -> fmt::Result {
            self.0 += part.len();
            Ok(())
        }
    }
    // Neither fails unless an error's own formatting does: then its text ends there.
    let mut length = Length(0);
    let _ = length.write_fmt(text);
    let mut out = Zeroizing::new(String::with_capacity(length.0));
    let _ = out.write_fmt(text);
    out
}

/// The last boundary between characters that is not behind `at`.
fn boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

fn in_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~+/=".contains(c)
}

fn mask_tokens(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(4 * SHOWN));
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
mod tests {
    use super::{READ, shown};

    #[test]
    fn secrets_and_their_form_encoding_are_masked_before_the_text_is_cut() {
        let secret = "p+ss word";
        let text = format!("{}bad {secret} or p%2Bss+word", "x ".repeat(98));
        let out = shown(&text, &[secret]);
        assert!(!out.contains("p+ss") && !out.contains("p%2B"), "{out}");
    }

    #[test]
    fn token_shaped_text_is_masked_and_words_are_kept() {
        let out = shown("token eyJhbGciOiJSUzI1NiIs.eyJvcmciOi.c2ln was invalid", &[]);
        assert_eq!(out, "token [redacted] was invalid");
        assert_eq!(shown("Invalid client credentials", &[]), "Invalid client credentials");
    }

    #[test]
    fn control_characters_are_escaped_and_length_is_capped() {
        assert_eq!(shown("a\r\nb\u{1b}[31m", &[]), "a\\u{d}\\u{a}b\\u{1b}[31m");
        assert_eq!(shown(&"ä ".repeat(4000), &[]).chars().count(), 201);
    }

    #[test]
    fn nothing_of_a_secret_is_shown_wherever_a_long_text_is_cut() {
        // One long run that is masked, so that what follows it is shown.
        let secret = "p+ss wörd/with a long tail";
        for run in READ - 200..READ + 10 {
            let text = format!("1{} {secret}{}", "a".repeat(run), " x".repeat(READ));
            let out = shown(&text, &[secret]);
            assert!(out.starts_with("[redacted]") && !out.contains("p+"), "{run}: {out}");
            let text = format!("1{} {}{}", "a".repeat(run), "4b".repeat(40), " x".repeat(READ));
            assert!(!shown(&text, &[]).contains("4b"), "{run}");
        }
    }
}
