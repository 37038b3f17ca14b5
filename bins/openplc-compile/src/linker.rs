//! What linkers write, in words for the user.

use std::collections::BTreeMap;

/// Names of the objects that a build links, with what they are made of. Others are named as their source.
const OBJECTS: [(&str, &str); 4] = [
    ("tables.c", "Config0.c, debug.c, glueVars.c"),
    ("resource.c", "Res0.c"),
    ("shim.cpp", "the runtime's own code"),
    // It includes the other.
    ("Res0.c", "Res0.c, POUS.c"),
];

/// What is wrong with a name.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Complaint {
    Undefined,
    DefinedTwice,
}

/// One line for each name that is missing or there twice, then the lines that are neither.
///
/// GNU ld and gold both name the object first: `out/x.c.o:x.c:function f: error: undefined reference to 'g'`.
pub fn explain(output: &str) -> Vec<String> {
    let mut complaints: BTreeMap<(Complaint, String), Vec<String>> = BTreeMap::new();
    let mut others = Vec::new();
    // GNU ld names the object of an undefined name only in the line before.
    let mut object = String::new();
    for line in output.lines().map(without_linker).filter(|line| !line.is_empty()) {
        if let Some(named) = object_of(line) {
            object = named;
        }
        let complaint = [
            (Complaint::Undefined, "undefined reference to "),
            (Complaint::DefinedTwice, "multiple definition of "),
        ]
        .into_iter()
        .find_map(|(complaint, words)| Some((complaint, quoted(line.split_once(words)?.1)?)));
        match complaint {
            Some(key) => {
                let places = complaints.entry(key).or_default();
                if !object.is_empty() && !places.contains(&object) {
                    places.push(object.clone());
                }
            }
            None if is_remark(line) => (),
            None => others.push(line.to_owned()),
        }
    }
    let mut lines: Vec<String> = complaints
        .into_iter()
        .map(|((complaint, name), places)| {
            let what = match complaint {
                Complaint::Undefined => "is not defined",
                Complaint::DefinedTwice => "is defined twice",
            };
            let places = places.join("; ");
            match (complaint, places.as_str()) {
                (_, "") => format!("error: {name} {what}"),
                (Complaint::Undefined, _) => format!("error: {name} {what} (used in {places})"),
                (Complaint::DefinedTwice, _) => format!("error: {name} {what} (in {places})"),
            }
        })
        .collect();
    if lines.is_empty() {
        lines = others;
    }
    lines
}

/// `/usr/bin/ld.gold: error: x` without the linker's path.
fn without_linker(line: &str) -> &str {
    let line = line.trim();
    match line.split_once(": ") {
        Some((program, rest)) if program.starts_with('/') && program.contains("ld") => rest,
        _ => line,
    }
}

/// What the object is made of that a line names first.
fn object_of(line: &str) -> Option<String> {
    let path = line.trim_start_matches("error: ").split([':', ' ', '(']).next()?;
    let name = path.rsplit('/').next()?.strip_suffix(".o")?;
    if name.starts_with("pous_") {
        return Some("POUS.c".into());
    }
    let known = OBJECTS.iter().find(|(object, _)| *object == name);
    Some(known.map_or(name, |(_, sources)| sources).to_owned())
}

/// The name in quotation marks at the start: `'f(int)'` or `` `f' ``.
fn quoted(text: &str) -> Option<String> {
    let name = text.strip_prefix(['\'', '`'])?.split('\'').next()?;
    Some(name.to_owned())
}

/// Lines that only go along with others.
fn is_remark(line: &str) -> bool {
    [
        "previous definition here",
        "first defined here",
        "in function `",
        "ld returned ",
    ]
    .iter()
    .any(|words| line.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_gold_says_is_told_in_words() {
        let output = "/usr/bin/ld.gold: error: ../out/pous_2.c.o: multiple definition of 'RES0__GX'\n\
                      /usr/bin/ld.gold: ../out/pous_1.c.o: previous definition here\n\
                      ../out/pous_1.c.o:POUS.c:function MAIN_body__: error: undefined reference to 'helper'\n\
                      ../out/c_blocks_code.cpp.o:c_blocks_code.cpp:function f(): error: undefined reference to 'g(int)'\n\
                      collect2: error: ld returned 1 exit status\n";
        assert_eq!(
            explain(output),
            [
                "error: g(int) is not defined (used in c_blocks_code.cpp)",
                "error: helper is not defined (used in POUS.c)",
                "error: RES0__GX is defined twice (in POUS.c)",
            ]
        );
    }

    #[test]
    fn what_gnu_ld_says_is_told_in_words() {
        let output = "/usr/bin/ld: ../out/Res0.c.o: in function `MAIN_body__':\n\
                      Res0.c:(.text+0x12): undefined reference to `helper'\n\
                      /usr/bin/ld: ../out/tables.c.o:tables.c:(.text+0x0): multiple definition of `f'; ../out/Res0.c.o: first defined here\n\
                      collect2: error: ld returned 1 exit status\n";
        assert_eq!(
            explain(output),
            [
                "error: helper is not defined (used in Res0.c, POUS.c)",
                "error: f is defined twice (in Config0.c, debug.c, glueVars.c)",
            ]
        );
    }

    #[test]
    fn what_is_not_understood_is_shown_as_it_is() {
        assert_eq!(
            explain("/usr/bin/ld.gold: fatal error: cannot open x\n"),
            ["fatal error: cannot open x"]
        );
    }
}
