//! Undoes escapes: of JSON and its kin, URLs, HTML, shells and mail.
//!
//! Generous where writers differ: nothing that is undone here is ever shown, it is only compared.

use zeroize::Zeroizing;

/// An escape and what it stands for: never longer than the escape.
struct Escape {
    length: usize,
    bytes: [u8; 4],
    count: usize,
}

impl Escape {
    fn nothing(length: usize) -> Self {
        Self { length, bytes: [0; 4], count: 0 }
    }

    fn byte(length: usize, byte: u8) -> Self {
        Self { length, bytes: [byte, 0, 0, 0], count: 1 }
    }

    fn character(length: usize, code: u32) -> Option<Self> {
        let mut bytes = [0; 4];
        let count = char::from_u32(code)?.encode_utf8(&mut bytes).len();
        Some(Self { length, bytes, count })
    }
}

/// Escapes are nested at most this deep; one of two rounds may stand in another of two.
const ROUNDS: usize = 6;

/// Shows the text to `look` as it is, and after each round in which all escapes in it were undone,
/// until it says yes. Then the same with those of quoted-printable, where a `=` before two
/// hexadecimal digits is more often something else.
///
/// After each round, and not after the last alone: what stands before a secret may make an escape of
/// its beginning.
pub(super) fn any_round(text: &[u8], mut look: impl FnMut(&[u8]) -> bool) -> bool {
    let copy = || Zeroizing::new(text.to_vec());
    let mut common = copy();
    let mut rounds = 0..ROUNDS;
    loop {
        if look(&common) {
            return true;
        }
        if rounds.next().is_none() || !undo(&mut common, escape) {
            break;
        }
    }
    let (mut mail, mut seen) = (copy(), false);
    for _ in 0..2 * ROUNDS {
        // By themselves: the soft end of a line may have broken another escape in two.
        let quoted = undo(&mut mail, quoted);
        if !quoted && !undo(&mut mail, escape) {
            break;
        }
        seen |= quoted;
        if seen && look(&mail) {
            return true;
        }
    }
    false
}

/// Whether there were any.
fn undo(text: &mut Vec<u8>, escape: fn(&[u8]) -> Option<Escape>) -> bool {
    let (mut from, mut to) = (0, 0);
    while let Some(&byte) = text.get(from) {
        let escape = escape(&text[from..]).unwrap_or(Escape::byte(1, byte));
        // What it stands for is not longer, so that this overtakes nothing.
        text[to..to + escape.count].copy_from_slice(&escape.bytes[..escape.count]);
        to += escape.count;
        from += escape.length;
    }
    text.truncate(to);
    to < from
}

fn escape(text: &[u8]) -> Option<Escape> {
    match text {
        [b'%', b'u' | b'U', digits @ ..] => {
            utf16(digits, b'%').map(|(length, code)| Escape::character(2 + length, code))?
        }
        [b'%', digits @ ..] => {
            number(digits, 16, 2, 2).map(|(code, _)| Escape::byte(3, code as u8))
        }
        [b'\\', rest @ ..] => Some(backslash(rest)),
        [b'&', rest @ ..] => entity(rest),
        _ => None,
    }
}

/// `=2F`, and the soft end of a line (RFC 2045 §6.7).
fn quoted(text: &[u8]) -> Option<Escape> {
    match text {
        [b'=', b'\r', b'\n', ..] => Some(Escape::nothing(3)),
        [b'=', b'\n', ..] => Some(Escape::nothing(2)),
        [b'=', digits @ ..] => {
            number(digits, 16, 2, 2).map(|(code, _)| Escape::byte(3, code as u8))
        }
        _ => None,
    }
}

