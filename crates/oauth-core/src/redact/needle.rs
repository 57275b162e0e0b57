//! One secret, and whether a text has it: compared on letters and digits where it has enough of
//! them, else on all that can be seen, both without case.

use std::ops::Range;

use zeroize::Zeroizing;

use super::escapes::any_round;

/// Shorter secrets occur in ordinary words.
pub(super) const LEAST: usize = 8;
/// A part of a secret that is this long gives it away if it has a digit, without which it may be a
/// word, and four characters in it that differ, without which it may be a line of dashes.
const WITH_DIGIT: usize = 8;
/// The same without a digit.
const ANY: usize = 16;
const DIFFERENT: usize = 4;
/// How much of a secret is compared that has no part that gives it away.
const COMPARED: usize = 64;

/// A text, reduced to what is compared of it.
pub(super) struct Reduced {
    /// Its letters and digits of ASCII.
    letters: Zeroizing<Vec<u8>>,
    /// Without white space, control characters, and what stands for them or is written before
    /// others: `+` and the backslash.
    visible: Zeroizing<Vec<u8>>,
}

impl Reduced {
    pub(super) fn of(text: &[u8]) -> Self {
        let visible = |byte: u8| byte > b' ' && !matches!(byte, b'+' | b'\\' | 0x7F);
        Self {
            letters: kept(text, |byte| byte.is_ascii_alphanumeric()),
            visible: kept(text, visible),
        }
    }
}

/// Never grown: growing would leave a copy behind in freed memory.
fn kept(text: &[u8], keep: impl Fn(u8) -> bool) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(text.len()));
    out.extend(text.iter().filter(|byte| keep(**byte)).map(u8::to_ascii_lowercase));
    out
}

pub(super) struct Needle {
    /// As the secret is, and as it becomes where escapes are undone that it seems to have itself.
    patterns: Vec<Pattern>,
    /// Whether only what was decoded is looked at.
    pub(super) decoded_only: bool,
}

impl Needle {
    /// `None` if it is too short to be told from ordinary words.
    pub(super) fn new(secret: &str) -> Option<Self> {
        let mut patterns: Vec<Pattern> = Vec::new();
        any_round(secret.as_bytes(), |text| {
            patterns.extend(Pattern::of(Reduced::of(text)));
            false
        });
        (!patterns.is_empty()).then_some(Self { patterns, decoded_only: false })
    }

    /// The whole of it counts and no part, and only where something was decoded.
    pub(super) fn whole(text: &str) -> Option<Self> {
        let mut needle = Self::new(text)?;
        needle.decoded_only = true;
        needle.patterns.iter_mut().for_each(|pattern| pattern.parts = Vec::new());
        Some(needle)
    }

    pub(super) fn is_in(&self, text: &Reduced) -> bool {
        self.patterns.iter().any(|pattern| {
            pattern.is_in(if pattern.letters { &text.letters } else { &text.visible })
        })
    }
}

struct Pattern {
    /// Whether letters and digits alone are compared.
    letters: bool,
    text: Zeroizing<Vec<u8>>,
    /// Where the parts are that give it away, by length, in the order of what they say: no copies.
    parts: Vec<(usize, Vec<usize>)>,
}

impl Pattern {
    fn of(reduced: Reduced) -> Option<Self> {
        let letters = reduced.letters.len() >= LEAST;
        let text = if letters { reduced.letters } else { reduced.visible };
        (text.len() >= LEAST).then(|| Self::new(letters, text))
    }

    fn new(letters: bool, text: Zeroizing<Vec<u8>>) -> Self {
        let parts = [WITH_DIGIT, ANY].into_iter().map(|length| {
            let part = |at: &usize| &text[*at..*at + length];
            let starts = 0..(text.len() + 1).saturating_sub(length);
            let mut starts: Vec<_> = starts.filter(|at| gives_away(part(at))).collect();
            starts.sort_unstable_by(|a, b| part(a).cmp(part(b)));
            (length, starts)
        });
        let parts = parts.filter(|(_, starts)| !starts.is_empty()).collect();
        Self { letters, text, parts }
    }

    fn is_in(&self, text: &[u8]) -> bool {
        if self.parts.is_empty() {
            let compared = &self.text[self.text.len().saturating_sub(COMPARED)..];
            return text.windows(compared.len()).any(|window| window == compared);
        }
        self.parts.iter().any(|(length, starts)| {
            let range = |at: usize| Range { start: at, end: at + length };
            let known = |window: &[u8]| {
                starts.binary_search_by(|at| self.text[range(*at)].cmp(window)).is_ok()
            };
            text.windows(*length).any(known)
        })
    }
}

fn gives_away(part: &[u8]) -> bool {
    let mut seen = [0; DIFFERENT];
    let mut different = 0;
    for byte in part {
        if different < DIFFERENT && !seen[..different].contains(byte) {
            seen[different] = *byte;
            different += 1;
        }
    }
    different == DIFFERENT && (part.len() >= ANY || part.iter().any(u8::is_ascii_digit))
}

#[cfg(test)]
mod tests {
    use super::{Needle, Reduced};

    fn is_in(secret: &str, text: &str) -> bool {
        Needle::new(secret).unwrap().is_in(&Reduced::of(text.as_bytes()))
    }

    #[test]
    fn a_part_counts_if_it_is_long_enough_and_not_a_word() {
        assert!(is_in("abcdefg1-hijklmno", "x ABC-DEFG1 y"));
        assert!(!is_in("abcdefg1-hijklmno", "abcdefg hijklmno"));
        assert!(!is_in("abcdefghijklmnopq", "abcdefghijklmno"), "fifteen letters");
        assert!(is_in("abcdefghijklmnopq", "bcdefghijklmnopq"), "sixteen");
        assert!(!is_in("11111111222233334x", "1111111122223333"), "three that differ");
        assert!(is_in("11111111222233334x", "2233334x"));
    }

    #[test]
    fn without_such_a_part_the_whole_counts() {
        assert!(is_in("the-secret", "not (the secret)"));
        assert!(!is_in("the-secret", "the secre"));
        assert!(is_in("11111111", "11111111"));
        assert!(!is_in("11111111", "1111111"));
        let whole = Needle::whole("visible-id-1:pw").unwrap();
        assert!(!whole.is_in(&Reduced::of(b"visible-id-1")));
        assert!(whole.is_in(&Reduced::of(b"<visible-id-1:pw>")));
    }

    #[test]
    fn few_letters_are_compared_with_all_that_can_be_seen() {
        assert!(is_in("!\"#$%'()", "x !\"#$%'() y"));
        assert!(is_in("!\"# $%+'\\()\t", "!\"#$%'()"));
        assert!(!is_in("!\"#$%'()", "!\"#$%'("));
        assert!(Needle::new("!\"#$%'(").is_none() && Needle::new("pw-1").is_none());
    }

    #[test]
    fn an_end_of_what_is_long_and_all_the_same_is_enough() {
        let secret = "a".repeat(100);
        assert!(is_in(&secret, &"a".repeat(64)) && !is_in(&secret, &"a".repeat(63)));
    }
}
