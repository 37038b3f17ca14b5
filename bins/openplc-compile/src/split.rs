//! Cuts a large `POUS.c` into parts that compile at the same time.
//!
//! `Res0.c` includes the whole of `POUS.c`, so that a program of hundreds of function blocks would be one unit for one
//! processor. Everything that one function block needs of another is declared in `POUS.h`, and the text of each begins
//! with its initialiser, so the text can be cut in front of any initialiser. Code that does not go along with that does
//! not compile in parts, and is compiled whole then.

/// Least size of a part in bytes. Smaller parts would be read (with all headers) longer than translated.
const LEAST_PART: usize = 96 << 10;

/// The line of `Res0.c` that is replaced.
const INCLUDE: &str = "#include \"POUS.c\"";

/// `Res0.c` without `POUS.c`, and the parts of `POUS.c`, each a complete unit.
#[derive(Debug, PartialEq, Eq)]
pub struct Parts {
    /// Text in place of `Res0.c`.
    pub resource: String,
    /// Texts in place of `POUS.c`.
    pub units: Vec<String>,
}

/// Cuts `units` into at most `most` parts of about the same size; nothing if it is too small for two, or has another form
/// than MatIEC gives it.
pub fn split(resource: &str, units: &str, most: usize) -> Option<Parts> {
    let wanted = (units.len() / LEAST_PART).min(most);
    if wanted < 2 {
        return None;
    }
    let (before, after) = resource.split_once(INCLUDE)?;
    if after.contains(INCLUDE) {
        return None;
    }
    let size = units.len() / wanted;
    let mut parts = Vec::new();
    let mut start = 0;
    let mut line = 1;
    for (cut, cut_line) in beginnings(units) {
        if cut - start >= size {
            parts.push(unit(before, line, &units[start..cut]));
            (start, line) = (cut, cut_line);
        }
    }
    parts.push(unit(before, line, &units[start..]));
    (parts.len() > 1).then(|| Parts {
        resource: format!("#line 1 \"Res0.c\"\n{before}\n{after}"),
        units: parts,
    })
}

/// The text with what stands in front of it in `Res0.c`, and with the line numbers of `POUS.c`.
fn unit(before: &str, line: usize, text: &str) -> String {
    format!("#line 1 \"Res0.c\"\n{before}\n#line {line} \"POUS.c\"\n{text}")
}

/// Offset and line number of each `void TYPE_init__(` at the start of a line.
fn beginnings(units: &str) -> impl Iterator<Item = (usize, usize)> {
    let mut offset = 0;
    units
        .split_inclusive('\n')
        .enumerate()
        .filter_map(move |(index, text)| {
            let start = offset;
            offset += text.len();
            let name = text.strip_prefix("void ")?.split('(').next()?;
            name.ends_with("_init__").then_some((start, index + 1))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESOURCE: &str = "#include \"POUS.h\"\n#include \"POUS.c\"\nMAIN RES0__INSTANCE0;\n";

    fn block(name: usize, size: usize) -> String {
        format!(
            "void B{name}_init__(B{name} *data__) {{\n}}\n// {}\nvoid B{name}_body__(B{name} *data__) {{\n}}\n",
            "x".repeat(size)
        )
    }

    #[test]
    fn a_large_text_is_cut_in_front_of_initialisers_and_nothing_is_lost() {
        let units: String = (0..40).map(|name| block(name, 20_000)).collect();
        let parts = split(RESOURCE, &units, 4).unwrap();
        assert_eq!(parts.units.len(), 4);
        let mut whole = String::new();
        for part in &parts.units {
            let (head, text) = part
                .split_once("\" POUS.c")
                .unwrap_or_else(|| part.split_once("\"POUS.c\"\n").unwrap());
            assert!(
                text.starts_with("void B") && head.contains("#include \"POUS.h\""),
                "{head}"
            );
            let line: usize = head.rsplit_once("#line ").unwrap().1.trim().parse().unwrap();
            assert_eq!(
                line,
                1 + whole.lines().count(),
                "line numbers are those of POUS.c"
            );
            whole.push_str(text);
        }
        assert_eq!(whole, units);
        assert!(!parts.resource.contains("POUS.c") && parts.resource.contains("MAIN RES0__INSTANCE0;"));
    }

    #[test]
    fn what_is_small_or_of_another_form_stays_whole() {
        assert_eq!(split(RESOURCE, &block(0, 1000), 4), None);
        assert_eq!(
            split(
                "int x;",
                &(0..40).map(|name| block(name, 20_000)).collect::<String>(),
                4
            ),
            None
        );
        assert_eq!(split(RESOURCE, &"x".repeat(1 << 20), 4), None);
    }
}