/// After a backslash. One that begins nothing known is dropped: it quotes what follows.
fn backslash(rest: &[u8]) -> Escape {
    let known = match rest {
        [b'u' | b'U' | b'x' | b'X', b'{', digits @ ..] => number(digits, 16, 1, 6)
            .filter(|(_, length)| digits.get(*length) == Some(&b'}'))
            .and_then(|(code, length)| Escape::character(length + 4, code)),
        [b'U', digits @ ..] if number(digits, 16, 8, 8).is_some() => {
            number(digits, 16, 8, 8).and_then(|(code, _)| Escape::character(10, code))
        }
        [b'u' | b'U', digits @ ..] => {
            utf16(digits, b'\\').and_then(|(length, code)| Escape::character(2 + length, code))
        }
        [b'x' | b'X', digits @ ..] => {
            number(digits, 16, 2, 2).map(|(code, _)| Escape::byte(4, code as u8))
        }
        [b'0'..=b'3', ..] => number(rest, 8, 3, 3).map(|(code, _)| Escape::byte(4, code as u8)),
        [b'r', ..] => Some(Escape::byte(2, b'\r')),
        [b'n', ..] => Some(Escape::byte(2, b'\n')),
        [b'b' | b'f' | b't' | b'v', ..] => Some(Escape::byte(2, b' ')),
        [b'\\', ..] => Some(Escape::byte(2, b'\\')),
        _ => None,
    };
    known.unwrap_or(Escape::nothing(1))
}

/// Four digits, and those of a second half after the same mark: their length and the character's
/// number.
fn utf16(digits: &[u8], mark: u8) -> Option<(usize, u32)> {
    let (first, _) = number(digits, 16, 4, 4)?;
    let second = match digits.get(4..) {
        Some([m, b'u' | b'U', rest @ ..]) if *m == mark => number(rest, 16, 4, 4),
        _ => None,
    };
    match (first, second) {
        (0xD800..=0xDBFF, Some((second @ 0xDC00..=0xDFFF, _))) => {
            Some((10, 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00)))
        }
        _ => Some((4, first)),
    }
}

/// After an ampersand: by number, or by name as far as ASCII has a character of that name.
fn entity(rest: &[u8]) -> Option<Escape> {
    let (code, length) = match rest {
        [b'#', b'x' | b'X', digits @ ..] => {
            number(digits, 16, 1, 8).map(|(code, length)| (code, length + 2))?
        }
        [b'#', digits @ ..] => number(digits, 10, 1, 9).map(|(code, length)| (code, length + 1))?,
        _ => {
            let length = rest.iter().take(8).position(|byte| *byte == b';')?;
            let named =
                |(_, name): &&(u8, &str)| name.as_bytes().eq_ignore_ascii_case(&rest[..length]);
            let (byte, _) = NAMES.iter().find(named)?;
            return Some(Escape::byte(length + 2, *byte));
        }
    };
    let end = usize::from(rest.get(length) == Some(&b';'));
    Escape::character(1 + length + end, code)
}

/// As many digits as there are, within these limits: their value and how many they are.
fn number(digits: &[u8], radix: u32, least: usize, most: usize) -> Option<(u32, usize)> {
    let (mut value, mut length) = (0_u32, 0);
    for byte in digits.iter().take(most) {
        let Some(digit) = char::from(*byte).to_digit(radix) else { break };
        value = value.checked_mul(radix)?.checked_add(digit)?;
        length += 1;
    }
    (length >= least).then_some((value, length))
}

/// The names that HTML has for ASCII.
const NAMES: [(u8, &str); 40] = [
    (b'\t', "tab"),
    (b'\n', "newline"),
    (b' ', "nbsp"),
    (b'!', "excl"),
    (b'"', "quot"),
    (b'#', "num"),
    (b'$', "dollar"),
    (b'%', "percnt"),
    (b'&', "amp"),
    (b'\'', "apos"),
    (b'(', "lpar"),
    (b')', "rpar"),
    (b'*', "ast"),
    (b'*', "midast"),
    (b'+', "plus"),
    (b',', "comma"),
    (b'.', "period"),
    (b'/', "sol"),
    (b':', "colon"),
    (b';', "semi"),
    (b'<', "lt"),
    (b'=', "equals"),
    (b'>', "gt"),
    (b'?', "quest"),
    (b'@', "commat"),
    (b'[', "lsqb"),
    (b'[', "lbrack"),
    (b'\\', "bsol"),
    (b']', "rsqb"),
    (b']', "rbrack"),
    (b'^', "hat"),
    (b'_', "lowbar"),
    (b'`', "grave"),
    (b'{', "lcub"),
    (b'{', "lbrace"),
    (b'|', "verbar"),
    (b'|', "vert"),
    (b'}', "rcub"),
    (b'}', "rbrace"),
    (b'-', "hyphen"),
];

#[cfg(test)]
mod tests {
    use super::any_round;

