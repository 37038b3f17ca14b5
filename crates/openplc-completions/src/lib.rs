//! The completions of bash, fish and zsh that packages install, in `completions/`, are what clap makes of the command lines.
//! Each program has a test that calls [`check`]; with `OPENPLC_WRITE_COMPLETIONS=1` in its environment it writes the files.
//!
//! For tests only; no program contains this.
#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};
use std::{env, fs};

use clap::Command;
use clap_complete::Shell;

/// What has the tests write the files.
const WRITE: &str = "OPENPLC_WRITE_COMPLETIONS";

/// Compares the files of `command` with what they have to be.
///
/// # Panics
/// When one differs; the message says how to write it anew.
pub fn check(command: &Command) {
    let name = command.get_name();
    for (shell, file) in [
        (Shell::Bash, format!("bash/{name}")),
        (Shell::Fish, format!("fish/{name}.fish")),
        (Shell::Zsh, format!("zsh/_{name}")),
    ] {
        let path = folder().join(file);
        let mut wanted = Vec::new();
        clap_complete::generate(shell, &mut for_people(command), name, &mut wanted);
        if env::var_os(WRITE).is_some() {
            let written =
                fs::create_dir_all(path.parent().unwrap_or(&path)).and_then(|()| fs::write(&path, &wanted));
            assert!(written.is_ok(), "{}: {written:?}", path.display());
        }
        assert!(
            fs::read(&path).is_ok_and(|found| found == wanted),
            "{} is not what the command line of {name} is now. Write it anew: {WRITE}=1 cargo test -p {name} completions",
            path.display()
        );
    }
}

/// Without what programs call themselves with.
fn for_people(command: &Command) -> Command {
    let version = command.get_version().unwrap_or_default().to_owned();
    Command::new(command.get_name().to_owned())
        .version(version)
        .args(command.get_arguments().filter(|argument| !argument.is_hide_set()))
        .groups(command.get_groups())
        .subcommands(command.get_subcommands().filter(|command| !command.is_hide_set()))
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../completions")
}
