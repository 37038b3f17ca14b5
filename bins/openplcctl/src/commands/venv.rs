//! Python environments of plugins, on this computer.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use anyhow::Context;
use openplc_wire::image::is_name;
use openplc_wire::{VENV_FOLDER, VENV_FOLDER_VARIABLE};
use serde_json::json;

use super::Output;
use crate::arguments::Venv;
use crate::failure::Failure;
use crate::screen;

/// What an environment has when it is whole.
const INTERPRETER: &str = "bin/python3";

/// Manages environments.
///
/// # Errors
/// What failed, and what to do.
pub fn venv(what: Venv, output: Output) -> Result<(), Failure> {
    let folder = env::var_os(VENV_FOLDER_VARIABLE).map_or_else(|| VENV_FOLDER.into(), PathBuf::from);
    match what {
        Venv::Create { name, python } => create(&folder, &name, &python, output),
        Venv::Install {
            name,
            requirements,
            packages,
        } => install(&folder, &name, requirements.as_deref(), &packages, output),
        Venv::List => list(&folder, output),
        Venv::Info { name } => info(&folder, &name, output),
        Venv::Remove { name } => remove(&folder, &name, output),
    }
}

fn create(folder: &Path, name: &str, python: &Path, output: Output) -> Result<(), Failure> {
    let path = place(folder, name)?;
    if path.exists() {
        return Err(Failure::Refused(format!("{} exists already", path.display())));
    }
    fs::create_dir_all(folder)
        .with_context(|| format!("Cannot make the folder {}: run this as root", folder.display()))?;
    let made = run(Command::new(python).args(["-m", "venv"]).arg(&path));
    if let Err(failure) = made {
        // Nothing half made.
        let _ = fs::remove_dir_all(&path);
        return Err(failure);
    }
    output.result(
        &format!(
            "Created {}: openplcctl venv install {name} PACKAGE",
            path.display()
        ),
        &json!({ "created": path }),
    );
    Ok(())
}

fn install(
    folder: &Path,
    name: &str,
    requirements: Option<&Path>,
    packages: &[String],
    output: Output,
) -> Result<(), Failure> {
    let path = existing(folder, name)?;
    let mut pip = Command::new(path.join(INTERPRETER));
    pip.args(["-m", "pip", "install", "--disable-pip-version-check"]);
    if let Some(requirements) = requirements {
        pip.arg("-r").arg(requirements);
    }
    // What begins with a hyphen would be an option.
    run(pip.arg("--").args(packages))?;
    output.result(
        "Installed. The plugin uses it from its next start: stop and start the PLC",
        &json!({ "installed": packages }),
    );
    Ok(())
}

fn list(folder: &Path, output: Output) -> Result<(), Failure> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.path().join(INTERPRETER).exists())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    if output.json {
        screen::line(&json!(names).to_string());
    } else if names.is_empty() {
        screen::line(&format!("There are no environments in {}", folder.display()));
    } else {
        names.iter().for_each(|name| screen::line(name));
    }
    Ok(())
}

fn info(folder: &Path, name: &str, output: Output) -> Result<(), Failure> {
    let path = existing(folder, name)?;
    let python = path.join(INTERPRETER);
    let version = printed(Command::new(&python).arg("--version"))?;
    let packages = printed(Command::new(&python).args([
        "-m",
        "pip",
        "list",
        "--format=freeze",
        "--disable-pip-version-check",
    ]))?;
    let packages: Vec<&str> = packages.lines().collect();
    let version = version.trim();
    if output.json {
        screen::line(&json!({ "path": path, "python": version, "packages": packages }).to_string());
    } else {
        screen::line(&path.display().to_string());
        screen::line(version);
        packages.iter().for_each(|package| screen::line(package));
    }
    Ok(())
}

fn remove(folder: &Path, name: &str, output: Output) -> Result<(), Failure> {
    let path = existing(folder, name)?;
    fs::remove_dir_all(&path).with_context(|| format!("Cannot remove {}", path.display()))?;
    output.result(
        &format!("Removed {}", path.display()),
        &json!({ "removed": path }),
    );
    Ok(())
}

/// Where the environment of this name is.
fn place(folder: &Path, name: &str) -> Result<PathBuf, Failure> {
    if is_name(name) {
        return Ok(folder.join(name));
    }
    Err(Failure::Refused(format!(
        "{name:?} is no name of a plugin: it has letters, digits, dots, hyphens and underscores only"
    )))
}

fn existing(folder: &Path, name: &str) -> Result<PathBuf, Failure> {
    let path = place(folder, name)?;
    if path.join(INTERPRETER).exists() {
        return Ok(path);
    }
    Err(Failure::Refused(format!(
        "There is no environment {}: openplcctl venv create {name}",
        path.display()
    )))
}

/// Runs a program whose output is for people, on standard error as results go to standard output.
fn run(command: &mut Command) -> Result<(), Failure> {
    let name = shown(command.get_program());
    let status = command
        .stdin(Stdio::null())
        .stdout(std::io::stderr())
        .status()
        .with_context(|| format!("Cannot execute {name}"))?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::Refused(format!("{name} failed: {status}")))
}

/// What a program prints.
fn printed(command: &mut Command) -> Result<String, Failure> {
    let name = shown(command.get_program());
    let ended = command
        .output()
        .with_context(|| format!("Cannot execute {name}"))?;
    if ended.status.success() {
        return Ok(String::from_utf8_lossy(&ended.stdout).into_owned());
    }
    let why = String::from_utf8_lossy(&ended.stderr);
    Err(Failure::Refused(format!("{name} failed: {}", why.trim())))
}

fn shown(program: &OsStr) -> String {
    program.to_string_lossy().into_owned()
}
