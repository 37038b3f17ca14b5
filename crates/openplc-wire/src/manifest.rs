//! The manifest: what a build says about the object it made. It travels beside the object and is kept with it.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Version of this format; a reader refuses any other.
pub const FORMAT: u32 = 1;
/// Largest manifest that a reader accepts, in bytes.
pub const MAX_MANIFEST: u64 = 64 << 20;
/// Largest object that a reader accepts, in bytes.
pub const MAX_OBJECT: u64 = 256 << 20;

/// Identity of a program: SHA-256 over what its build reads (files of the upload, builder and compiler), in 64 lower
/// case hexadecimal digits. Equal identity means that building again would change nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProgramId(String);

/// Text that is no [`ProgramId`].
#[derive(Debug, Error)]
#[error("{0:?} is no program identity: 64 lower case hexadecimal digits are expected")]
pub struct InvalidProgramId(String);

impl TryFrom<String> for ProgramId {
    type Error = InvalidProgramId;
    /// The identity becomes a file name, so nothing but digits may pass.
    fn try_from(text: String) -> Result<Self, InvalidProgramId> {
        if text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            Ok(Self(text))
        } else {
            Err(InvalidProgramId(text))
        }
    }
}

impl From<ProgramId> for String {
    fn from(id: ProgramId) -> Self {
        id.0
    }
}

impl ProgramId {
    /// The 64 digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first twelve digits: enough for a person to tell programs apart.
    #[must_use]
    pub fn short(&self) -> &str {
        &self.0[..12]
    }
}

impl fmt::Display for ProgramId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Which compiler on the Editor's side made the sources. It decides the dialect of debug requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Generation {
    /// C made by MatIEC (Editor 4.1).
    Matiec,
    /// C++ made by STruC++ (Editor 4.2 and later).
    Strucpp,
}

impl fmt::Display for Generation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Matiec => "MatIEC",
            Self::Strucpp => "STruC++",
        })
    }
}

/// An IEC task as the sources declare it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Name in the IEC program, or `plc` where the sources name none.
    pub name: String,
    /// Interval in nanoseconds.
    pub interval_ns: u64,
    /// IEC priority: 0 is the highest.
    pub priority: u32,
}

/// A variable that a debugger can address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variable {
    /// Debug address: the index of `debug.c` for MatIEC; `array << 16 | element` for STruC++.
    pub index: u32,
    /// IEC path, upper case, for example `CONFIG0.RES0.INSTANCE0.BLINK`.
    pub path: String,
    /// IEC elementary type in upper case, for example `BOOL`.
    #[serde(rename = "type")]
    pub iec_type: String,
    /// Declared RETAIN.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub retain: bool,
    /// Located address such as `%QX0.0`, where the variable has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
}

/// What a build says about the object it made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: u32,
    /// Identity of the program.
    pub program: ProgramId,
    /// SHA-256 of the object's bytes, in hexadecimal digits.
    pub object_sha256: String,
    /// Generation of the sources.
    pub generation: Generation,
    /// MD5 of `program.st` as the sources state it; the Editor compares it before it debugs.
    pub md5: String,
    /// Compiler and options, for people.
    pub compiler: String,
    /// IEC tasks. Never empty.
    pub tasks: Vec<Task>,
    /// Debug variables in the order of their addresses.
    pub variables: Vec<Variable>,
    /// Plugin configuration: name of a file `conf/NAME.json` without its ending, and its text. Empty files are absent.
    pub conf: BTreeMap<String, String>,
    /// Whether the program has Python blocks, which need an interpreter on this machine.
    pub uses_python: bool,
    /// Whether variables that are declared RETAIN are retained.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub retains: bool,
    /// Sizes of the process image that the program wishes, as the text of its `image.conf`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_conf: Option<String>,
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
fn is_true(value: &bool) -> bool {
    *value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_safe_as_a_file_name() {
        assert!(ProgramId::try_from("ab".repeat(32)).is_ok());
        for bad in ["", "../../etc/passwd", &"AB".repeat(32), &"ab".repeat(33)] {
            assert!(ProgramId::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }
}
