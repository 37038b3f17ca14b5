//! How large an upload may be.
//!
//! The Editor of the MatIEC generation stores without compression, so a genuine upload has a ratio of 1. One that was
//! zipped by hand deflates 5 to 12 times (C sources), a generated table of thousands of variables up to about 40 times.
//! Deflate itself cannot exceed 1,032. A limit of 1,000 would therefore refuse nothing: 45 MB of zeros fit into 0.2 MB
//! with a ratio of 225. The limit of 100 refuses that and leaves genuine uploads more than twice their worst case. Below
//! [`RATIO_FLOOR`] the ratio is not looked at, because a small file of one repeated line is harmless.

/// Largest file, in bytes unpacked.
pub const FILE_SIZE: u64 = 10 << 20;
/// All files together, in bytes unpacked.
pub const TOTAL_SIZE: u64 = 50 << 20;
/// Largest ratio of unpacked to packed size, for each file and for the whole.
pub const RATIO: u64 = 100;
/// Unpacked size in bytes up to which [`RATIO`] is not applied.
pub const RATIO_FLOOR: u64 = 1 << 20;
/// Most entries, folders included. An upload of the Editor has about 60.
pub const ENTRIES: usize = 2_000;
/// Longest name of an entry, in bytes.
pub const NAME_LENGTH: usize = 255;
/// Deepest nesting of folders in a name.
pub const NAME_DEPTH: usize = 16;
/// Largest upload, in bytes packed: everything stored, and the headers.
pub const ARCHIVE_SIZE: u64 = 60 << 20;
