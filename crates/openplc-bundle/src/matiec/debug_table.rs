//! `debug.c`: the table whose order numbers the variables for every debugger.

use std::collections::HashMap;

use openplc_wire::manifest::Variable;

use super::declarations::{Declarations, as_positions};
use super::locations::Uses;
use super::path::{canonical, split_last};
use super::variables_csv::VariableList;

/// Longest expression that is looked at, in characters.
const LONGEST_EXPRESSION: usize = 512;

/// What `debug.c` says.
#[derive(Debug, Default)]
pub(super) struct DebugTable {
    /// MD5 of `program.st`, lower case.
    pub md5: Option<String>,
    /// C expression and elementary type of each entry, in order. Nothing is ever left out: the place is the number.
    entries: Vec<(String, String)>,
    /// Number of entries that the file itself states.
    stated: Option<usize>,
    /// Type of each object declared `extern`, by its canonical path.
    objects: HashMap<String, String>,
}

pub(super) fn parse(source: &str) -> DebugTable {
    DebugTable {
        md5: md5(source),
        entries: entries(source),
        stated: stated_count(source),
        objects: objects(source),
    }
}

fn md5(source: &str) -> Option<String> {
    let after = &source[source.find("plc_program_md5")?..];
    let digits = after.split('"').nth(1)?;
    (digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit())).then(|| digits.to_ascii_lowercase())
}

/// The text between the outer braces of the table, taken apart at its inner braces.
fn entries(source: &str) -> Vec<(String, String)> {
    let Some(start) = source
        .find("debug_vars[]")
        .or_else(|| source.find("debug_vars ["))
    else {
        return Vec::new();
    };
    let Some(open) = source[start..].find('{') else {
        return Vec::new();
    };
    let mut rest = &source[start + open + 1..];
    let mut entries = Vec::new();
    loop {
        let (Some(open), Some(close)) = (rest.find('{'), rest.find('}')) else {
            return entries;
        };
        if close < open {
            return entries;
        }
        let entry = &rest[open + 1..close];
        let (expression, kind) = entry.rsplit_once(',').unwrap_or((entry, ""));
        let expression = expression.trim().chars().take(LONGEST_EXPRESSION).collect();
        entries.push((expression, elementary_type(kind.trim())));
        rest = &rest[close + 1..];
    }
}

/// `BOOL` for `BOOL_ENUM`, `BOOL_P_ENUM` (a pointer) and `BOOL_O_ENUM` (an output).
fn elementary_type(kind: &str) -> String {
    let name = kind.strip_suffix("_ENUM").unwrap_or(kind);
    name.strip_suffix("_P")
        .or_else(|| name.strip_suffix("_O"))
        .unwrap_or(name)
        .to_uppercase()
}

fn stated_count(source: &str) -> Option<usize> {
    let line = source
        .lines()
        .find(|line| line.trim_start().starts_with("#define") && line.contains("VAR_COUNT"))?;
    line.split_whitespace().nth(2)?.parse().ok()
}

/// `extern MAIN RES0__INSTANCE0;`
fn objects(source: &str) -> HashMap<String, String> {
    source
        .lines()
        .filter_map(|line| {
            line.trim()
                .strip_prefix("extern ")?
                .strip_suffix(';')?
                .trim()
                .rsplit_once(' ')
        })
        .map(|(kind, name)| (canonical(name), kind.trim().to_uppercase()))
        .collect()
}

impl DebugTable {
    /// What is odd about the table.
    pub(super) fn warning(&self) -> Option<String> {
        match self.stated {
            Some(stated) if stated != self.entries.len() => Some(format!(
                "debug.c states {stated} variables and {} were understood: some have no names here.",
                self.entries.len()
            )),
            None if self.entries.is_empty() => {
                Some("The variable table of debug.c was not understood.".into())
            }
            _ => None,
        }
    }

    /// The variables in order, with what the other tables know about them.
    pub(super) fn variables(
        &self,
        csv: &VariableList,
        located: &Uses,
        declarations: &Declarations,
    ) -> Vec<Variable> {
        (0u32..)
            .zip(&self.entries)
            .map(|(index, (expression, iec_type))| {
                let path = canonical(expression);
                let known = csv.find(&path);
                let named = self.with_indexes(&path, declarations);
                Variable {
                    index,
                    path: match known {
                        // MatIEC's own row of an element counts from 0.
                        Some((row, _)) if row.iec_path.contains(".VALUE.TABLE[") => csv.qualified(&named),
                        // The row of an element, or of something in it, says the index itself.
                        Some((row, whole)) if whole.contains('[') => {
                            format!("{}{}", row.iec_path, as_positions(&path[whole.len()..]))
                        }
                        Some((row, whole)) => format!("{}{}", row.iec_path, &named[whole.len()..]),
                        None => csv.qualified(&named),
                    },
                    iec_type: iec_type.clone(),
                    retain: known.is_some_and(|(row, _)| row.retain),
                    location: self.location(&path, located),
                }
            })
            .collect()
    }

    /// The path with the indexes of `program.st` in place of those of C.
    fn with_indexes(&self, path: &str, declarations: &Declarations) -> String {
        // `RES0.INSTANCE0.X[0]` belongs to the type of RES0.INSTANCE0, `CONFIG0.X[0]` to the global variables.
        let dots = path.match_indices('.').map(|(at, _)| at);
        for at in dots.clone() {
            let (object, rest) = path.split_at(at);
            if let Some(owner) = self.objects.get(object) {
                return format!("{object}{}", declarations.with_indexes(owner, rest));
            }
        }
        match dots.min() {
            Some(at) => format!("{}{}", &path[..at], declarations.with_indexes("", &path[at..])),
            None => as_positions(path),
        }
    }

    fn location(&self, path: &str, located: &Uses) -> Option<String> {
        if let Some(location) = located.global(path) {
            return Some(location.to_owned());
        }
        let (object, member) = split_last(path)?;
        located
            .member(self.objects.get(object)?, member.strip_prefix('.')?)
            .map(str::to_owned)
    }
}
