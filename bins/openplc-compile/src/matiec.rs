//! How a MatIEC program is compiled.

use std::path::Path;

use openplc_bundle::{Bundle, C_BLOCKS};
use openplc_program::sources;
use openplc_settings::compile::Optimisation;

use crate::jobs::Unit;
use crate::plan::{Group, Plan, level};
use crate::split::split;
use crate::toolchain::Toolchain;

/// What goes with level 1 of the program where the compiler knows it.
const PROGRAM_TUNING: [&str; 8] = [
    "-fno-reorder-blocks",
    "-fno-tree-dominator-opts",
    "-fno-ipa-modref",
    "-fno-ipa-pure-const",
    "--param",
    "sccvn-max-alias-queries-per-access=30",
    "--param",
    "dse-max-alias-queries-per-store=16",
];
/// Optimisation of tables and start-up code, which run once. Not -O0: that would emit every unused function of lib/.
const TABLE_OPTIMISATION: [&str; 1] = ["-O1"];
/// Optimisation of the shim: it is small, and translating it better takes longer than it ever saves.
const SHIM_OPTIMISATION: [&str; 1] = ["-O0"];

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

/// For generated C. What newer compilers made errors stays allowed.
const GENERATED: [&str; 6] = [
    "-std=gnu17",
    "-Wno-error=implicit-function-declaration",
    "-Wno-error=implicit-int",
    "-Wno-error=int-conversion",
    "-Wno-error=incompatible-pointer-types",
    "-Ilib",
];

/// For generated C that is compiled whole: no warnings, for nobody can act on them. Parts need theirs.
const QUIET: [&str; 1] = ["-w"];
/// For programs with Python blocks.
const PYTHON: [&str; 2] = ["-include", "../runtime/python_block.h"];

/// For C++ that users write: warnings, but none of the headers that came along; and line numbers, by which the runtime tells
/// where it has faulted.
const USER_CXX: [&str; 6] = [
    "-std=gnu++17",
    "-g1",
    "-Wall",
    "-Wno-unused-variable",
    "-fno-gnu-unique",
    "-isystemlib",
];

/// For the shim.
const SHIM: [&str; 2] = ["-std=gnu++17", "-fno-gnu-unique"];

/// Name of the file that includes the small units.
const TABLES: &str = "tables.c";
/// The units that it includes, and what each needs.
const TABLE_UNITS: [(&str, &[&str]); 3] = [
    ("Config0.c", &[]),
    ("debug.c", &[]),
    ("glueVars.c", &["-DOPENPLC_V4"]),
];

/// Name of the file that stands for `Res0.c` when `POUS.c` is compiled in parts.
const RESOURCE: &str = "resource.c";

/// The files that every build adds.
fn own_sources() -> Vec<(&'static str, &'static str)> {
    let mut sources = sources::MATIEC.to_vec();
    sources.push((
        TABLES,
        "#include \"Config0.c\"\n#include \"debug.c\"\n#include \"glueVars.c\"\n",
    ));
    sources.push((
        "shim.cpp",
        "#include \"matiec.cpp\"\n#include \"host_calls.cpp\"\n#include \"exit_calls.cpp\"\n",
    ));
    sources
}

/// Options and sources of this generation's builds.
pub fn fingerprint(optimisation: Optimisation) -> Vec<String> {
    let options = [
        &COMMON[..],
        &GENERATED,
        &QUIET,
        &PYTHON,
        &USER_CXX,
        &SHIM,
        level(optimisation.program),
        tuning(optimisation),
        &TABLE_OPTIMISATION,
        &SHIM_OPTIMISATION,
        level(optimisation.blocks),
    ];
    let mut parts = vec![options.concat().join(" ")];
    parts.extend(
        own_sources()
            .iter()
            .flat_map(|(name, text)| [(*name).to_owned(), (*text).to_owned()]),
    );
    parts
}

/// More options for the program. They are measured for level 1; whoever chooses another one gets that of the compiler.
fn tuning(optimisation: Optimisation) -> &'static [&'static str] {
    if optimisation.program == 1 {
        &PROGRAM_TUNING
    } else {
        &[]
    }
}

/// How to compile a program with up to `parallel` compilers at once.
pub fn plan(bundle: &Bundle, toolchain: &Toolchain, parallel: usize, optimisation: Optimisation) -> Plan {
    let compilers = Compilers {
        toolchain,
        bundle,
        optimisation,
    };
    let mut files: Vec<_> = own_sources()
        .into_iter()
        .map(|(name, text)| (name.to_owned(), text.to_owned()))
        .collect();
    let mut groups = vec![
        compilers.program(parallel, &mut files),
        compilers.tables(),
        compilers.shim(),
    ];
    if bundle.program.has_c_blocks {
        let mut blocks = compilers.cxx(
            C_BLOCKS,
            C_BLOCKS,
            level(optimisation.blocks),
            &USER_CXX,
            &[C_BLOCKS],
        );
        blocks.shows_warnings = true;
        groups.push(Group::alone(blocks));
    }
    Plan::new(groups, files)
}

