//! Programs of Editor 4.1: C made by MatIEC (`iec2c`) and tables made by `xml2st`.
//!
//! The tables are read for names, RETAIN and locations. Only what a build needs is required; a table that cannot be
//! understood becomes a warning, because the program runs without it.

mod debug_table;
mod declarations;
mod locations;
mod path;
mod tasks;
mod variables_csv;

use crate::archive::Files;
use crate::bundle::BundleError;
use crate::program::{C_BLOCKS, Program};

/// The variable list of `iec2c`.
pub(crate) const VARIABLES_CSV: &str = "VARIABLES.csv";

/// Files without which nothing can be built.
const REQUIRED: [&str; 10] = [
    "Config0.c",
    "Res0.c",
    "POUS.c",
    "POUS.h",
    "debug.c",
    "glueVars.c",
    "LOCATED_VARIABLES.h",
    "lib/iec_types_all.h",
    "lib/iec_std_lib.h",
    "lib/accessor.h",
];

/// Tick of the runtime for which the Editor was made.
const DEFAULT_TICK_NS: u64 = 20_000_000;

/// Reads the tables of a MatIEC program.
///
/// # Errors
/// [`BundleError::Missing`], [`BundleError::LocationOutOfRange`].
pub(crate) fn read(files: &Files) -> Result<Program, BundleError> {
    let missing: Vec<_> = REQUIRED
        .into_iter()
        .filter(|path| !files.contains_key(*path))
        .map(str::to_owned)
        .collect();
    if !missing.is_empty() {
        return Err(BundleError::Missing(missing));
    }
    let text = |path: &str| {
        files
            .get(path)
            .map_or_else(Default::default, |content| String::from_utf8_lossy(content))
    };
    let (configuration, resource, units) = (text("Config0.c"), text("Res0.c"), text("POUS.c"));
    let mut warnings = Vec::new();

    let table = debug_table::parse(&text("debug.c"));
    warnings.extend(table.warning());
    let md5 = table.md5.clone().unwrap_or_else(|| {
        warnings.push(
            "debug.c states no MD5 of the program: the Editor will offer to upload again before it debugs."
                .into(),
        );
        "0".repeat(32)
    });

    let csv = variables_csv::parse(&text(VARIABLES_CSV));
    if !files.contains_key(VARIABLES_CSV) {
        warnings.push("VARIABLES.csv is missing: no variable will be retained.".into());
    }
    let tick_ns = tasks::common_tick(&configuration)
        .or(csv.tick_ns)
        .unwrap_or_else(|| {
            warnings.push("The scan interval could not be read from Config0.c.".into());
            DEFAULT_TICK_NS
        });

    let declared = locations::declared(&text("LOCATED_VARIABLES.h"))?;
    let located = locations::uses(&[&configuration, &resource, &units], &declared);
    let variables = table.variables(&csv, &located, &declarations::parse(&text("program.st")));
    Ok(Program {
        md5,
        tasks: tasks::parse(&resource, tick_ns),
        variables,
        image_conf: None,
        retains: true,
        uses_python: [&units, &resource]
            .iter()
            .any(|source| source.contains("python_block_loader")),
        has_c_blocks: files.contains_key(C_BLOCKS),
        warnings,
    })
}
