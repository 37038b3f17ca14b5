//! Text that strangers have chosen and people will read: names, messages, figures. Characters that nobody sees can make one name
//! look like another, a line go on as if it were two, and a terminal do what nobody asked for.
//!
//! This crate must not know where a text comes from or where it is shown.
#![forbid(unsafe_code)]

/// Letters, marks and symbols that leave nothing to be seen.
const BLANK: [std::ops::RangeInclusive<char>; 9] = [
    '\u{34f}'..='\u{34f}',     // Joins what is not shown as joined.
    '\u{115f}'..='\u{1160}',   // Hangul fillers.
    '\u{17b4}'..='\u{17b5}',   // Khmer vowels that are inherent.
    '\u{180b}'..='\u{180f}',   // Mongolian selectors.
    '\u{2800}'..='\u{2800}',   // Braille pattern without a dot.
    '\u{3164}'..='\u{3164}',   // Hangul filler.
    '\u{fe00}'..='\u{fe0f}',   // Variation selectors.
    '\u{ffa0}'..='\u{ffa0}',   // Hangul filler.
    '\u{e0100}'..='\u{e01ef}', // Variation selectors.
];

/// Whether people see this character, or it is the ordinary space.
///
/// Not visible are: control characters (line feed and tabulator too), those that only change the direction or the form of
/// others, separators of lines and paragraphs, spaces other than the ordinary one, and what no character is assigned to.
#[must_use]
pub fn is_visible(character: char) -> bool {
    if character.is_ascii() {
        return !character.is_ascii_control();
    }
    // What Rust shows of a text escapes what cannot be printed. At the beginning it would escape marks too.
    let shown = format!("a{character}").escape_debug().count();
    shown == 2 && !BLANK.iter().any(|range| range.contains(&character))
}

/// `text` with whatever is not visible escaped as JSON does it, as in `\u001b`; but tabulators stay. JSON documents mean the same
/// afterwards.
#[must_use]
pub fn escape_invisible(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if character == '\t' || is_visible(character) {
            escaped.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                escaped += &format!("\\u{unit:04x}");
            }
        }
    }
    escaped
}

/// At most `characters` characters of `text`, with whatever is not visible escaped. One that is longer ends with an ellipsis.
#[must_use]
pub fn excerpt(text: &str, characters: usize) -> String {
    let beginning: String = text.chars().take(characters + 1).collect();
    let shown = escape_invisible(&beginning);
    if shown.chars().count() <= characters {
        return shown;
    }
    let kept = shown.chars().take(characters.saturating_sub(1));
    kept.chain(['…']).collect()
}

/// `text` as one line: line breaks and other white space are ordinary spaces, at the end there is none, and what is not visible
/// otherwise is escaped as [`escape_invisible`] does it.
#[must_use]
pub fn one_line(text: &str) -> String {
    let spaced = |character: char| if character.is_whitespace() { ' ' } else { character };
    let line: String = text.trim_end().chars().map(spaced).collect();
    escape_invisible(&line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_visible() {
        for text in [
            "größe µs °C",
            "u\u{308}ber", // As some systems write "über".
            "名前",
            "Ελλάδα",
            "שם",
            "नाम",
            "😀",
            "it's \"a\\b\" ~!|",
        ] {
            assert!(text.chars().all(is_visible), "{text}");
        }
    }

    #[test]
    fn what_nobody_sees_is_not() {
        for character in [
            '\0',
            '\t',
            '\n',
            '\r',
            '\u{1b}',
            '\u{7f}',
            '\u{85}',
            '\u{9b}',
            '\u{a0}',
            '\u{ad}',
            '\u{34f}',
            '\u{61c}',
            '\u{180e}',
            '\u{200b}',
            '\u{200d}',
            '\u{200e}',
            '\u{2003}',
            '\u{2028}',
            '\u{2029}',
            '\u{202e}',
            '\u{2060}',
            '\u{2066}',
            '\u{2800}',
            '\u{3000}',
            '\u{3164}',
            '\u{fe0f}',
            '\u{feff}',
            '\u{e000}',
            '\u{e0041}',
            '\u{10ffff}',
        ] {
            assert!(!is_visible(character), "{}", character.escape_unicode());
        }
    }

    #[test]
    fn an_escaped_text_does_nothing_and_says_the_same() {
        assert_eq!(
            escape_invisible("a\tb\u{1b}[2J\n\u{202e}µ\u{e0041}"),
            "a\tb\\u001b[2J\\u000a\\u202eµ\\udb40\\udc41"
        );
    }

    #[test]
    fn an_excerpt_is_no_longer_than_it_may_be() {
        assert_eq!(excerpt("Pump 1", 6), "Pump 1");
        assert_eq!(excerpt("Pump 10", 6), "Pump …");
        assert_eq!(excerpt("\u{1b}[2J", 100), "\\u001b[2J");
        for limit in 1..20 {
            assert_eq!(excerpt(&"\u{202e}µ".repeat(1000), limit).chars().count(), limit);
        }
    }

    #[test]
    fn a_line_is_one_line_whatever_is_in_it() {
        assert_eq!(
            one_line("two\r\nlines\u{2028}\tand\u{a0}µ\u{1b}[2J\u{202e}\n"),
            "two  lines  and µ\\u001b[2J\\u202e"
        );
    }
}
