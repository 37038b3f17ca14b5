//! What compilers and linkers write, line by line, with the severity that each line has.

use openplc_wire::control::Level;

/// Most lines of one compiler that are passed on.
const MOST_LINES: usize = 400;
/// Longest line, in characters.
const LONGEST_LINE: usize = 2000;

/// A line for the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its severity.
    pub level: Level,
    /// Its text.
    pub text: String,
}

/// Takes the output of a compiler apart. `hidden` are prefixes of paths that mean nothing to the user.
///
/// A diagnostic is one line that says what it is, with lines before it (`In file included from …`, `In function …`) and
/// after it (the source line and its marker) that belong to it.
pub fn classify(output: &str, hidden: &[String]) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let mut introductions = 0;
    let mut level = Level::Info;
    for raw in output.lines().filter(|line| !line.trim().is_empty()) {
        let text = shown(raw, hidden);
        if let Some(stated) = stated_level(&text) {
            level = stated;
            let start = lines.len() - introductions;
            lines[start..].iter_mut().for_each(|line| line.level = stated);
            introductions = 0;
        } else if is_introduction(&text) {
            introductions += 1;
        }
        lines.push(Line { level, text });
    }
    if lines.len() > MOST_LINES {
        let left_out = lines.len() - MOST_LINES;
        lines.truncate(MOST_LINES);
        lines.push(Line {
            level: Level::Info,
            text: format!("… and {left_out} more lines of the compiler"),
        });
    }
    lines
}

fn shown(raw: &str, hidden: &[String]) -> String {
    let text = hidden
        .iter()
        .fold(raw.to_owned(), |text, prefix| text.replace(prefix.as_str(), ""));
    text.chars()
        .map(|c| if c.is_control() && c != '\t' { ' ' } else { c })
        .take(LONGEST_LINE)
        .collect()
}

/// Severity of a line that says what it is.
fn stated_level(line: &str) -> Option<Level> {
    const ERRORS: [&str; 8] = [
        ": error:",
        ": fatal error:",
        ": internal compiler error:",
        "error: ",
        "undefined reference to",
        "multiple definition of",
        ": cannot find ",
        "ld returned ",
    ];
    // Source lines are quoted with a bar in front and may hold anything.
    if is_quotation(line) {
        return None;
    }
    // In the order of their places, so that the text of a message does not decide.
    let at = |words: &[&str]| words.iter().filter_map(|word| line.find(word)).min();
    let places = [
        (at(&ERRORS), Level::Error),
        (at(&[": warning:", "warning: "]), Level::Warning),
        (at(&[": note:", "note: "]), Level::Info),
    ];
    places
        .into_iter()
        .filter_map(|(place, level)| Some((place?, level)))
        .min_by_key(|(place, _)| *place)
        .map(|(_, level)| level)
}

/// Whether a line quotes source: `   12 | x = y;` or `      |     ^`
pub fn is_quotation(line: &str) -> bool {
    line.trim_start()
        .trim_start_matches(|c: char| c.is_ascii_digit())
        .trim_start()
        .starts_with('|')
}

fn is_introduction(line: &str) -> bool {
    let text = line.trim_start();
    text.starts_with("In file included from") || text.starts_with("from ") || line.ends_with(':')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(output: &str) -> Vec<(Level, String)> {
        classify(output, &["/sandbox/src/".into()])
            .into_iter()
            .map(|line| (line.level, line.text))
            .collect()
    }

    #[test]
    fn an_error_takes_its_introduction_and_its_quotation_along() {
        let output = "In file included from Res0.c:14:\nPOUS.c: In function 'MAIN_body__':\n\
                      POUS.c:9:3: error: 'x' undeclared (first use in this function)\n    9 |   x = 1; // warning: none\n      |   ^\n";
        let lines = levels(output);
        assert_eq!(lines.len(), 5);
        assert!(lines.iter().all(|(level, _)| *level == Level::Error), "{lines:?}");
    }

    #[test]
    fn a_warning_is_no_error_even_if_it_speaks_of_one() {
        let lines = levels(
            "c_blocks_code.cpp: In function 'void f()':\nc_blocks_code.cpp:3:7: warning: unused variable 'error: y' [-Wunused-variable]\n\
             c_blocks_code.cpp:1:1: note: declared here\nc_blocks_code.cpp:4:1: error: bad\n",
        );
        let found: Vec<_> = lines.iter().map(|(level, _)| *level).collect();
        assert_eq!(found, [Level::Warning, Level::Warning, Level::Info, Level::Error]);
    }

    #[test]
    fn our_own_folders_are_not_shown() {
        assert_eq!(
            levels("/sandbox/src/POUS.c:1:1: error: x").pop().unwrap().1,
            "POUS.c:1:1: error: x"
        );
    }

    #[test]
    fn what_the_linker_says_is_an_error() {
        for line in [
            "/usr/bin/ld: Res0.o: undefined reference to `foo'",
            "collect2: error: ld returned 1 exit status",
        ] {
            assert_eq!(levels(line)[0].0, Level::Error, "{line}");
        }
    }

    #[test]
    fn endless_output_has_an_end() {
        let lines = classify(&"x.c:1:1: error: y\n".repeat(5000), &[]);
        assert_eq!(lines.len(), MOST_LINES + 1);
        assert!(lines[MOST_LINES].text.contains("4600 more"));
    }
}
