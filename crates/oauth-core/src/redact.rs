//! Text of a server, made fit to be shown: secrets masked, control characters escaped, cut short.

use std::fmt::Write;

/// How much of a server's text an error keeps, in characters.
const SHOWN: usize = 200;
/// From this length on a run of token characters with a digit in it is taken for a token.
const TOKEN_SHAPED: usize = 20;
const MASK: &str = "[redacted]";

/// `text` with every occurrence of `secrets` and everything token-shaped masked.
///
/// The secrets go first: cutting or masking by shape before would leave a part of one standing.
pub(crate) fn shown(text: &str, secrets: &[&str]) -> String {
    let mut masked = text.to_owned();
    for secret in secrets.iter().filter(|s| !s.is_empty()) {
        if masked.contains(secret) {
            masked = masked.replace(secret, MASK);
        }
        let encoded: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        if encoded != *secret && masked.contains(&encoded) {
            masked = masked.replace(&encoded, MASK);
        }
    }
    escape_and_cut(&mask_tokens(&masked))
}

fn mask_tokens(text: &str) -> String {
    let in_token = |c: char| c.is_ascii_alphanumeric() || "-._~+/=".contains(c);
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
    use super::shown;

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
}