    /// After the last round.
    fn undone(text: &str) -> String {
        let mut last = Vec::new();
        assert!(!any_round(text.as_bytes(), |text| {
            last = text.to_vec();
            false
        }));
        String::from_utf8_lossy(&last).into_owned()
    }

    #[test]
    fn every_escape_stands_for_one_character() {
        for (text, plain) in [
            ("a%2Fb%2fc", "a/b/c"),
            ("%252F %25252f", "/ /"),
            ("%u002B%U00e9", "+é"),
            ("%uD83D%uDE00", "😀"),
            (r"\/\+\\\'", "/+'"),
            (r"\u002B\u{2b}\x2b\X2B\x{2b}\U0000002b\053", "+++++++"),
            (r"\ud83d\ude00\u{1f600}\U0001F600", "😀😀😀"),
            (r"a\nb\tc\rd\be\ff\vg", "a\nb c\rd e f g"),
            (r"\U002B\U00e9", "+é"),
            ("&amp;&lt;&SOL;&plus;&semi;&newline;", "&</+;\n"),
            ("&#47;&#x2f;&#X2F;&#47&#128512;", "////😀"),
            ("&#x9;&#x02b;&#x0001F600;&#9;&#000000043;", "\t+😀\t+"),
            ("&amp;sol;", "/"),
            (r"%5Cu002f&#92;u002f\u0025\u0032F", "///"),
        ] {
            assert_eq!(undone(text), plain, "{text}");
        }
    }

    #[test]
    fn what_is_not_an_escape_stays() {
        for text in [
            "100% sure",
            "%",
            "%2",
            "%zz",
            "%u12",
            "&",
            "&;",
            "&a",
            "&unknown;",
            "&#;",
            "&#x110000;",
        ] {
            assert_eq!(undone(text), text);
        }
        for (text, plain) in [
            (r"\u12", "u12"),
            (r"\xz", "xz"),
            (r"\ud83d", "ud83d"),
            (r"\u{", "u{"),
            (r"\400", "400"),
            (r"\u{2bx", "u{2bx"),
            (r"\u{}", "u{}"),
        ] {
            assert_eq!(undone(text), plain);
        }
        assert_eq!(undone(r"\ud83d\u0041"), "ud83dA");
        assert_eq!(undone(r"\ud83d%ude00"), "ud83d%ude00");
        assert_eq!(undone(r"\ud83dxude00"), "ud83dxude00");
        assert_eq!(undone(r"%ud83d\ude00"), "%ud83dude00");
        assert_eq!(undone(r"\ud83d\ud83d"), "ud83dud83d");
    }

    #[test]
    fn each_round_is_shown_until_it_is_the_one() {
        for (text, rounds) in [
            ("a", &["a"][..]),
            ("%2525", &["%2525", "%25", "%"]),
            (r"\\u002b", &[r"\\u002b", r"\u002b", "+"]),
            (r"\\\'", &[r"\\\'", r"\'", "'"]),
            ("a=3D", &["a=3D", "a="]),
            ("%3D3D", &["%3D3D", "=3D", "="]),
            ("=2525", &["=2525", "%25", "%"]),
        ] {
            let mut seen = Vec::new();
            let mut look = |text: &[u8]| {
                seen.push(String::from_utf8_lossy(text).into_owned());
                false
            };
            assert!(!any_round(text.as_bytes(), &mut look));
            assert_eq!(seen, rounds, "{text}");
            for (at, round) in rounds.iter().enumerate() {
                let mut count = 0;
                assert!(any_round(text.as_bytes(), |text| {
                    count += 1;
                    text == round.as_bytes()
                }));
                assert_eq!(count, at + 1, "{text}");
            }
        }
        // Of what has twenty, one in another: as it is, and after so many.
        for (deep, rounds) in
            [(format!("%{}41", "25".repeat(20)), 7), (format!("={}41", "3D".repeat(20)), 13)]
        {
            let mut count = 0;
            any_round(deep.as_bytes(), |_| {
                count += 1;
                false
            });
            assert_eq!(count, rounds, "{deep}");
        }
    }

    #[test]
    fn quoted_printable_is_undone_where_it_is_asked_for() {
        assert_eq!(undone("a=2Fb=2f=\r\nc=\nd=e="), "a/b/cd=e=");
        assert_eq!(undone("%3D2B=252B"), "++");
        assert_eq!(undone("\\u00=\r\n2b %=\n2b =\\r\\n"), "+ + ");
    }
}
