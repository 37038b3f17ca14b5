//! How a MatIEC program is compiled.

use openplc_bundle::Bundle;
use openplc_bundle::matiec::C_BLOCKS;
use openplc_program::sources;

use crate::jobs::Unit;
use crate::toolchain::Toolchain;

/// Optimisation of the program itself. docs/decisions/0001-optimisation-level.md says why.
const PROGRAM_OPTIMISATION: &str = "-O1";
/// Optimisation of tables and start-up code, which run once. Not -O0: that would emit every unused function of lib/.
const TABLE_OPTIMISATION: &str = "-O1";
/// Optimisation of the shim: it is small, and translating it better takes longer than it ever saves.
const SHIM_OPTIMISATION: &str = "-O0";

/// For every unit. Generated code relies on wrapping numbers and on pointers to differing types; an exception of a C++
/// block must find its way through the C units; nothing but the table is visible outside.
const COMMON: [&str; 10] = [
    "-c",
    "-pipe",
    "-fPIC",
    "-fwrapv",
    "-fno-strict-aliasing",
    "-fexceptions",
    "-fvisibility=hidden",
    "-fdiagnostics-color=never",
    "-fmax-errors=50",
    "-I.",
];

/// For generated C: no warnings, for nobody can act on them, and what newer compilers made errors stays allowed.
const GENERATED: [&str; 7] = [
    "-w",
    "-std=gnu17",
    "-Wno-error=implicit-function-declaration",
    "-Wno-error=implicit-int",
    "-Wno-error=int-conversion",
    "-Wno-error=incompatible-pointer-types",
    "-Ilib",
];

/// For C++ that users write: warnings, but none of the headers that came along.
const USER_CXX: [&str; 5] = [
    "-std=gnu++17",
    "-Wall",
    "-Wno-unused-variable",
    "-fno-gnu-unique",
    "-isystemlib",
];

/// For the shim.
const SHIM: [&str; 2] = ["-std=gnu++17", "-fno-gnu-unique"];

/// For linking. The wrapped functions are those of the shim.
const LINK: [&str; 11] = [
    "-shared",
    "-Wl,-z,now",
    "-Wl,-z,noexecstack",
    "-Wl,-z,relro",
    "-Wl,--no-undefined",
    "-Wl,--version-script=../runtime/exports.map",
    "-Wl,--wrap=printf",
    "-Wl,--wrap=vprintf",
    "-Wl,--wrap=puts",
    "-Wl,--wrap=putchar",
    "-Wl,--build-id=none",
];

/// Name of the file that includes the small units.
const TABLES: &str = "tables.c";
/// The units that it includes, and what each needs.
const TABLE_UNITS: [(&str, &[&str]); 3] = [
    ("Config0.c", &[]),
    ("debug.c", &[]),
    ("glueVars.c", &["-DOPENPLC_V4"]),
];

/// The files that a build adds, for the folder `runtime`.
pub fn own_sources() -> Vec<(&'static str, &'static str)> {
    let mut sources = sources::MATIEC.to_vec();
    sources.push((
        TABLES,
        "#include \"Config0.c\"\n#include \"debug.c\"\n#include \"glueVars.c\"\n",
    ));
    sources.push((
        "shim.cpp",
        "#include \"matiec.cpp\"\n#include \"host_calls.cpp\"\n",
    ));
    sources
}

/// Everything but the upload that decides what a build makes.
pub fn fingerprint(toolchain: &Toolchain) -> Vec<String> {
    let flags = [&COMMON[..], &GENERATED, &USER_CXX, &SHIM, &LINK]
        .concat()
        .join(" ");
    let levels = [PROGRAM_OPTIMISATION, TABLE_OPTIMISATION, SHIM_OPTIMISATION].join(" ");
    let mut parts = vec![
        env!("CARGO_PKG_VERSION").to_owned(),
        toolchain.version.clone(),
        flags,
        levels,
    ];
    parts.extend(toolchain.linker.map(str::to_owned));
    parts.extend(
        own_sources()
            .iter()
            .flat_map(|(name, text)| [(*name).to_owned(), (*text).to_owned()]),
    );
    parts
}

