//! Invisible blanks at the ends of a text: what editors, shells and copying leave behind.

/// In which way `text` begins or ends with one: "ends with a space (U+0020)". Shows nothing else of
/// it.
pub(crate) fn at_an_end(text: &str) -> Option<String> {
    let ends = [("begins", text.chars().next()), ("ends", text.chars().next_back())];
    ends.into_iter().find_map(|(place, c)| {
        let c = c?;
        let name = name(c)?;
        Some(format!("{place} with {name} (U+{:04X})", u32::from(c)))
    })
}

fn name(c: char) -> Option<&'static str> {
    match c {
        ' ' => Some("a space"),
        '\t' => Some("a tab"),
        '\u{A0}' | '\u{202F}' => Some("a non-breaking space"),
        '\u{FEFF}' => Some("a byte order mark"),
        // The soft hyphen, joiners, marks of direction, fillers, blank letters.
        '\u{AD}'
        | '\u{34F}'
        | '\u{61C}'
        | '\u{115F}'..='\u{1160}'
        | '\u{17B4}'..='\u{17B5}'
        | '\u{180B}'..='\u{180F}'
        | '\u{200B}'..='\u{200F}'
        | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}'
        | '\u{2800}'
        | '\u{3164}'
        | '\u{FE00}'..='\u{FE0F}'
        | '\u{FFA0}'
        | '\u{E0000}'..='\u{E0FFF}' => Some("an invisible mark"),
        _ if c.is_whitespace() => Some("white space"),
        _ => None,
    }
}
