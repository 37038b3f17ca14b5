//! How a STruC++ program is compiled.
//!
//! Every unit includes the declarations of the whole program and the headers of its run-time library, and reading those takes
//! most of the time. They are therefore compiled once, as a precompiled header, for all units that begin alike.

use std::collections::BTreeMap;

use openplc_bundle::strucpp;
use openplc_bundle::{Bundle, C_BLOCKS};
use openplc_program::sources;
use openplc_settings::compile::Optimisation;

use crate::jobs::Unit;
use crate::plan::{Group, Plan, level};
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
/// For the shim: small, and translating it better takes longer than it ever saves.
const SHIM: [&str; 3] = ["-O0", "-w", "-I../runtime"];
/// Optimisation of the debug table, which has no code.
const TABLE: [&str; 1] = ["-O0"];

/// Name of the common header.
const PRELUDE: &str = "prelude.hpp";
/// Fewer units are not worth a header of their own.
const LEAST_AFTER_HEADER: usize = 2;

/// The files that every build adds.
fn own_sources() -> Vec<(&'static str, &'static str)> {
    let mut sources = sources::STRUCPP.to_vec();
    sources.push((
        "shim.cpp",
        "#include \"strucpp.cpp\"\n#include \"host_calls.cpp\"\n#include \"exit_calls.cpp\"\n",
    ));
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

/// How to compile a program.
pub fn plan(bundle: &Bundle, toolchain: &Toolchain, optimisation: Optimisation) -> Plan {
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
    let mut groups: Vec<Group> = generated
        .iter()
        .map(|path| {
            let options = if *path == strucpp::DEBUG_TABLE {
                &TABLE
            } else {
                of_program
            };
            let sure = compiler.unit(path, path, &[options, &GENERATED]);
            let begins_alike = common.as_ref().is_some_and(|common| common.units.contains(path));
            // The header has the optimisation of the program, and fits no other.
            if !begins_alike || options != of_program {
                return alone(sure);
            }
            let mut fast = compiler.unit(path, path, &[options, &AFTER_HEADER]);
            fast.after_header = true;
            Group {
                units: vec![fast],
                instead: vec![sure],
            }
        })
        .collect();
    groups.push(alone(compiler.unit("shim.cpp", "../runtime/shim.cpp", &[&SHIM])));
    if bundle.program.has_c_blocks {
        let mut blocks = compiler.unit(C_BLOCKS, C_BLOCKS, &[level(optimisation.blocks), &USER_CXX]);
        blocks.shows_warnings = true;
        groups.push(alone(blocks));
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
        ..Plan::new(groups, files)
    }
}

fn alone(unit: Unit) -> Group {
    Group {
        units: vec![unit],
        instead: Vec::new(),
    }
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
    (units.len() >= LEAST_AFTER_HEADER).then_some(Common { text, units })
}

struct Compiler<'a> {
    toolchain: &'a Toolchain,
    bundle: &'a Bundle,
}

impl Compiler<'_> {
    fn unit(&self, name: &str, source: &str, options: &[&[&str]]) -> Unit {
        let object = format!("../out/{}.o", source.rsplit('/').next().unwrap_or(source));
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
