//! The administrator's settings: one TOML file for each process, `/etc/openplc-runtime/{api,compile,core,modbus-slave}.toml`,
//! where every key is optional.
//!
//! A wrong file never stops a plant. What is wrong with a key becomes a [`Problem`], and that key has its default; of a file
//! that is no TOML, all have theirs. The files as installed are in `etc/openplc-runtime`; they name every key with its default.
//!
//! This crate must not know what the settings do.
#![forbid(unsafe_code)]

pub mod api;
pub mod compile;
pub mod core;
mod duration;
mod log_level;
pub mod modbus_slave;
pub mod plugins;
mod problem;
mod section;
mod size;

use std::path::{Path, PathBuf};
use std::{env, fs, io};

pub use log_level::LogLevel;
pub use problem::Problem;
pub use section::Section;

/// Environment variable that names the folder of the files, set by systemd (`ConfigurationDirectory=`) or the launcher.
pub const DIRECTORY_VARIABLE: &str = "CONFIGURATION_DIRECTORY";

/// The settings of one process; its `Default` is what counts where the file says nothing.
pub trait Settings: Default {
    /// Name of the file.
    const FILE: &'static str;

    /// Takes over what the file says.
    fn read(&mut self, file: &mut Section<'_>);
}

/// What a file says, and what is wrong with it.
#[derive(Debug)]
pub struct Loaded<S> {
    /// The settings.
    pub settings: S,
    /// What could not be used, in the order of the lines.
    pub problems: Vec<Problem>,
}

/// Reads the file of this process. Without [`DIRECTORY_VARIABLE`], as where a person starts a daemon for a try, and without
/// the file, everything has its default.
pub fn load<S: Settings>() -> Loaded<S> {
    match directory() {
        Some(directory) => load_from(&directory),
        None => parse(Path::new(S::FILE), ""),
    }
}

/// As [`load`], from this folder.
pub fn load_from<S: Settings>(directory: &Path) -> Loaded<S> {
    let path = directory.join(S::FILE);
    match fs::read_to_string(&path) {
        Ok(text) => parse(&path, &text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => parse(&path, ""),
        Err(error) => Loaded {
            settings: S::default(),
            problems: vec![Problem::of_file(
                &path,
                format!("it cannot be read ({error}); every setting has its default"),
            )],
        },
    }
}

/// The settings that `text`, the content of `path`, describes.
pub fn parse<S: Settings>(path: &Path, text: &str) -> Loaded<S> {
    let mut settings = S::default();
    let problems = section::read_file(path, text, &mut |file| settings.read(file));
    Loaded { settings, problems }
}

/// The folder of the settings, as [`DIRECTORY_VARIABLE`] says.
#[must_use]
pub fn directory() -> Option<PathBuf> {
    env::var_os(DIRECTORY_VARIABLE)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
}
