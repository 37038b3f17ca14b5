//! From the bytes of a zip to its files, or to the one rule that it breaks.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io::{Cursor, Read};

use thiserror::Error;
use zip::{CompressionMethod, ZipArchive};

use crate::entry_name::{EntryName, normalise};
use crate::limits;

/// Files by their path: components joined by `/`.
pub type Files = BTreeMap<String, Vec<u8>>;

/// The rule that a zip breaks, in words for the user who made it.
#[derive(Debug, Error, PartialEq, Eq)]
#[expect(missing_docs, reason = "the texts say it")]
pub enum ZipViolation {
    #[error(
        "The upload has {size} bytes, more than the {} allowed.",
        limits::ARCHIVE_SIZE
    )]
    ArchiveTooLarge { size: u64 },
    #[error(
        "The upload is no readable zip file ({why}). Upload again, or make a new program.zip with the Editor."
    )]
    Unreadable { why: String },
    #[error(
        "The zip file has more than {} entries; a program has about 60.",
        limits::ENTRIES
    )]
    TooManyEntries,
    #[error("The zip file holds no files.")]
    Empty,
    #[error("An entry of the zip file has no name.")]
    NameEmpty,
    #[error("The entry name \"{entry}\" is not valid UTF-8 text.")]
    NameNotText { entry: String },
    #[error("The entry name \"{entry}\" is too long or too deep.")]
    NameTooLong { entry: String },
    #[error("The entry name \"{entry}\" has a control character.")]
    ControlCharacter { entry: String },
    #[error("The entry name \"{entry}\" is an absolute path.")]
    AbsoluteName { entry: String },
    #[error("The entry name \"{entry}\" has a colon, as drive letters do.")]
    Colon { entry: String },
    #[error("The entry name \"{entry}\" has a part that begins with - or @, as options of compilers do.")]
    OptionName { entry: String },
    #[error("The entry name \"{entry}\" leads out of its folder.")]
    Traversal { entry: String },
    #[error("The entry \"{entry}\" is of a kind that no program needs (exe, dll, sh, bat, js, vbs, scr).")]
    RefusedExtension { entry: String },
    #[error(
        "The entry \"{entry}\" is a symbolic link or another special file; only files and folders are allowed."
    )]
    SpecialFile { entry: String },
    #[error("The entry \"{entry}\" is there twice.")]
    Duplicate { entry: String },
    #[error("The entry \"{entry}\" is both a file and a folder.")]
    FileAndFolder { entry: String },
    #[error("Entries of the zip file share the same bytes.")]
    Overlapping,
    #[error("The entry \"{entry}\" is encrypted.")]
    Encrypted { entry: String },
    #[error("The entry \"{entry}\" is compressed by a method other than \"store\" and \"deflate\".")]
    Method { entry: String },
    #[error(
        "The entry \"{entry}\" is larger than the {} bytes allowed.",
        limits::FILE_SIZE
    )]
    FileTooLarge { entry: String },
    #[error(
        "The files are larger than the {} bytes allowed altogether; \"{entry}\" exceeds them.",
        limits::TOTAL_SIZE
    )]
    TotalTooLarge { entry: String },
    #[error(
        "The entry \"{entry}\" unpacks to more than {} times its size.",
        limits::RATIO
    )]
    Ratio { entry: String },
    #[error(
        "The zip file unpacks to more than {} times its size; \"{entry}\" exceeds that.",
        limits::RATIO
    )]
    TotalRatio { entry: String },
    #[error(
        "The entry \"{entry}\" is damaged ({why}). Upload again, or make a new program.zip with the Editor."
    )]
    Damaged { entry: String, why: String },
}

