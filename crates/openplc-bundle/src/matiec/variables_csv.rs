//! `VARIABLES.csv`: IEC paths and RETAIN.

use std::collections::HashMap;

use super::path::{canonical, split_last};

/// One row of the section `// Variables`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub iec_path: String,
    pub retain: bool,
}

/// What the file says. Rows that are not understood are left out.
#[derive(Debug, Default)]
pub(super) struct VariableList {
    /// Rows by the canonical form of their C path.
    rows: HashMap<String, Row>,
    /// Name of the configuration, with which most paths begin.
    configuration: Option<String>,
    /// Scan interval in nanoseconds.
    pub tick_ns: Option<u64>,
}

pub(super) fn parse(text: &str) -> VariableList {
    let mut list = VariableList::default();
    let mut section = String::new();
    for line in text
        .lines()
        .map(|line| line.trim().trim_start_matches('\u{feff}'))
    {
        if let Some(title) = line.strip_prefix("//") {
            section = title.trim().to_ascii_lowercase();
        } else if section == "variables" {
            list.add(line);
        } else if section == "ticktime" && list.tick_ns.is_none() {
            list.tick_ns = line.trim_end_matches(';').parse().ok().filter(|tick| *tick > 0);
        }
    }
    list
}

impl VariableList {
    /// `number;kind;IEC path;C path;type;derived type;retain;`
    fn add(&mut self, line: &str) {
        let fields: Vec<&str> = line.split(';').map(str::trim).collect();
        let [_, kind, iec_path, c_path, ..] = fields[..] else {
            return;
        };
        if self.configuration.is_none() {
            self.configuration = iec_path.split_once('.').map(|(first, _)| first.to_uppercase());
        }
        // An external variable is retained if its global is, whatever the block that uses it; an input shows the process.
        let own = !matches!(kind, "EXT" | "IN");
        let retain = own && fields.get(6).is_some_and(|flag| *flag == "1");
        self.rows.insert(
            canonical(c_path),
            Row {
                iec_path: iec_path.to_uppercase(),
                retain,
            },
        );
    }

    /// The row of a variable, and the part of its path to which the row belongs. Elements of arrays and fields of structures
    /// have the row of the whole when they have none of their own.
    pub(super) fn find<'path>(&self, path: &'path str) -> Option<(&Row, &'path str)> {
        let mut whole = path;
        loop {
            if let Some(row) = self
                .rows
                .get(whole)
                .or_else(|| self.rows.get(&self.qualified(whole)))
            {
                return Some((row, whole));
            }
            whole = split_last(whole)?.0;
        }
    }

    /// The path with the configuration in front.
    pub(super) fn qualified(&self, path: &str) -> String {
        let configuration = self.configuration.as_deref().unwrap_or("CONFIG0");
        let first = path.split('.').next().unwrap_or(path);
        if first == configuration {
            path.to_owned()
        } else {
            format!("{configuration}.{path}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "// Programs\r\n0;CONFIG0.RES0.INSTANCE0;MAIN;\r\n\r\n// Variables\r\n\
        0;FB;CONFIG0.RES0.INSTANCE0;CONFIG0.RES0.INSTANCE0;MAIN;;0;\r\n\
        1;VAR;CONFIG0.RES0.INSTANCE0.COUNT;CONFIG0.RES0.INSTANCE0.COUNT;INT;INT;1;\r\n\
        2;VAR;CONFIG0.LAMP;CONFIG0.LAMP;BOOL;BOOL;0;\r\n\
        3;VAR;CONFIG0.RES0.INSTANCE0.A;CONFIG0.RES0.INSTANCE0.A;__ARRAY_OF_INT_6;;1;\r\n\
        rubbish\r\n;;;\r\n\r\n// Ticktime\r\n20000000\r\n";

    #[test]
    fn rows_are_found_by_the_expression_of_debug_c() {
        let list = parse(TEXT);
        let find = |path: &str| {
            list.find(path)
                .map(|(row, whole)| (whole.to_owned(), row.iec_path.as_str(), row.retain))
        };
        assert_eq!(
            find("RES0.INSTANCE0.COUNT"),
            Some((
                "RES0.INSTANCE0.COUNT".into(),
                "CONFIG0.RES0.INSTANCE0.COUNT",
                true
            ))
        );
        assert_eq!(
            find("CONFIG0.LAMP"),
            Some(("CONFIG0.LAMP".into(), "CONFIG0.LAMP", false))
        );
        assert_eq!(
            find("RES0.INSTANCE0.A[3]"),
            Some(("RES0.INSTANCE0.A".into(), "CONFIG0.RES0.INSTANCE0.A", true))
        );
        assert_eq!(list.tick_ns, Some(20_000_000));
    }

    #[test]
    fn inputs_and_references_to_globals_are_not_retained_by_themselves() {
        let row = |number: u8, kind: &str| {
            format!("{number};{kind};CONFIG0.V{number};CONFIG0.V{number};INT;INT;1;\n")
        };
        let kinds = ["VAR", "OUT", "MEM", "EXT", "IN"];
        let rows: String = (0..).zip(kinds).map(|(number, kind)| row(number, kind)).collect();
        let list = parse(&format!("// Variables\n{rows}"));
        let retained = |number: u8| {
            list.find(&format!("CONFIG0.V{number}"))
                .map(|(row, _)| row.retain)
        };
        assert_eq!(
            [0, 1, 2, 3, 4].map(retained),
            [true, true, true, false, false].map(Some)
        );
    }

    #[test]
    fn a_variable_without_a_row_gets_the_configuration_in_front() {
        let list = parse("");
        assert_eq!(list.find("RES0.INSTANCE0.X"), None);
        assert_eq!(list.qualified("RES0.INSTANCE0.X"), "CONFIG0.RES0.INSTANCE0.X");
        assert_eq!(list.qualified("CONFIG0.X"), "CONFIG0.X");
    }
}
