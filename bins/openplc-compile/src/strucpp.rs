//! How a STruC++ program is compiled.
//!
//! Every unit includes the declarations of the whole program and the headers of its run-time library, and reading those takes
//! most of the time. They are therefore compiled once, as a precompiled header, for all units that begin alike.

use std::collections::BTreeMap;

use openplc_bundle::strucpp;
use openplc_bundle::{Bundle, C_BLOCKS};
use openplc_program::sources;
use openplc_settings::compile::Optimisation;
use openplc_wire::manifest::Generation;

use crate::jobs::Unit;
use crate::left_over::{self, Key};
use crate::plan::{self, Group, Plan, level};
use crate::prelude;
use crate::toolchain::Toolchain;

/// For every unit. The first four are those that the headers expect; numbers wrap, and user code may cast pointers; nothing
/// but the table is visible outside.
const COMMON: [&str; 13] = [
    "-std=c++17",
    "-DSTRUCPP_THREADED",
    "-fno-gnu-unique",
    "-fPIC",
    "-c",
    "-pipe",
    "-fwrapv",
    "-fno-strict-aliasing",
    "-fvisibility=hidden",
    "-fdiagnostics-color=never",
    "-fmax-errors=50",
    "-I.",
    "-Istrucpp_runtime/include",
];
/// For generated units: what their code calls is declared, and there are no warnings, for nobody can act on them.
const GENERATED: [&str; 3] = ["-w", "-include", "../runtime/strucpp_units.h"];
/// For generated units that begin with what all have in common.
const AFTER_HEADER: [&str; 3] = ["-w", "-include", "../runtime/prelude.hpp"];
/// For the header itself.
const HEADER: [&str; 3] = ["-w", "-x", "c++-header"];
/// For C++ that users write: warnings, but none of the headers that came along; and line numbers, by which the runtime tells
/// where it has faulted.
const USER_CXX: [&str; 7] = [
    "-g1",
    "-Wall",
    "-Wno-unused-variable",
    "-Wno-unknown-pragmas",
    "-isystemstrucpp_runtime/include",
    "-include",
    "../runtime/strucpp_units.h",
];
/// For the shim.
const SHIM: [&str; 3] = ["-O1", "-w", "-I../runtime"];
/// Optimisation of the debug table, which has no code.
const TABLE: [&str; 1] = ["-O0"];

/// The shim with a list of strings, whose lengths only their types tell.
const SHIM_WITH_STRINGS: &str = "#define OPENPLC_STRINGS \"strings.inc\"\n#include \"shim.cpp\"\n";

/// Name of the common header.
const PRELUDE: &str = "prelude.hpp";
/// For fewer units for each compiler the header is not worth while: it takes as long as two of them, and alone.
const LEAST_AFTER_HEADER: usize = 4;
/// The Editor's own definitions.
const DEFINES: &str = strucpp::DEFINES;

/// The files that every build adds.
fn own_sources() -> Vec<(&'static str, &'static str)> {
    let mut sources = sources::STRUCPP.to_vec();
    sources.push((
        "shim.cpp",
        "#include \"strucpp.cpp\"\n#include \"host_calls.cpp\"\n#include \"exit_calls.cpp\"\n",
    ));
    sources.push(("shim_with_strings.cpp", SHIM_WITH_STRINGS));
    sources
}

/// Options and sources of this generation's builds.
pub fn fingerprint(optimisation: Optimisation) -> Vec<String> {
    let options = [
        &COMMON[..],
        &GENERATED,
        &AFTER_HEADER,
        &HEADER,
        &USER_CXX,
        &SHIM,
        &TABLE,
        level(optimisation.program),
        level(optimisation.blocks),
    ];
    let mut parts = vec![options.concat().join(" ")];
    let sources = own_sources();
    parts.extend(
        sources
            .iter()
            .flat_map(|(name, text)| [(*name).to_owned(), (*text).to_owned()]),
    );
    parts
}

