//! From the command line to the plugin.

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use openplc_settings::plugins::{self, Entry, Kind};

use crate::confinement::refuse_holes;
use crate::{interpreter, native, program};

/// Where settings are when nothing else is said.
const SETTINGS: &str = "/etc/openplc-runtime";
/// Name in the log, until the plugin has one of its own.
const IDENTIFIER: &str = "openplc-plugin-host";

/// The process.
pub fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [name] = arguments.as_slice() else {
        eprintln!(
            "Usage: openplc-plugin-host NAME\nsystemd (openplc-plugin@NAME.service) or openplc-launcher starts it"
        );
        return ExitCode::from(2);
    };
    match run(name) {
        Ok(code) => code,
        Err(error) => {
            // Where the plugin has started logging this changes nothing.
            openplc_logging::init(IDENTIFIER, "info");
            tracing::error!("Plugin {name} cannot work: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(name: &str) -> Result<ExitCode> {
    let entry = find(name)?;
    if !entry.path.exists() {
        bail!("{} does not exist", entry.path.display());
    }
    refuse_holes().context("limiting the system calls of the plugin")?;
    match entry.kind {
        Kind::Native => native::run(&entry),
        Kind::Python => Err(interpreter::execute(&entry)),
        Kind::Program => program::run(&entry),
    }
}

/// The plugin's line in `plugins.conf`.
fn find(name: &str) -> Result<Entry> {
    let folder = openplc_settings::directory().unwrap_or_else(|| PathBuf::from(SETTINGS));
    let (entries, problems) = plugins::load_from(&folder);
    if let Some(entry) = entries.into_iter().find(|entry| entry.name == name) {
        return Ok(entry);
    }
    for problem in problems {
        eprintln!("<4>{problem}");
    }
    bail!("{} has no plugin {name:?}", folder.join(plugins::FILE).display())
}