struct Compilers<'a> {
    toolchain: &'a Toolchain,
    bundle: &'a Bundle,
    optimisation: Optimisation,
}

impl Compilers<'_> {
    /// `Res0.c` with `POUS.c`, in parts where that is worth it.
    fn program(&self, parallel: usize, files: &mut Vec<(String, String)>) -> Group {
        let whole = Unit {
            tuning: tuning(self.optimisation),
            ..self.c(
                "Res0.c, POUS.c",
                "Res0.c",
                level(self.optimisation.program),
                self.python(),
                &["POUS.c", "POUS.c"],
            )
        };
        let text = |path: &str| {
            self.bundle
                .files
                .get(path)
                .and_then(|content| std::str::from_utf8(content).ok())
        };
        let parts = text("Res0.c").zip(text("POUS.c")).and_then(|(resource, units)| {
            // Two parts for each compiler, because they do not take equally long.
            split(resource, units, 2 * parallel)
        });
        let Some(parts) = parts else {
            return Group::alone(whole);
        };
        let count = parts.units.len();
        let mut units = vec![self.part("Res0.c", RESOURCE, &parts.resource)];
        files.push((RESOURCE.into(), parts.resource));
        for (number, text) in (1..).zip(parts.units) {
            let file = format!("pous_{number}.c");
            units.push(self.part(&format!("POUS.c, part {number} of {count}"), &file, &text));
            files.push((file, text));
        }
        Group {
            units,
            instead: vec![whole],
            key: None,
        }
    }

    fn python(&self) -> &'static [&'static str] {
        if self.bundle.program.uses_python {
            &PYTHON
        } else {
            &[]
        }
    }

    /// A part of the program. What it does not declare would be taken for a function that returns int.
    fn part(&self, name: &str, file: &str, text: &str) -> Unit {
        let undeclared = ["-Werror=implicit-function-declaration"];
        let options = [
            level(self.optimisation.program),
            &GENERATED,
            self.python(),
            &undeclared,
        ]
        .concat();
        let unit = self.unit(
            &self.toolchain.c,
            name,
            &format!("../runtime/{file}"),
            &options,
            &[],
        );
        Unit {
            weight: text.len(),
            tuning: tuning(self.optimisation),
            ..unit
        }
    }

    /// The small units as one, which saves two starts of the compiler and two readings of lib/. Should they not get along
    /// with each other, each is compiled by itself.
    fn tables(&self) -> Group {
        let all: Vec<&str> = TABLE_UNITS
            .iter()
            .flat_map(|(_, options)| options.iter().copied())
            .collect();
        let unit = self.c(
            "Config0.c, debug.c, glueVars.c",
            &format!("../runtime/{TABLES}"),
            &TABLE_OPTIMISATION,
            &all,
            &["debug.c"],
        );
        let instead = TABLE_UNITS
            .iter()
            .map(|(name, options)| self.c(name, name, &TABLE_OPTIMISATION, options, &[]))
            .collect();
        Group {
            units: vec![unit],
            instead,
            key: None,
        }
    }

    fn shim(&self) -> Group {
        let mut unit = self.cxx("shim.cpp", "../runtime/shim.cpp", &SHIM_OPTIMISATION, &SHIM, &[]);
        // The task's name is an identifier, so it needs no quoting but that of the compiler.
        if let [task] = &self.bundle.program.tasks[..] {
            unit.arguments
                .push(format!("-DOPENPLC_TASK_NAME=\"{}\"", task.name));
        }
        Group::alone(unit)
    }

    fn c(&self, name: &str, source: &str, optimisation: &[&str], options: &[&str], sizes: &[&str]) -> Unit {
        self.unit(
            &self.toolchain.c,
            name,
            source,
            &[optimisation, &GENERATED, &QUIET, options].concat(),
            sizes,
        )
    }

    fn cxx(&self, name: &str, source: &str, optimisation: &[&str], options: &[&str], sizes: &[&str]) -> Unit {
        self.unit(
            &self.toolchain.cxx,
            name,
            source,
            &[optimisation, options].concat(),
            sizes,
        )
    }

    fn unit(&self, compiler: &Path, name: &str, source: &str, options: &[&str], sizes: &[&str]) -> Unit {
        let object = format!("../out/{}.o", source.rsplit('/').next().unwrap_or(source));
        let arguments = [&COMMON, options, &[source, "-o", &object]]
            .concat()
            .into_iter()
            .map(str::to_owned)
            .collect();
        Unit {
            name: name.into(),
            program: compiler.into(),
            arguments,
            tuning: &[],
            weight: sizes
                .iter()
                .filter_map(|path| self.bundle.files.get(*path))
                .map(Vec::len)
                .sum(),
            object,
            shows_warnings: false,
            group: 0,
            after_header: false,
        }
    }
}