/// How to compile a program with up to `parallel` compilers at once.
pub fn plan(bundle: &Bundle, toolchain: &Toolchain, parallel: usize, optimisation: Optimisation) -> Plan {
    let compiler = Compiler { toolchain, bundle };
    let mut files: Vec<_> = own_sources()
        .into_iter()
        .map(|(name, text)| (name.to_owned(), text.to_owned()))
        .collect();
    let generated: Vec<&str> = strucpp::units(&bundle.files)
        .filter(|path| *path != C_BLOCKS)
        .collect();
    let common = common_prelude(bundle, &generated);
    let of_program = level(optimisation.program);
    let keys = Keys::of(bundle, toolchain, optimisation);
    let mut groups: Vec<Group> = generated
        .iter()
        .map(|path| {
            let options = if *path == strucpp::DEBUG_TABLE {
                &TABLE
            } else {
                of_program
            };
            let sure = compiler.unit(path, path, &[options, &GENERATED]);
            let key = Some(keys.of_unit(&sure, bundle.files.get(*path).map_or(&[], Vec::as_slice)));
            let begins_alike = common.as_ref().is_some_and(|common| common.units.contains(path));
            // The header has the optimisation of the program, and fits no other.
            if !begins_alike || options != of_program {
                return Group {
                    key,
                    ..Group::alone(sure)
                };
            }
            let mut fast = compiler.unit(path, path, &[options, &AFTER_HEADER]);
            fast.after_header = true;
            Group {
                units: vec![fast],
                instead: vec![sure],
                key,
            }
        })
        .collect();
    let strings = list_of_strings(bundle);
    let shim = compiler.unit("shim.cpp", "../runtime/shim.cpp", &[&SHIM]);
    groups.push(if strings.is_empty() {
        Group {
            key: Some(keys.of_unit(&shim, &[])),
            ..Group::alone(shim)
        }
    } else {
        let listing = compiler.unit("shim.cpp", "../runtime/shim_with_strings.cpp", &[&SHIM]);
        let key = Some(keys.of_unit(&listing, strings.as_bytes()));
        files.push(("strings.inc".into(), strings));
        Group {
            units: vec![listing],
            instead: vec![shim],
            key,
        }
    });
    let identity = "../runtime/strucpp_identity.cpp";
    groups.push(Group::alone(compiler.unit(strucpp::DEFINES, identity, &[&SHIM])));
    if bundle.program.has_c_blocks {
        let mut blocks = compiler.unit(C_BLOCKS, C_BLOCKS, &[level(optimisation.blocks), &USER_CXX]);
        blocks.shows_warnings = true;
        groups.push(Group::alone(blocks));
    }
    let header = common.map(|common| {
        files.push((
            PRELUDE.into(),
            format!("#include \"strucpp_units.h\"\n{}", common.text),
        ));
        let mut header = compiler.unit(PRELUDE, &format!("../runtime/{PRELUDE}"), &[of_program, &HEADER]);
        header.object = format!("../runtime/{PRELUDE}.gch");
        header.arguments.pop();
        header.arguments.push(header.object.clone());
        header
    });
    Plan {
        header,
        least_for_header: LEAST_AFTER_HEADER * parallel,
        ..Plan::new(groups, files)
    }
}

/// The strings that debuggers cannot know the length of, as the shim reads them.
fn list_of_strings(bundle: &Bundle) -> String {
    let strings = strucpp::strings_of_unknown_length(&bundle.files).into_iter();
    let lines =
        strings.map(|string| format!("OPENPLC_STRING({:#x}, {})\n", string.address, string.expression));
    lines.collect()
}

/// What decides the objects of this build.
struct Keys(Key);

