//! Programs of Editor 4.2 and later: C++ made by STruC++, with the headers of its run-time library.
//!
//! Only what a build needs is required. What is read beside that (names, RETAIN, settings) is read leniently: what cannot
//! be understood becomes a warning, because the program runs without it.

mod debug_map;
mod md5;
mod retain_conf;
mod retain_table;
mod string_table;
mod tasks;

use openplc_image::Sizes;

use crate::archive::Files;
use crate::bundle::BundleError;
use crate::program::{C_BLOCKS, Program};

pub use self::string_table::DebugString;

/// Declarations of the whole program.
pub const GENERATED: &str = "generated.hpp";
/// The Editor's own definitions, among them the MD5.
pub const DEFINES: &str = "defines.h";
/// Where the headers of the run-time library lie.
pub const HEADERS: &str = "strucpp_runtime/include/";
/// The table of debug variables.
pub const DEBUG_TABLE: &str = "generated_debug.cpp";
/// Names, types and addresses of debug variables.
pub(crate) const DEBUG_MAP: &str = "debug-map.json";
/// Sizes of the process image.
pub(crate) const IMAGE_CONF: &str = "image.conf";
/// Whether variables are retained.
pub(crate) const RETAIN_CONF: &str = "retain.conf";

/// Headers without which nothing can be built, whatever their version.
const REQUIRED_HEADERS: [&str; 3] = ["debug_dispatch.hpp", "iec_located.hpp", "iec_std_lib.hpp"];

/// Whether the files are, or begin to be, a program of this generation.
pub(crate) fn is_one(files: &Files) -> bool {
    files.contains_key(GENERATED) || files.keys().any(|path| path.starts_with("strucpp_runtime/"))
}

/// The C++ files to compile: each one that lies on the top level.
pub fn units(files: &Files) -> impl Iterator<Item = &str> {
    files
        .keys()
        .map(String::as_str)
        .filter(|path| path.ends_with(".cpp") && !path.contains('/'))
}

/// The strings of which the table of debug variables does not tell how long they can be, in the order of their addresses.
#[must_use]
pub fn strings_of_unknown_length(files: &Files) -> Vec<DebugString> {
    let table = files.get(DEBUG_TABLE).map(|table| String::from_utf8_lossy(table));
    table.map_or_else(Vec::new, |table| string_table::of_unknown_length(&table))
}

/// Reads the tables of a STruC++ program.
///
/// # Errors
/// [`BundleError::Missing`], [`BundleError::NoMd5`].
pub(crate) fn read(files: &Files) -> Result<Program, BundleError> {
    require(files)?;
    let text = |path: &str| {
        files
            .get(path)
            .map_or_else(Default::default, |content| String::from_utf8_lossy(content))
    };
    let mut warnings = Vec::new();
    let md5 = md5::of_defines(&text(DEFINES)).ok_or(BundleError::NoMd5)?;
    let mut variables = Vec::new();
    match files.get(DEBUG_MAP).map(|map| debug_map::parse(map)) {
        Some(Ok(map)) => {
            if map.md5.is_some_and(|of_map| !of_map.eq_ignore_ascii_case(&md5)) {
                warnings.push(format!(
                    "{DEBUG_MAP} belongs to another program: its names are not used."
                ));
            } else {
                variables = map.variables;
            }
        }
        Some(Err(why)) => warnings.push(format!(
            "{DEBUG_MAP} is not understood ({why}): variables have no names here."
        )),
        None => warnings.push(format!("{DEBUG_MAP} is missing: variables have no names here.")),
    }
    let retained = retain_table::addresses(&text(DEBUG_TABLE));
    for variable in &mut variables {
        variable.retain = retained.contains(&variable.index);
    }
    let retains = match files
        .get(RETAIN_CONF)
        .map(|_| retain_conf::is_enabled(&text(RETAIN_CONF)))
    {
        Some(Ok(enabled)) => enabled,
        Some(Err(why)) => {
            warnings.push(format!("{RETAIN_CONF} is refused: {why}. Nothing is retained."));
            false
        }
        None => {
            if !retained.is_empty() {
                warnings.push(format!(
                    "{} variables are declared RETAIN, but retaining is switched off in this project: they begin with their \
                     initial values.",
                    retained.len()
                ));
            }
            false
        }
    };
    let nameless = retained.len() - variables.iter().filter(|variable| variable.retain).count();
    if retains && nameless > 0 {
        warnings.push(format!(
            "{nameless} variables are declared RETAIN, but {DEBUG_MAP} has no names for them: they begin with their initial \
             values."
        ));
    }
    let image_conf = files.get(IMAGE_CONF).map(|_| text(IMAGE_CONF).into_owned());
    let image_conf = image_conf.filter(|text| {
        let refused = Sizes::parse(text).err();
        warnings.extend(
            refused
                .iter()
                .map(|why| format!("{IMAGE_CONF} is refused as a whole: {why}.")),
        );
        refused.is_none()
    });
    let sources: Vec<_> = units(files).map(text).collect();
    Ok(Program {
        md5,
        tasks: tasks::parse(&sources),
        variables,
        image_conf,
        retains,
        uses_python: sources
            .iter()
            .any(|source| source.contains("python_block_loader")),
        has_c_blocks: files.contains_key(C_BLOCKS),
        warnings,
    })
}

fn require(files: &Files) -> Result<(), BundleError> {
    let mut missing: Vec<String> = [GENERATED, DEFINES]
        .into_iter()
        .filter(|path| !files.contains_key(*path))
        .map(str::to_owned)
        .collect();
    let headers = REQUIRED_HEADERS.iter().map(|name| format!("{HEADERS}{name}"));
    missing.extend(headers.filter(|path| !files.contains_key(path)));
    if units(files).all(|unit| unit == C_BLOCKS) {
        missing.push("configuration.cpp".into());
    }
    if !files.contains_key(DEBUG_TABLE) {
        missing.push(DEBUG_TABLE.into());
    }
    if missing.is_empty() {
        Ok(())
    } else {
        Err(BundleError::Missing(missing))
    }
}