/// Compiler and options, for people.
pub fn description(toolchain: &Toolchain) -> String {
    format!("{} {PROGRAM_OPTIMISATION}", toolchain.version)
}

/// The translation units of a program.
pub fn units(bundle: &Bundle, toolchain: &Toolchain) -> Vec<Unit> {
    let weight = |paths: &[&str]| {
        paths
            .iter()
            .filter_map(|path| bundle.files.get(*path))
            .map(Vec::len)
            .sum()
    };
    let mut units = vec![
        c_unit(
            toolchain,
            "Res0.c",
            "Res0.c",
            PROGRAM_OPTIMISATION,
            &["-include", "../runtime/python_block.h"],
        ),
        tables(toolchain),
        cxx_unit(
            toolchain,
            "shim.cpp",
            "../runtime/shim.cpp",
            SHIM_OPTIMISATION,
            &SHIM,
        ),
    ];
    units[0].weight = weight(&["Res0.c", "POUS.c", "POUS.h"]) * 10;
    units[1].weight = weight(&["Config0.c", "debug.c", "glueVars.c", "POUS.h"]);
    // The task's name is an identifier, so it needs no quoting but that of the compiler.
    if let [task] = &bundle.program.tasks[..] {
        units[2]
            .arguments
            .push(format!("-DOPENPLC_TASK_NAME=\"{}\"", task.name));
    }
    if bundle.program.has_c_blocks {
        let mut blocks = cxx_unit(toolchain, C_BLOCKS, C_BLOCKS, "-O2", &USER_CXX);
        blocks.weight = weight(&[C_BLOCKS]);
        units.push(blocks);
    }
    units
}

/// The small units as one, which saves two starts of the compiler and two readings of lib/. Should they not get along
/// with each other, each is compiled by itself.
fn tables(toolchain: &Toolchain) -> Unit {
    let options: Vec<&str> = TABLE_UNITS
        .iter()
        .flat_map(|(_, options)| options.iter().copied())
        .collect();
    let mut unit = c_unit(
        toolchain,
        "Config0.c, debug.c, glueVars.c",
        &format!("../runtime/{TABLES}"),
        TABLE_OPTIMISATION,
        &options,
    );
    unit.instead = TABLE_UNITS
        .iter()
        .map(|(name, options)| c_unit(toolchain, name, name, TABLE_OPTIMISATION, options))
        .collect();
    unit
}

fn c_unit(toolchain: &Toolchain, name: &str, source: &str, optimisation: &str, options: &[&str]) -> Unit {
    let options = [&GENERATED, options].concat();
    Unit {
        program: toolchain.c.clone(),
        ..unit(name, source, optimisation, &options)
    }
}

fn cxx_unit(toolchain: &Toolchain, name: &str, source: &str, optimisation: &str, options: &[&str]) -> Unit {
    Unit {
        program: toolchain.cxx.clone(),
        ..unit(name, source, optimisation, options)
    }
}

fn unit(name: &str, source: &str, optimisation: &str, options: &[&str]) -> Unit {
    let stem = source.rsplit('/').next().unwrap_or(source);
    let object = format!("../out/{stem}.o");
    let own = [optimisation, source, "-o", &object];
    let arguments = [&COMMON, options, &own]
        .concat()
        .into_iter()
        .map(str::to_owned)
        .collect();
    Unit {
        name: name.into(),
        program: Default::default(),
        arguments,
        weight: 0,
        instead: Vec::new(),
    }
}

/// Arguments for linking the objects that are there.
pub fn link_arguments(toolchain: &Toolchain, objects: &[String], output: &str) -> Vec<String> {
    let linker = toolchain.linker.map(|name| format!("-fuse-ld={name}"));
    let mut arguments: Vec<String> = LINK
        .iter()
        .map(|option| (*option).to_owned())
        .chain(linker)
        .collect();
    arguments.extend(objects.iter().cloned());
    // Communication blocks and C++ blocks may use both; empty libraries on today's systems.
    arguments.extend(["-lm", "-lpthread", "-lrt", "-o", output].map(str::to_owned));
    arguments
}
