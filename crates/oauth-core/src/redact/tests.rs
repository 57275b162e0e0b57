//! Against what the module shows, to the letter.

use std::error::Error as StdError;
use std::fmt;

use zeroize::Zeroizing;

use super::chain::wiped;
use super::{NOTE, READ, Secrets, TOKEN_SHAPED, UNSURE, mask, masked_chain};
use crate::credentials::ClientAuth;

fn shown(text: &str, secrets: &[&str]) -> String {
    let pairs: Vec<_> = secrets.iter().map(|s| ClientAuth::secret("id", *s)).collect();
    Secrets::of(&pairs).shown(text)
}

#[test]
fn secrets_and_their_form_encoding_are_masked_before_the_text_is_cut() {
    let secret = "p+ss word";
    let text = format!("{}bad {secret} or p%2Bss+word", "x ".repeat(92));
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
        assert!(out.starts_with("[redacted") && !out.contains("p+"), "{run}: {out}");
        let text = format!("1{} {}{}", "a".repeat(run), "4b".repeat(40), " x".repeat(READ));
        assert!(!shown(&text, &[]).contains("4b"), "{run}");
    }
}

const SECRET: &str = "k7Qw/eRt+yUi/pAs9dFg/hJk";

fn secrets() -> Secrets {
    Secrets::of(&[ClientAuth::secret("billing", SECRET).basic()])
}

