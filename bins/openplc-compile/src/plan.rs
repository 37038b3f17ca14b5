//! How a program is compiled and linked, whatever its generation.

use openplc_bundle::Bundle;
use openplc_settings::compile::Optimisation;
use openplc_wire::manifest::Generation;

use crate::jobs::Unit;
use crate::left_over::Key;
use crate::toolchain::Toolchain;
use crate::{matiec, strucpp};

/// The levels of optimisation that can be set. docs/decisions/0001-optimisation-level.md says why 1 is the program's.
const LEVELS: [[&str; 1]; 4] = [["-O0"], ["-O1"], ["-O2"], ["-O3"]];

/// For linking. The wrapped functions are those of the shim.
const LINK: [&str; 16] = [
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
    "-Wl,--wrap=putc",
    "-Wl,--wrap=exit",
    "-Wl,--wrap=_exit",
    "-Wl,--wrap=_Exit",
    "-Wl,--wrap=quick_exit",
    "-Wl,--build-id=none",
];

/// Units that belong together. When one of them does not compile, or all do not link, `instead` is compiled before anything
/// is reported.
#[derive(Debug)]
pub struct Group {
    /// The fast way.
    pub units: Vec<Unit>,
    /// The sure way.
    pub instead: Vec<Unit>,
    /// What decides the one object of the group, where that may be handed to a later build.
    pub key: Option<Key>,
}

impl Group {
    /// A unit for which there is only one way.
    pub fn alone(unit: Unit) -> Self {
        Self {
            units: vec![unit],
            instead: Vec::new(),
            key: None,
        }
    }

    /// Where its object goes, if it has only one.
    pub fn object(&self) -> Option<&str> {
        let unit = self.units.first().or(self.instead.first())?;
        Some(&unit.object)
    }
}

/// What is compiled, and the files that it needs besides the upload.
#[derive(Debug)]
pub struct Plan {
    /// A header that is compiled once for many units, which wait for it. Where it does not compile, they are compiled the
    /// sure way.
    pub header: Option<Unit>,
    /// For fewer units it is not worth while.
    pub least_for_header: usize,
    /// Everything to compile.
    pub groups: Vec<Group>,
    /// Names and texts of the files for the folder `runtime`.
    pub files: Vec<(String, String)>,
}

impl Plan {
    /// Gives each unit the number of its group.
    pub fn new(mut groups: Vec<Group>, files: Vec<(String, String)>) -> Self {
        for (number, group) in groups.iter_mut().enumerate() {
            let units = group.units.iter_mut().chain(&mut group.instead);
            units.for_each(|unit| unit.group = number);
        }
        Self {
            header: None,
            least_for_header: 0,
            groups,
            files,
        }
    }
}

/// How to compile a program with up to `parallel` compilers at once.
pub fn plan(bundle: &Bundle, toolchain: &Toolchain, parallel: usize, optimisation: Optimisation) -> Plan {
    match bundle.generation {
        Generation::Matiec => matiec::plan(bundle, toolchain, parallel, optimisation),
        Generation::Strucpp => strucpp::plan(bundle, toolchain, parallel, optimisation),
    }
}

/// Everything but the upload that decides what a build makes.
pub fn fingerprint(generation: Generation, toolchain: &Toolchain, optimisation: Optimisation) -> Vec<String> {
    let mut parts = vec![
        env!("CARGO_PKG_VERSION").to_owned(),
        toolchain.version.clone(),
        LINK.join(" "),
    ];
    parts.extend(toolchain.linker.map(str::to_owned));
    parts.extend(match generation {
        Generation::Matiec => matiec::fingerprint(optimisation),
        Generation::Strucpp => strucpp::fingerprint(optimisation),
    });
    parts
}

/// Compiler and options, for people.
pub fn description(toolchain: &Toolchain, optimisation: Optimisation) -> String {
    format!("{} -O{}", toolchain.version, optimisation.program)
}

/// The option for a level of optimisation.
pub fn level(number: u8) -> &'static [&'static str] {
    LEVELS.get(usize::from(number)).map_or(&[], |option| option)
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
