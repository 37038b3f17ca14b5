//! Cuts a large `POUS.c` into parts that compile at the same time.
//!
//! `Res0.c` includes the whole of `POUS.c`, so that a program of hundreds of function blocks would be one unit for one
//! processor. Everything that one function block needs of another is declared in `POUS.h`. MatIEC ends the text of each with
//! a line `} // NAME_body__()`; what follows up to the next initialiser (functions that only the next one calls, functions
//! of the user, `#undef` of steps) belongs to the next one, so the text can be cut behind any such line. Code that does
//! not go along with that does not compile or link in parts, and is compiled whole then.

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
    if after.contains(INCLUDE) || !only_declares(before) {
        return None;
    }
    let size = units.len() / wanted;
    let mut parts = Vec::new();
    let mut start = 0;
    let mut line = 1;
    for (cut, cut_line) in ends(units) {
        // What is left must be worth a part, too.
        if cut - start >= size && units.len() - cut >= LEAST_PART / 2 {
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

/// Whether a text may stand in front of every part: it holds nothing but directives and `extern` declarations. MatIEC also
/// puts the global variables of the resource there, which may be in one part only.
fn only_declares(text: &str) -> bool {
    let mut code = String::new();
    let mut rest = text;
    while let Some((before, comment)) = rest.split_once("/*") {
        code.push_str(before);
        rest = comment.split_once("*/").map_or("", |(_, after)| after);
    }
    code.push_str(rest);
    code.lines().map(str::trim).all(|line| {
        line.is_empty()
            || line.starts_with("//")
            || line.starts_with('#')
            || (line.starts_with("extern ") && line.ends_with(';') && !line.contains('='))
    })
}

/// Offset and line number behind each line `} // NAME_body__()`.
fn ends(units: &str) -> impl Iterator<Item = (usize, usize)> {
    let mut offset = 0;
    units
        .split_inclusive('\n')
        .enumerate()
        .filter_map(move |(index, line)| {
            offset += line.len();
            let name = line.strip_prefix("} // ")?.trim_end();
            name.ends_with("_body__()").then_some((offset, index + 2))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESOURCE: &str = "#include \"POUS.h\"\n#include \"POUS.c\"\nMAIN RES0__INSTANCE0;\n";

    /// A function block with a function that only its body calls, as MatIEC writes both.
    fn block(name: usize, size: usize) -> String {
        format!(
            "static inline INT __B{name}_ADD__INT__INT1(B{name} *data__)\n{{\n}}\n\n\
             void B{name}_init__(B{name} *data__) {{\n}}\n// {}\nvoid B{name}_body__(B{name} *data__) {{\n\
             \x20 __B{name}_ADD__INT__INT1(data__);\n}} // B{name}_body__() \n\n\n",
            "x".repeat(size)
        )
    }

    fn large() -> String {
        (0..40).map(|name| block(name, 20_000)).collect()
    }

    #[test]
    fn a_large_text_is_cut_behind_bodies_and_nothing_is_lost() {
        let units = large();
        let parts = split(RESOURCE, &units, 4).unwrap();
        assert_eq!(parts.units.len(), 4);
        let mut whole = String::new();
        for part in &parts.units {
            let (head, text) = part.split_once("\"POUS.c\"\n").unwrap();
            assert!(head.contains("#include \"POUS.h\""), "{head}");
            let mut text_lines = text.lines().filter(|line| !line.is_empty());
            assert!(text_lines.next().unwrap().starts_with("static inline"));
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
    fn windows_line_ends_are_none_the_worse() {
        let parts = split(RESOURCE, &large().replace('\n', "\r\n"), 4).unwrap();
        assert_eq!(parts.units.len(), 4);
    }

    #[test]
    fn what_is_small_or_of_another_form_stays_whole() {
        assert_eq!(split(RESOURCE, &block(0, 1000), 4), None);
        assert_eq!(split("int x;", &large(), 4), None);
        assert_eq!(split(RESOURCE, &"x".repeat(1 << 20), 4), None);
    }

    #[test]
    fn globals_of_the_resource_stay_in_one_unit() {
        let globals = format!("__DECLARE_GLOBAL(INT,RES0,LIMIT)\n{RESOURCE}");
        assert_eq!(split(&globals, &large(), 4), None);
        let harmless = format!(
            "/* made by\n   a program */\n// RESOURCE RES0\n\nextern unsigned long long common_ticktime__;\n{RESOURCE}"
        );
        assert!(split(&harmless, &large(), 4).is_some());
    }
}