#[test]
fn a_secret_as_the_request_carried_it_is_masked_where_it_stands() {
    for (text, masked) in [
        (SECRET.to_owned(), "[redacted]"),
        (format!("a {SECRET} b {SECRET} c"), "a [redacted] b [redacted] c"),
        ("a k7Qw%2FeRt%2ByUi%2FpAs9dFg%2FhJk b".to_owned(), "a [redacted] b"),
        (
            "no (YmlsbGluZzprN1F3JTJGZVJ0JTJCeVVpJTJGcEFzOWRGZyUyRmhKaw==)".to_owned(),
            "no ([redacted])",
        ),
    ] {
        assert_eq!(secrets().shown(&text), masked, "{text}");
    }
    assert_eq!(shown(r#"a q"u\o/t12 b"#, &[r#"q"u\o/t12"#]), "a [redacted] b");
    assert_eq!(shown(r#"a q\"u\\o/t12 b"#, &[r#"q"u\o/t12"#]), "a [redacted] b", "in JSON");
    assert_eq!(shown(r#"a q\"u b"#, &["q\"u"]), "a [redacted] b", "a short one in JSON");
    assert_eq!(shown("nothing", &["", "x"]), "nothing");
}

#[test]
fn in_another_spelling_it_takes_the_whole_text_with_it() {
    assert_eq!(secrets().shown(r"a k7Qw\/eRt+yUi\/pAs9dFg\/hJk b"), NOTE);
    assert_eq!(secrets().shown("a azdRdy9lUnQreVVpL3BBczlkRmcvaEpr b"), NOTE);
    // What is short is masked last: it may break a longer one in two.
    for others in [[SECRET, "Qw"], ["Qw", SECRET]] {
        assert_eq!(shown(r"a k7Qw\/eRt+yUi\/pAs9dFg\/hJk b", &others), NOTE);
        assert_eq!(shown("a Qw b", &others), "a [redacted] b");
    }
    assert_eq!(shown("x a1B2c3D4e5F6", &["c3", "a1b2c3d4e5f6"]), NOTE);
    assert_eq!(shown("a k7QweRt1 b", &["k7QweRt1"]), "a [redacted] b", "eight are enough");
    // Of a short one the pair, and that only where it was decoded.
    assert_eq!(shown("a aWQtMTIzNDpwdy0x b", &["pw-1"]), "a aWQtMTIzNDpwdy0x b");
    let pair = Secrets::of(&[ClientAuth::secret("id-1234", "pw-1")]);
    assert_eq!(pair.shown("a aWQtMTIzNDpwdy0x b"), NOTE);
    assert_eq!(pair.shown("a id-1234:pw-1 b"), "a id-1234:[redacted] b");
    assert_eq!(pair.shown("a aWQtMTIzNA== b"), "a aWQtMTIzNA== b", "the id alone");
    let other = Secrets::default().and("north-west-7");
    assert_eq!(other.shown("north-west-7"), NOTE);
    assert!(other.gives_away_in("NORTHWEST7") && !other.gives_away_in("NORTHWEST"));
}

#[test]
fn a_value_that_is_not_text_is_shown_as_far_as_it_is() {
    assert_eq!(secrets().shown_value(b"ab\xFFcd"), "ab\u{FFFD}cd");
    assert_eq!(secrets().shown_value(b"abcd"), "abcd");
}

#[test]
fn of_a_name_in_a_longer_text_nothing_is_shown_that_may_begin_a_secret() {
    let name = |name: &str, whole: &str| secrets().shown_name(name, whole);
    let host = "eu-west-1.auth.long-name.example";
    assert_eq!(name(host, &format!("https://{host}/x")), host);
    assert_eq!(name(host, &format!("https://{host}/{SECRET}")), host);
    assert_eq!(name("k7Qw", &format!("https://{SECRET}")), "[redacted]");
    assert_eq!(name(&format!("a {SECRET}"), SECRET), "a [redacted]");
    assert_eq!(name(host, &SECRET.replace('/', "%2f")), NOTE);
    assert_eq!(name(&SECRET.replace('/', "."), "x"), NOTE);
}

#[test]
fn whether_it_is_in_a_text_is_unsure_where_that_is_too_long_to_be_looked_at() {
    assert!(secrets().are_in(SECRET) && secrets().are_in(&SECRET.replace('/', "%2f")));
    assert!(!secrets().are_in("nothing"));
    let words = "x ".repeat(READ / 2);
    assert!(!secrets().are_in(&words) && secrets().are_in(&format!("{words}x")));
}

#[test]
fn at_the_end_of_what_is_looked_at_a_secret_may_begin() {
    // The mask of the run, which is as long as what is looked at, then what is not shown.
    for (length, shown) in [(READ - 1_100, true), (READ - 1_010, false)] {
        let text = format!("1{} mark{}", "a".repeat(length), " x".repeat(READ));
        assert_eq!(secrets().shown(&text).contains("mark"), shown, "{length}");
    }
    let long = "z9".repeat(700);
    let text = format!("1{} mark{}", "a".repeat(READ - 1_300), " x".repeat(READ));
    assert!(shown(&text, &[SECRET]).contains("mark") && !shown(&text, &[&long]).contains("mark"));
}

#[test]
fn of_a_token_that_begins_where_a_long_text_is_cut_nothing_is_shown() {
    for left in 1..2 * TOKEN_SHAPED {
        let run = "a".repeat(READ - UNSURE - left - 2);
        let text = format!("1{run} {}{}", "4b".repeat(40), " x".repeat(READ));
        let token = if left < TOKEN_SHAPED { "" } else { "[redacted]" };
        assert_eq!(shown(&text, &[]), format!("[redacted] {token}"), "{left}");
    }
}

#[test]
fn a_masked_text_has_its_room_before_it_is_written() {
    for text in ["ab", "ab ab", "x ab y ab z ab", "ab and much more than that"] {
        let mut masked = Zeroizing::new(text.to_owned());
        mask(&mut masked, "ab");
        assert_eq!(*masked, text.replace("ab", "[redacted]"));
        assert_eq!(masked.capacity(), masked.len(), "{text}");
    }
}

#[test]
fn an_errors_text_has_its_room_before_it_is_written() {
    let text = wiped(format_args!("{} and {}", "some words", 12_345));
    assert_eq!((text.as_str(), text.capacity()), ("some words and 12345", text.len()));
}

#[derive(Debug)]
struct Link(&'static str, Option<Box<Link>>);

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.split('|').next().unwrap_or_default())
    }
}

impl StdError for Link {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.1.as_deref().map(|link| link as _)
    }
}

#[test]
fn a_chain_with_a_secret_is_masked_as_a_whole_and_any_other_is_kept() {
    let chain = |inner| Box::new(Link("sending", Some(Box::new(Link(inner, None)))));
    let kept = masked_chain(chain("refused"), &secrets());
    assert!(kept.is::<Link>());
    for (inner, shown) in [
        ("k7Qw/eRt+yUi/pAs9dFg/hJk!", "[redacted]!"),
        ("k7Qw%2feRt+yUi/pAs9dFg/hJk", NOTE),
        // In what `Debug` shows alone.
        ("refused|k7Qw/eRt+yUi/pAs9dFg/hJk", "refused"),
    ] {
        let masked = masked_chain(chain(inner), &secrets());
        assert_eq!(masked.to_string(), "sending");
        assert_eq!(masked.source().unwrap().to_string(), shown);
        assert!(!format!("{masked:?}").contains("k7Qw"), "{masked:?}");
    }
}
