//! The C and C++ compilers of this machine.

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use thiserror::Error;

/// Where compilers are looked for when the environment does not say.
const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// The compilers that a build uses.
#[derive(Debug, Clone)]
pub struct Toolchain {
    /// For C.
    pub c: PathBuf,
    /// For C++ and for linking.
    pub cxx: PathBuf,
    /// Linkers by their `-fuse-ld=` name that are faster than the default one.
    pub linker: Option<&'static str>,
    /// What is put into PATH for the compilers.
    pub search_path: OsString,
    /// First line of the compiler's `--version`.
    pub version: String,
}

/// Why nothing can be compiled, in words for the user.
#[derive(Debug, Error)]
pub enum ToolchainError {
    /// A compiler is not installed.
    #[error(
        "The compiler {0} is not installed on this device. Install it (apt install g++, dnf install gcc-c++, apk add g++) \
         and upload again."
    )]
    Missing(&'static str),
    /// The compiler does not start.
    #[error("The compiler {path} does not work on this device: {why}. Reinstall it and upload again.")]
    Unusable {
        /// Its path.
        path: String,
        /// What happened.
        why: String,
    },
}

impl Toolchain {
    /// Finds the compilers in PATH and asks for their version.
    ///
    /// # Errors
    /// [`ToolchainError`].
    pub fn find() -> Result<Self, ToolchainError> {
        let search_path = std::env::var_os("PATH").unwrap_or_else(|| DEFAULT_PATH.into());
        let find = |name: &'static str| in_path(&search_path, name);
        let c = find("gcc")
            .or_else(|| find("cc"))
            .ok_or(ToolchainError::Missing("gcc"))?;
        let cxx = find("g++")
            .or_else(|| find("c++"))
            .ok_or(ToolchainError::Missing("g++"))?;
        // GNU ld takes 50 ms for a small program, gold 20 ms.
        let linker = find("ld.gold").map(|_| "gold");
        let version = version(&cxx)?;
        Ok(Self {
            c,
            cxx,
            linker,
            search_path,
            version,
        })
    }

    /// Folders outside of the system's own in which the compilers have their parts.
    pub fn folders(&self) -> Vec<PathBuf> {
        [&self.c, &self.cxx]
            .into_iter()
            .filter_map(|path| path.canonicalize().ok())
            // …/bin/gcc has its parts in …/lib.
            .filter_map(|path| Some(path.parent()?.parent()?.to_owned()))
            .filter(|folder| folder.parent().is_some())
            .collect()
    }
}

fn in_path(search_path: &OsString, name: &str) -> Option<PathBuf> {
    std::env::split_paths(search_path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(name))
        .find(|path| is_executable(path))
}

fn is_executable(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

fn version(compiler: &Path) -> Result<String, ToolchainError> {
    let unusable = |why: String| ToolchainError::Unusable {
        path: compiler.display().to_string(),
        why,
    };
    let output = Command::new(compiler)
        .arg("--version")
        .env_clear()
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .map_err(|error| unusable(error.to_string()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    match text.lines().next() {
        Some(line) if output.status.success() => Ok(line.to_owned()),
        _ => Err(unusable(output.status.to_string())),
    }
}