impl Keys {
    /// Of everything but the sources themselves.
    fn of(bundle: &Bundle, toolchain: &Toolchain, optimisation: Optimisation) -> Self {
        let fingerprint = plan::fingerprint(Generation::Strucpp, toolchain, optimisation);
        let mut parts: Vec<&[u8]> = fingerprint.iter().map(String::as_bytes).collect();
        // What the Editor defines changes with every upload, and only our own unit reads it.
        let is_read = |content: &[u8]| {
            content
                .windows(DEFINES.len())
                .any(|part| part == DEFINES.as_bytes())
        };
        let defines_are_read = bundle.sources().any(|(_, content)| is_read(content));
        let units_are_read = bundle.sources().any(|(_, content)| includes_a_unit(content));
        for (path, content) in bundle.sources() {
            let is_unit = path.ends_with(".cpp") && !path.contains('/');
            let decides = match path {
                DEFINES => defines_are_read,
                _ if is_unit => units_are_read,
                _ => true,
            };
            if decides {
                parts.extend([path.as_bytes(), content]);
            }
        }
        Self(left_over::key(parts))
    }

    fn of_unit(&self, unit: &Unit, source: &[u8]) -> Key {
        let arguments = unit.arguments.iter().map(String::as_bytes);
        left_over::key([&self.0[..], source].into_iter().chain(arguments))
    }
}

/// Whether a unit may be part of others: a directive names one.
fn includes_a_unit(source: &[u8]) -> bool {
    const UNIT: &[u8] = b".cpp";
    let mut goes_on = false;
    source.split(|byte| *byte == b'\n').any(|line| {
        let line = line.trim_ascii();
        let is_directive = goes_on || line.starts_with(b"#") || line.starts_with(b"%:");
        goes_on = is_directive && line.ends_with(b"\\");
        is_directive && line.windows(UNIT.len()).any(|part| part == UNIT)
    })
}

/// What many units begin with.
struct Common<'a> {
    text: String,
    units: Vec<&'a str>,
}

/// The beginning that most units have in common, if it is worth a header.
fn common_prelude<'a>(bundle: &Bundle, units: &[&'a str]) -> Option<Common<'a>> {
    let mut by_text: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for unit in units.iter().filter(|unit| **unit != strucpp::DEBUG_TABLE) {
        let source = std::str::from_utf8(bundle.files.get(*unit)?).ok();
        if let Some(prelude) = source.and_then(prelude::of) {
            by_text.entry(prelude).or_default().push(unit);
        }
    }
    let (text, units) = by_text.into_iter().max_by_key(|(_, units)| units.len())?;
    Some(Common { text, units })
}

struct Compiler<'a> {
    toolchain: &'a Toolchain,
    bundle: &'a Bundle,
}

impl Compiler<'_> {
    fn unit(&self, name: &str, source: &str, options: &[&[&str]]) -> Unit {
        // No unit of an upload has an object of such a name as our own.
        let object = match source.strip_prefix("../runtime/") {
            Some(own) => format!("../out/{own}.own.o"),
            None => format!("../out/{source}.o"),
        };
        let options = options.concat();
        let arguments = [&COMMON, options.as_slice(), &[source, "-o", &object]];
        Unit {
            name: name.into(),
            program: self.toolchain.cxx.clone(),
            arguments: arguments.concat().into_iter().map(str::to_owned).collect(),
            tuning: &[],
            weight: self.bundle.files.get(source).map_or(0, Vec::len),
            object,
            shows_warnings: false,
            group: 0,
            after_header: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_that_is_part_of_others_is_noticed() {
        for source in [
            "#include \"zz.cpp\"",
            "int a;\n  # include <zz.cpp>\n",
            "#include \\\n  \"zz.cpp\"",
            "%:include \"zz.cpp\"",
            "#define OTHER \"zz.cpp\"\n#include OTHER",
        ] {
            assert!(includes_a_unit(source.as_bytes()), "{source}");
        }
        assert!(!includes_a_unit(
            b"#include \"generated.hpp\"\n// made from pou_MAIN.cpp\n"
        ));
    }
}