/// Unpacks `zip` in memory.
///
/// Sizes that the zip declares are never relied on: bytes are counted as they are unpacked, and unpacking stops at the
/// first that is too many.
///
/// # Errors
/// The first rule that is broken.
pub fn unpack(zip: &[u8]) -> Result<Files, ZipViolation> {
    let size = zip.len() as u64;
    if size > limits::ARCHIVE_SIZE {
        return Err(ZipViolation::ArchiveTooLarge { size });
    }
    if has_too_many_headers(zip) {
        return Err(ZipViolation::TooManyEntries);
    }
    let mut archive = ZipArchive::new(Cursor::new(zip)).map_err(unreadable)?;
    if archive.len() > limits::ENTRIES {
        return Err(ZipViolation::TooManyEntries);
    }
    if archive.has_duplicate_names() {
        let entry = first_duplicate(zip, archive.central_directory_start());
        return Err(ZipViolation::Duplicate { entry });
    }
    let wanted = check_entries(&archive)?;
    // After the names, so that a hostile name is reported as such; reads the local header of every entry.
    if archive.has_overlapping_entries().map_err(unreadable)? {
        return Err(ZipViolation::Overlapping);
    }
    let mut files = Files::new();
    let mut total = Total {
        packed: size,
        unpacked: 0,
    };
    for (index, path) in wanted {
        let content = read_entry(&mut archive, index, &path, &mut total)?;
        files.insert(path, content);
    }
    if files.is_empty() {
        return Err(ZipViolation::Empty);
    }
    Ok(without_root(files))
}

fn unreadable(error: zip::result::ZipError) -> ZipViolation {
    ZipViolation::Unreadable {
        why: error.to_string(),
    }
}

/// Whether there are more entry headers than any upload has. Counting signatures costs no memory, however many entries
/// the directory announces.
fn has_too_many_headers(zip: &[u8]) -> bool {
    const SIGNATURE: &[u8] = b"PK\x01\x02";
    zip.windows(SIGNATURE.len())
        .filter(|window| *window == SIGNATURE)
        .nth(limits::ENTRIES)
        .is_some()
}

/// Name of an entry that the directory lists twice. Only to tell the user, so an unreadable directory is no error.
fn first_duplicate(zip: &[u8], directory: u64) -> String {
    const HEADER: usize = 46;
    let length = |at: &[u8], offset: usize| usize::from(u16::from_le_bytes([at[offset], at[offset + 1]]));
    let mut seen = HashSet::new();
    let mut rest = usize::try_from(directory)
        .ok()
        .and_then(|start| zip.get(start..))
        .unwrap_or_default();
    while let Some((header, variable)) = rest.split_at_checked(HEADER) {
        let Some(name) = variable.get(..length(header, 28)) else {
            break;
        };
        if !seen.insert(name) {
            return String::from_utf8_lossy(name).escape_debug().to_string();
        }
        let next = length(header, 28) + length(header, 30) + length(header, 32);
        rest = variable.get(next..).unwrap_or_default();
    }
    "?".into()
}

/// Indexes and paths of the files to unpack, after the rules that need no unpacking.
fn check_entries(archive: &ZipArchive<Cursor<&[u8]>>) -> Result<Vec<(usize, String)>, ZipViolation> {
    let mut wanted = Vec::new();
    let mut paths = PathSet::default();
    for index in 0..archive.len() {
        let entry = archive.by_index_data(index).map_err(unreadable)?;
        let (path, is_file) = match normalise(entry.name_raw())? {
            EntryName::Ignored => continue,
            EntryName::File(path) => (path, true),
            EntryName::Folder(path) => (path, false),
        };
        if entry.unix_mode().is_some_and(|mode| is_special(mode, is_file)) {
            return Err(ZipViolation::SpecialFile { entry: path });
        }
        paths.add(&path, is_file)?;
        if !is_file {
            continue;
        }
        if entry.encrypted() {
            return Err(ZipViolation::Encrypted { entry: path });
        }
        if !matches!(
            entry.compression(),
            CompressionMethod::Stored | CompressionMethod::Deflated
        ) {
            return Err(ZipViolation::Method { entry: path });
        }
        if entry.size() > limits::FILE_SIZE {
            return Err(ZipViolation::FileTooLarge { entry: path });
        }
        wanted.push((index, path));
    }
    Ok(wanted)
}

/// Whether a Unix mode says anything but what the name says. Zips that were not made on Unix leave the type out.
fn is_special(mode: u32, is_file: bool) -> bool {
    const TYPE: u32 = 0o170_000;
    const REGULAR: u32 = 0o100_000;
    const DIRECTORY: u32 = 0o040_000;
    !matches!(
        (mode & TYPE, is_file),
        (0, _) | (REGULAR, true) | (DIRECTORY, false)
    )
}

