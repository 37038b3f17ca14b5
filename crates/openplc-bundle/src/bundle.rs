//! What an unpacked upload is: its generation, its configuration and its program.

use std::collections::BTreeMap;

use openplc_wire::manifest::Generation;
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::archive::{Files, ZipViolation, unpack};
use crate::conf;
use crate::program::Program;
use crate::{matiec, strucpp};

/// Why an upload cannot be built, in words for the user.
#[derive(Debug, Error)]
pub enum BundleError {
    /// The zip itself breaks a rule.
    #[error("{0}")]
    Zip(#[from] ZipViolation),
    /// Neither generation's files are there.
    #[error(
        "This is not a program of the OpenPLC Editor: program.zip must hold either generated.hpp, *.cpp, defines.h and \
         strucpp_runtime/include/ (Editor 4.2 and later) or Config0.c, Res0.c, POUS.c, debug.c, glueVars.c and lib/ (Editor 4.1). In the Editor, choose the board \"OpenPLC Runtime v4\" and build again."
    )]
    Unknown,
    /// A STruC++ program states no MD5.
    #[error("defines.h does not define PROGRAM_MD5 as 32 hexadecimal digits. Build again with the Editor.")]
    NoMd5,
    /// Files of the program are missing.
    #[error("The program is incomplete: {} missing. Build again with the Editor; a program.zip made by hand needs these files too.", list(.0))]
    Missing(Vec<String>),
    /// A configuration file is not text.
    #[error("{path} is not valid UTF-8 text.")]
    ConfNotText {
        /// The file.
        path: String,
    },
    /// A located variable lies outside of the image tables.
    #[error(
        "The located variable {location} is beyond the image tables of 1024 elements. Give it a lower address."
    )]
    LocationOutOfRange {
        /// IEC address.
        location: String,
    },
}

fn list(names: &[String]) -> String {
    format!(
        "{} {}",
        names.join(", "),
        if names.len() == 1 { "is" } else { "are" }
    )
}

/// A checked upload.
#[derive(Debug)]
pub struct Bundle {
    /// Every file of the upload, without a common root folder.
    pub files: Files,
    /// Generation of the sources.
    pub generation: Generation,
    /// Plugin configuration by the plugin's name.
    pub conf: BTreeMap<String, String>,
    /// What the sources say about the program.
    pub program: Program,
}

impl Bundle {
    /// Checks and unpacks `zip` and reads the tables in it.
    ///
    /// # Errors
    /// [`BundleError`]; nothing of the upload is to be used then.
    pub fn read(zip: &[u8]) -> Result<Self, BundleError> {
        Self::from_files(unpack(zip)?)
    }

    /// As [`Self::read`], for files that are unpacked already.
    ///
    /// # Errors
    /// [`BundleError`], but for its zip rules.
    pub fn from_files(files: Files) -> Result<Self, BundleError> {
        let generation = generation(&files)?;
        let conf = conf::collect(&files)?;
        let program = match generation {
            Generation::Matiec => matiec::read(&files)?,
            Generation::Strucpp => strucpp::read(&files)?,
        };
        Ok(Self {
            files,
            generation,
            conf,
            program,
        })
    }

    /// The files that a compiler may read, with their paths.
    pub fn sources(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files
            .iter()
            .filter(|(path, _)| is_source(path))
            .map(|(path, content)| (path.as_str(), content.as_slice()))
    }

    /// SHA-256 over `builder` (whatever else decides what a build makes) and every file that decides it, in hexadecimal
    /// digits.
    #[must_use]
    pub fn identity(&self, builder: &[&str]) -> String {
        let mut digest = Sha256::new();
        // Lengths go in too, so that no two lists of files look alike.
        let mut add = |content: &[u8]| {
            digest.update((content.len() as u64).to_le_bytes());
            digest.update(content);
        };
        builder.iter().for_each(|part| add(part.as_bytes()));
        for (path, content) in self
            .files
            .iter()
            .filter(|(path, _)| is_source(path) || is_table(path))
        {
            add(path.as_bytes());
            add(content);
        }
        for (name, text) in &self.conf {
            add(name.as_bytes());
            add(text.as_bytes());
        }
        hexadecimal(&digest.finalize())
    }
}

/// Bytes as lower case hexadecimal digits.
#[must_use]
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether a compiler may read the file. The Editor adds the program in other languages, which changes with every save and
/// never changes what is built; it also leaves files of earlier builds behind.
fn is_source(path: &str) -> bool {
    let extension = path.rsplit_once('.').map_or("", |(_, extension)| extension);
    matches!(
        extension,
        "c" | "h" | "cpp" | "hpp" | "cc" | "hh" | "cxx" | "hxx" | "inc" | "inl" | "ipp"
    )
}

/// Whether the manifest is made from the file.
fn is_table(path: &str) -> bool {
    [
        matiec::VARIABLES_CSV,
        strucpp::DEBUG_MAP,
        strucpp::IMAGE_CONF,
        strucpp::RETAIN_CONF,
    ]
    .contains(&path)
}

fn generation(files: &Files) -> Result<Generation, BundleError> {
    // The newer Editor never writes Config0.c, while the older one leaves files of the newer behind.
    if files.contains_key("Config0.c") {
        return Ok(Generation::Matiec);
    }
    if strucpp::is_one(files) {
        return Ok(Generation::Strucpp);
    }
    // Part of a MatIEC program: say what is missing.
    if ["Res0.c", "POUS.c", "debug.c", "glueVars.c"]
        .iter()
        .any(|path| files.contains_key(*path))
    {
        return Ok(Generation::Matiec);
    }
    Err(BundleError::Unknown)
}
