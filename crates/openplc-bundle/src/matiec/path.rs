//! Paths of variables: the C expression of `debug.c`, the C path of `VARIABLES.csv` and the IEC path name the same thing.

/// One form for all of them: `RES0.INSTANCE0.ARRAY[3]` for `&(RES0__INSTANCE0.ARRAY.value.table[3])`.
///
/// IEC identifiers are upper case here and never hold two underscores in a row, so that the lower case members of the
/// generated wrappers and the joint of scope and name are told apart safely.
pub(super) fn canonical(expression: &str) -> String {
    let bare: String = expression
        .replace("->", ".")
        .chars()
        .filter(|c| !matches!(c, '&' | '(' | ')' | ' ' | '\t'))
        .collect();
    let bare = bare.replace(".value", "").replace(".table", "");
    let scope_end = bare.find(['.', '[']).unwrap_or(bare.len());
    let joined = match bare[..scope_end].find("__") {
        Some(at) if at > 0 => format!("{}.{}", &bare[..at], &bare[at + 2..]),
        _ => bare,
    };
    joined.to_uppercase()
}

/// The path without its last component or index, and that part; nothing when only one component is left.
pub(super) fn split_last(path: &str) -> Option<(&str, &str)> {
    let at = path.rfind(['.', '['])?;
    Some((&path[..at], &path[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_has_one_form() {
        assert_eq!(canonical("&(RES0__INSTANCE0.BLINK)"), "RES0.INSTANCE0.BLINK");
        assert_eq!(
            canonical(" &( RES0__INSTANCE0.TON0.ET ) "),
            "RES0.INSTANCE0.TON0.ET"
        );
        assert_eq!(
            canonical("&(RES0__INSTANCE0.A.value.table[12])"),
            "RES0.INSTANCE0.A[12]"
        );
        assert_eq!(
            canonical("&(RES0__INSTANCE0.S.value.FIELD)"),
            "RES0.INSTANCE0.S.FIELD"
        );
        assert_eq!(
            canonical("&((&RES0__INSTANCE0)->A.value.table[0])"),
            "RES0.INSTANCE0.A[0]"
        );
        assert_eq!(canonical("&(CONFIG0__LAMP)"), "CONFIG0.LAMP");
        assert_eq!(canonical("CONFIG0.RES0.INSTANCE0.X"), "CONFIG0.RES0.INSTANCE0.X");
    }

    #[test]
    fn names_of_users_that_look_like_wrappers_stay() {
        assert_eq!(canonical("&(RES0__INSTANCE0.VALUE)"), "RES0.INSTANCE0.VALUE");
        assert_eq!(
            canonical("&(RES0__INSTANCE0._TMP_AND12_OUT)"),
            "RES0.INSTANCE0._TMP_AND12_OUT"
        );
    }

    #[test]
    fn paths_are_taken_apart_from_the_end() {
        assert_eq!(split_last("A.B[2].C"), Some(("A.B[2]", ".C")));
        assert_eq!(split_last("A.B[2]"), Some(("A.B", "[2]")));
        assert_eq!(split_last("A"), None);
    }
}
