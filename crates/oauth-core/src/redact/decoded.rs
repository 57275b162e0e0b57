//! Looks for secrets in a text and in what is encoded in it: Base64 and hexadecimal, of both at
//! most two, one in the other, with escapes before, between and after them.
//!
//! The time that it takes grows with the text's length alone: what is decoded from a text is not longer
//! than it, and text that is not encoded decodes to bytes in which nothing further is found.

use std::ops::Range;

use zeroize::Zeroizing;

use super::escapes::any_round;
use super::needle::{Needle, Reduced};

/// How many encodings may be one in the other.
const DEEPEST: usize = 2;
/// Shorter runs hold less than a part of a secret that gives it away.
const SHORTEST: usize = 10;

/// Whether one of them stands in `text`, in whatever spelling.
pub(super) fn are_in(text: &[u8], needles: &[Needle]) -> bool {
    !needles.is_empty() && are_at(text, needles, 0)
}

fn are_at(text: &[u8], needles: &[Needle], depth: usize) -> bool {
    any_round(text, |text| is_at(text, needles, depth))
}

fn is_at(text: &[u8], needles: &[Needle], depth: usize) -> bool {
    let reduced = Reduced::of(text);
    let mut at_this_depth = needles.iter().filter(|needle| depth > 0 || !needle.decoded_only);
    if at_this_depth.any(|needle| needle.is_in(&reduced)) {
        return true;
    }
    depth < DEEPEST
        && [BASE64, BASE16].iter().any(|encoding| {
            runs(text, encoding.digit).any(|run| {
                // Where it begins is unknown: what stands before it may be digits as well.
                (0..encoding.per_group).any(|skipped| {
                    let digits = &text[run.start + skipped..run.end];
                    are_at(&encoding.decoded(digits), needles, depth + 1)
                })
            })
        })
}

/// Where digits stand, that many of them in a row that they may be looked at.
fn runs(text: &[u8], digit: fn(u8) -> Option<u8>) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let rest = text.get(at..)?;
            let length = rest.iter().take_while(|byte| digit(**byte).is_some()).count();
            let run = at..at + length;
            at = run.end + 1;
            if length >= SHORTEST {
                return Some(run);
            }
        }
    })
}

struct Encoding {
    digit: fn(u8) -> Option<u8>,
    /// How many bits a digit has.
    bits: u32,
    /// How many digits there are from one boundary of bytes to the next.
    per_group: usize,
}

/// Both alphabets at once (RFC 4648 §4, §5).
const BASE64: Encoding = Encoding {
    digit: |byte| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    },
    bits: 6,
    per_group: 4,
};

const BASE16: Encoding = Encoding {
    digit: |byte| char::from(byte).to_digit(16).map(|digit| digit as u8),
    bits: 4,
    per_group: 2,
};

impl Encoding {
    /// The whole bytes of these digits.
    fn decoded(&self, digits: &[u8]) -> Zeroizing<Vec<u8>> {
        let mut out = Zeroizing::new(Vec::with_capacity(digits.len()));
        let (mut held, mut count) = (0_u32, 0);
        for digit in digits.iter().filter_map(|byte| (self.digit)(*byte)) {
            held = (held << self.bits) + u32::from(digit);
            count += self.bits;
            if count >= 8 {
                count -= 8;
                out.push((held >> count) as u8);
                held &= (1 << count) - 1;
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::{BASE16, BASE64, are_in};
    use crate::redact::needle::Needle;

    #[test]
    fn digits_of_both_alphabets_are_decoded() {
        assert_eq!(*BASE64.decoded(b"-_8"), [0xFB, 0xFF]);
        assert_eq!(*BASE64.decoded(b"+/8="), [0xFB, 0xFF]);
        assert_eq!(*BASE64.decoded(b"YWJjZA"), *b"abcd");
        assert_eq!(*BASE16.decoded(b"6aFF1"), [0x6a, 0xff]);
    }

    #[test]
    fn two_encodings_in_one_another_are_looked_into_and_no_third() {
        let needles: Vec<_> = Needle::new("k7Qw/eRt+yUi").into_iter().collect();
        // Base64 of Base64, and of that.
        assert!(are_in(b"x YXpkUmR5OWxVblFyZVZWcA== y", &needles));
        assert!(!are_in(b"x WVhwa1VtUjVPV3hWYmxGeVpWWldjQT09 y", &needles));
    }

    #[test]
    fn time_grows_with_the_length_alone() {
        let needles: Vec<_> = Needle::new("k7Qw/eRt+yUi/pAs9dFg/hJk").into_iter().collect();
        let texts =
            ["k7QwERTYUIPAS9D\\", "a1", "%25", "YWFhYWFhYWFhYWFhYWFh", "=41=", "&#", "66", "4"];
        for text in texts {
            let text = text.repeat((16 << 10) / text.len());
            let started = Instant::now();
            are_in(text.as_bytes(), &needles);
            // A second round of the text for each of its bytes would take minutes.
            assert!(started.elapsed().as_secs() < 10, "{text:.16}");
        }
    }
}
