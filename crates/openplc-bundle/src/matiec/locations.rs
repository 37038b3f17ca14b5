//! Located variables: which addresses there are, and which variable has which.

use std::collections::HashMap;

use crate::bundle::BundleError;

/// Elements of each image table.
const SLOTS: u32 = 1024;

/// IEC address by the C name of the storage, for example `%QX0.0` by `__QX0_0`.
pub(super) type Declared = HashMap<String, String>;

/// Reads `LOCATED_VARIABLES.h`: `__LOCATED_VAR(BOOL,__QX0_0,Q,X,0,0)`. Rows that are not understood are left out.
///
/// # Errors
/// [`BundleError::LocationOutOfRange`]: the generated code would write beyond its tables.
pub(super) fn declared(header: &str) -> Result<Declared, BundleError> {
    let mut declared = Declared::new();
    for arguments in calls(header, "__LOCATED_VAR") {
        let [_, name, area, width, slot, ref rest @ ..] = arguments[..] else {
            continue;
        };
        let is_bit = width == "X";
        let bit = rest.first().copied().filter(|_| is_bit);
        let location = match bit {
            Some(bit) => format!("%{area}{width}{slot}.{bit}"),
            None => format!("%{area}{width}{slot}"),
        };
        let within = |text: &str, limit: u32| text.parse::<u32>().is_ok_and(|number| number < limit);
        if !within(slot, SLOTS) || !bit.is_none_or(|bit| within(bit, 8)) {
            return Err(BundleError::LocationOutOfRange { location });
        }
        declared.insert(name.to_owned(), location);
    }
    Ok(declared)
}

/// Which variable has which address.
#[derive(Debug, Default)]
pub(super) struct Uses {
    /// Global variables, by their canonical path.
    globals: HashMap<String, String>,
    /// Variables of programs, by the program's type and their name.
    members: HashMap<(String, String), String>,
}

impl Uses {
    pub(super) fn global(&self, path: &str) -> Option<&str> {
        self.globals.get(path).map(String::as_str)
    }

    pub(super) fn member(&self, program: &str, name: &str) -> Option<&str> {
        self.members
            .get(&(program.to_owned(), name.to_owned()))
            .map(String::as_str)
    }
}

/// Finds the statements that bind variables to addresses: `__INIT_LOCATED(BOOL,__QX0_0,data__->LED,retain)` in
/// `MAIN_init__`, and `__INIT_GLOBAL_LOCATED(CONFIG0,LAMP,__QX0_1,retain)`.
pub(super) fn uses(sources: &[&str], declared: &Declared) -> Uses {
    let mut uses = Uses::default();
    for source in sources {
        for arguments in calls(source, "__INIT_GLOBAL_LOCATED") {
            let [scope, name, storage, ..] = arguments[..] else {
                continue;
            };
            if let Some(location) = declared.get(storage) {
                uses.globals
                    .insert(format!("{scope}.{name}").to_uppercase(), location.clone());
            }
        }
        for (program, body) in initialisers(source) {
            for arguments in calls(body, "__INIT_LOCATED") {
                let [_, storage, target, ..] = arguments[..] else {
                    continue;
                };
                let (Some(location), Some((_, name))) = (declared.get(storage), target.rsplit_once("->"))
                else {
                    continue;
                };
                uses.members.insert(
                    (program.to_uppercase(), name.trim().to_uppercase()),
                    location.clone(),
                );
            }
        }
    }
    uses
}

/// Type of the program or function block and text of each function `void TYPE_init__(…)`.
fn initialisers(source: &str) -> impl Iterator<Item = (&str, &str)> {
    // Functions begin at the start of a line. Their last `}` cannot be told from that of an array's initial value.
    source
        .split("\nvoid ")
        .filter_map(|function| function.trim_start_matches("void ").split_once("_init__("))
}

/// Arguments of each call of a macro.
fn calls<'a>(source: &'a str, name: &'a str) -> impl Iterator<Item = Vec<&'a str>> {
    source.split(name).skip(1).filter_map(|rest| {
        let arguments = rest.trim_start().strip_prefix('(')?;
        Some(
            arguments[..arguments.find(')')?]
                .split(',')
                .map(str::trim)
                .collect(),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "__LOCATED_VAR(BOOL,__QX0_0,Q,X,0,0)\r\n__LOCATED_VAR(INT,__QW3,Q,W,3)\n__LOCATED_VAR( BOOL, __IX1_7, I, X, 1, 7 )\n";

    #[test]
    fn addresses_are_written_as_the_standard_has_them() {
        let declared = declared(HEADER).unwrap();
        assert_eq!(declared["__QX0_0"], "%QX0.0");
        assert_eq!(declared["__QW3"], "%QW3");
        assert_eq!(declared["__IX1_7"], "%IX1.7");
        assert!(super::declared("").unwrap().is_empty());
    }

    #[test]
    fn an_address_beyond_the_tables_is_an_error() {
        for header in [
            "__LOCATED_VAR(INT,__QW1024,Q,W,1024)",
            "__LOCATED_VAR(BOOL,__QX0_8,Q,X,0,8)",
            "__LOCATED_VAR(INT,__QWx,Q,W,-1)",
        ] {
            assert!(
                matches!(declared(header), Err(BundleError::LocationOutOfRange { .. })),
                "{header}"
            );
        }
        assert!(declared("__LOCATED_VAR(INT,__QW1023,Q,W,1023)").is_ok());
    }

    #[test]
    fn variables_are_bound_where_they_are_initialised() {
        let units = "void MAIN_init__(MAIN *data__, BOOL retain) {\n  __INIT_LOCATED(BOOL,__QX0_0,data__->LED,retain)\n  \
             __INIT_LOCATED_VALUE(data__->LED,__BOOL_LITERAL(FALSE))\n}\n\nvoid OTHER_init__(OTHER *data__, BOOL retain) {\n  \
             __INIT_LOCATED(INT,__QW3,data__->SPEED,retain)\n}\n";
        let configuration =
            "void config_init__(void) {\n  __INIT_GLOBAL_LOCATED(CONFIG0,BUTTON,__IX1_7,retain)\n}\n";
        let uses = uses(&[configuration, units], &declared(HEADER).unwrap());
        assert_eq!(uses.member("MAIN", "LED"), Some("%QX0.0"));
        assert_eq!(uses.member("OTHER", "SPEED"), Some("%QW3"));
        assert_eq!(uses.member("MAIN", "SPEED"), None);
        assert_eq!(uses.global("CONFIG0.BUTTON"), Some("%IX1.7"));
    }
}