/// The paths of a zip. Two that a system without case would take for one count as one.
#[derive(Default)]
struct PathSet {
    files: BTreeSet<String>,
    folders: BTreeSet<String>,
}

impl PathSet {
    fn add(&mut self, path: &str, is_file: bool) -> Result<(), ZipViolation> {
        let key = path.to_lowercase();
        for (at, _) in key.match_indices('/') {
            self.add_folder(&key[..at], path)?;
        }
        if !is_file {
            return self.add_folder(&key, path);
        }
        if self.folders.contains(&key) {
            return Err(ZipViolation::FileAndFolder { entry: path.into() });
        }
        if !self.files.insert(key) {
            return Err(ZipViolation::Duplicate { entry: path.into() });
        }
        Ok(())
    }

    fn add_folder(&mut self, key: &str, path: &str) -> Result<(), ZipViolation> {
        if self.files.contains(key) {
            return Err(ZipViolation::FileAndFolder { entry: path.into() });
        }
        if !self.folders.contains(key) {
            self.folders.insert(key.into());
        }
        Ok(())
    }
}

/// Sizes of the whole so far, in bytes.
struct Total {
    packed: u64,
    unpacked: u64,
}

/// What may still be unpacked, and which rule is broken beyond it.
struct Allowance {
    bytes: u64,
    violation: fn(String) -> ZipViolation,
}

impl Total {
    /// The tightest limit for a file of `packed` bytes.
    fn allowance(&self, packed: u64) -> Allowance {
        let ratio = |packed: u64| packed.saturating_mul(limits::RATIO).max(limits::RATIO_FLOOR);
        let file = Allowance {
            bytes: limits::FILE_SIZE,
            violation: |entry| ZipViolation::FileTooLarge { entry },
        };
        let total = Allowance {
            bytes: limits::TOTAL_SIZE.saturating_sub(self.unpacked),
            violation: |entry| ZipViolation::TotalTooLarge { entry },
        };
        let file_ratio = Allowance {
            bytes: ratio(packed),
            violation: |entry| ZipViolation::Ratio { entry },
        };
        let total_ratio = Allowance {
            bytes: ratio(self.packed).saturating_sub(self.unpacked),
            violation: |entry| ZipViolation::TotalRatio { entry },
        };
        [total, file_ratio, total_ratio]
            .into_iter()
            .fold(file, |tightest, rule| {
                if rule.bytes < tightest.bytes {
                    rule
                } else {
                    tightest
                }
            })
    }
}

fn read_entry(
    archive: &mut ZipArchive<Cursor<&[u8]>>,
    index: usize,
    path: &str,
    total: &mut Total,
) -> Result<Vec<u8>, ZipViolation> {
    let damaged = |why: String| ZipViolation::Damaged {
        entry: path.into(),
        why,
    };
    let entry = archive
        .by_index(index)
        .map_err(|error| damaged(error.to_string()))?;
    let allowance = total.allowance(entry.compressed_size());
    let mut content = Vec::new();
    // One byte more than allowed shows that there is more; reading to the end also checks the sum.
    entry
        .take(allowance.bytes + 1)
        .read_to_end(&mut content)
        .map_err(|error| damaged(error.to_string()))?;
    let size = content.len() as u64;
    if size > allowance.bytes {
        return Err((allowance.violation)(path.into()));
    }
    total.unpacked += size;
    Ok(content)
}

/// Takes off the one folder that holds everything, which a zip made by hand often has.
fn without_root(files: Files) -> Files {
    let root = |path: &String| path.split_once('/').map(|(first, _)| first.to_owned());
    let Some(first) = files.keys().next().and_then(root) else {
        return files;
    };
    if !files.keys().all(|path| root(path).as_ref() == Some(&first)) {
        return files;
    }
    files
        .into_iter()
        .map(|(path, content)| (path[first.len() + 1..].to_owned(), content))
        .collect()
}
