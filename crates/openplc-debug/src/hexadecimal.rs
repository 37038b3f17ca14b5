//! Frames as the API carries them: pairs of hexadecimal digits with single spaces between.

use std::fmt::Write;

/// Bytes as text, for example `45 DE AD`.
#[must_use]
pub fn to_text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 3);
    for byte in bytes {
        if !text.is_empty() {
            text.push(' ');
        }
        let _ = write!(text, "{byte:02X}");
    }
    text
}

/// The bytes that a text stands for; `None` when it is no such text.
#[must_use]
pub fn from_text(text: &str) -> Option<Vec<u8>> {
    text.split_ascii_whitespace()
        .map(|pair| match pair.as_bytes() {
            [high, low] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                u8::from_str_radix(pair, 16).ok()
            }
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_become_pairs_with_single_spaces_and_back() {
        assert_eq!(to_text(&[0x45, 0xDE, 0x0A]), "45 DE 0A");
        assert_eq!(to_text(&[]), "");
        assert_eq!(from_text("45 de 0A"), Some(vec![0x45, 0xDE, 0x0A]));
        for bad in ["4", "45DE", "4 5", "+5", "GG", "é"] {
            assert_eq!(from_text(bad), None, "{bad}");
        }
    }
}
