//! Which names a new account may have. Existing accounts keep theirs, whatever it is.

use crate::error::AccountError;

/// Longest name of an account, in bytes.
pub const MAX_USERNAME: usize = 128;

/// Refuses a name that people cannot read.
pub fn check(username: &str) -> Result<(), AccountError> {
    let readable = username.len() <= MAX_USERNAME
        && username.chars().all(openplc_text::is_visible)
        && !username.trim().is_empty();
    readable.then_some(()).ok_or(AccountError::NameUnreadable)
}

/// Whether people could take one name for the other: they differ in spaces and capitals only.
pub fn are_alike(one: &str, other: &str) -> bool {
    let essence = |name: &str| -> String {
        let visible = name.chars().filter(|character| !character.is_whitespace());
        visible.flat_map(char::to_lowercase).collect()
    };
    essence(one) == essence(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_readable() {
        for name in ["anna", "Anna Größe", " anna", "名前", &"x".repeat(MAX_USERNAME)] {
            assert!(check(name).is_ok(), "{name}");
        }
        for name in [
            " ",
            "line\nfeed",
            "an\u{200b}na",
            "\u{202e}anna",
            "an\u{a0}na",
            &"x".repeat(MAX_USERNAME + 1),
        ] {
            assert!(check(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn capitals_and_spaces_make_no_difference_that_people_see() {
        for name in ["ROOT1", " root1", "root1 ", "ro ot1", "root1"] {
            assert!(are_alike("root1", name), "{name}");
        }
        for name in ["root2", "rooot1", "root-1"] {
            assert!(!are_alike("root1", name), "{name}");
        }
    }
}
