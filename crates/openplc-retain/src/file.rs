//! The file: a header, the layout, and two slots that are written in turn, so that a write that breaks off spoils only the
//! older of the two.
//!
//! The header and the layout are written once, under another name, before the file takes its place. A slot is overwritten
//! where it lies: that needs no space on a full disk, and no change of the file's metadata to be on disk.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use thiserror::Error;

use crate::bytes::Bytes;
use crate::layout::{Layout, MAX_LEAVES, MAX_NAME, MAX_VALUES};
use crate::slot::{self, Slot};

const MAGIC: &[u8; 8] = b"OPLCRETN";
/// Version of the format; a reader refuses any other.
const VERSION: u32 = 2;
/// Bytes of the header: magic, version, length and checksum of the layout, its own checksum.
const HEADER: usize = 24;
/// What a disk writes as a whole at best. Slots begin at multiples of it.
const BLOCK: usize = 4096;
/// More is no file of this format.
const MAX_FILE: u64 = ((MAX_LEAVES * (2 * MAX_NAME + 8)) + 2 * MAX_VALUES) as u64;
/// Name under which a new file is written before it takes its place.
const NEW: &str = "new";

/// Why a file cannot be read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The file system refuses.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It is not what was written.
    #[error("{0}")]
    Damaged(&'static str),
}

/// The moment in which values were taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Taken {
    /// Milliseconds since 1970.
    pub unix_ms: u64,
    /// What the program's clock (TIME) said, in ns. Timers have kept when they began by that clock.
    pub iec_ns: u64,
}

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Names and types.
    pub layout: Layout,
    /// Values in the order of the layout.
    pub values: Vec<u8>,
    /// When they were taken.
    pub taken: Taken,
    /// Number of the write.
    pub sequence: u64,
    /// Bytes of the file.
    pub file_bytes: u64,
}

/// Reads the newest values that were written to their end; nothing when there is no file.
///
/// # Errors
/// [`ReadError`].
pub fn read(path: &Path) -> Result<Option<Stored>, ReadError> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    let mut bytes = Vec::new();
    file.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    let (head, slots) = parse(&bytes)?;
    let slot = slots
        .into_iter()
        .flatten()
        .max_by_key(|slot| slot.sequence)
        .ok_or(ReadError::Damaged("neither of its two slots is whole"))?;
    Ok(Some(Stored {
        layout: head.layout,
        values: slot.values,
        taken: slot.taken,
        sequence: slot.sequence,
        file_bytes: bytes.len() as u64,
    }))
}

/// What stands in front of the slots.
struct Head {
    layout: Layout,
    checksum: u32,
    slots: Places,
}

/// Where the slots lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Places {
    first: usize,
    size: usize,
}

impl Places {
    fn new(layout_bytes: usize, values: usize) -> Self {
        Self {
            first: (HEADER + layout_bytes).next_multiple_of(BLOCK),
            size: (slot::HEADER + values).next_multiple_of(BLOCK),
        }
    }

    fn start(self, slot: usize) -> usize {
        self.first + slot * self.size
    }
}

fn parse(bytes: &[u8]) -> Result<(Head, [Option<Slot>; 2]), ReadError> {
    let head = parse_head(bytes)?;
    let slots = [0, 1].map(|number| {
        let bytes = bytes.get(head.slots.start(number)..)?;
        slot::decode(bytes, head.checksum, head.layout.values_length())
    });
    Ok((head, slots))
}

fn parse_head(bytes: &[u8]) -> Result<Head, ReadError> {
    let short = || ReadError::Damaged("it is too short");
    let mut rest = Bytes(bytes);
    if rest.take(MAGIC.len()).ok_or_else(short)? != MAGIC {
        return Err(ReadError::Damaged("it is no file of retained values"));
    }
    if rest.u32().ok_or_else(short)? != VERSION {
        return Err(ReadError::Damaged("it is of another version"));
    }
    let length = rest.u32().ok_or_else(short)? as usize;
    let layout_checksum = rest.u32().ok_or_else(short)?;
    let checksum = rest.u32().ok_or_else(short)?;
    if checksum != crc32fast::hash(&bytes[..HEADER - 4]) {
        return Err(ReadError::Damaged("its header is damaged"));
    }
    let encoded = rest.take(length).ok_or_else(short)?;
    if layout_checksum != crc32fast::hash(encoded) {
        return Err(ReadError::Damaged("its list of variables is damaged"));
    }
    let layout =
        Layout::decode(encoded).ok_or(ReadError::Damaged("its list of variables is not understood"))?;
    Ok(Head {
        slots: Places::new(length, layout.values_length()),
        checksum: layout_checksum,
        layout,
    })
}

/// A file that values are written to.
#[derive(Debug)]
pub struct RetainFile {
    file: File,
    checksum: u32,
    slots: Places,
    values: usize,
    /// Number of the last write, and the slot that it went to.
    sequence: u64,
    slot: usize,
    buffer: Vec<u8>,
}

impl RetainFile {
    /// A file at `path` for values of this layout, with `values` in it. One that is there and has this layout is used on;
    /// any other is replaced, in one step, by a new one.
    ///
    /// # Errors
    /// The file system's; what was at `path` is still whole.
    pub fn open(path: &Path, layout: &Layout, taken: Taken, values: &[u8]) -> io::Result<Self> {
        match Self::reopen(path, layout) {
            Some(mut file) => {
                file.write(taken, values)?;
                Ok(file)
            }
            None => Self::create(path, layout, taken, values),
        }
    }

    fn reopen(path: &Path, layout: &Layout) -> Option<Self> {
        let mut file = File::options().read(true).write(true).open(path).ok()?;
        let mut bytes = Vec::new();
        Read::by_ref(&mut file)
            .take(MAX_FILE + 1)
            .read_to_end(&mut bytes)
            .ok()?;
        let (head, slots) = parse(&bytes).ok()?;
        if head.layout != *layout {
            return None;
        }
        let newest = slots
            .iter()
            .enumerate()
            .filter_map(|(number, slot)| Some((slot.as_ref()?.sequence, number)));
        let (sequence, slot) = newest.max()?;
        // It may be the work of a process that ended before it was on disk; until it is, the other slot must stay.
        file.sync_data().ok()?;
        Some(Self {
            file,
            checksum: head.checksum,
            slots: head.slots,
            values: layout.values_length(),
            sequence,
            slot,
            buffer: Vec::new(),
        })
    }

    fn create(path: &Path, layout: &Layout, taken: Taken, values: &[u8]) -> io::Result<Self> {
        let encoded = layout.encode();
        let checksum = crc32fast::hash(&encoded);
        let mut bytes = MAGIC.to_vec();
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend((encoded.len() as u32).to_le_bytes());
        bytes.extend(checksum.to_le_bytes());
        bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
        bytes.extend(encoded);
        let slots = Places::new(bytes.len() - HEADER, layout.values_length());
        let sequence = 1;
        let mut buffer = Vec::new();
        slot::encode(
            sequence,
            taken,
            checksum,
            checked(values, layout.values_length())?,
            &mut buffer,
        );
        bytes.resize(slots.start(0), 0);
        bytes.extend(&buffer);
        // The second slot is written too: overwriting it later must not need space.
        bytes.resize(slots.start(2), 0);
        let temporary = path.with_added_extension(NEW);
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&temporary)?;
        let written = file.write_all(&bytes).and_then(|()| file.sync_all());
        if let Err(error) = written.and_then(|()| fs::rename(&temporary, path)) {
            // What it holds is needed by nobody; on a full disk its space is.
            let _ = fs::remove_file(&temporary);
            return Err(error);
        }
        sync_directory(path)?;
        Ok(Self {
            file,
            checksum,
            slots,
            values: layout.values_length(),
            sequence,
            slot: 0,
            buffer,
        })
    }

    /// Writes the values of one moment, and returns when they are on disk.
    ///
    /// # Errors
    /// The file system's, or values of another length; what was written before is still whole.
    pub fn write(&mut self, taken: Taken, values: &[u8]) -> io::Result<()> {
        let (sequence, slot) = (self.sequence + 1, 1 - self.slot);
        let values = checked(values, self.values)?;
        slot::encode(sequence, taken, self.checksum, values, &mut self.buffer);
        self.file
            .write_all_at(&self.buffer, self.slots.start(slot) as u64)?;
        self.file.sync_data()?;
        (self.sequence, self.slot) = (sequence, slot);
        Ok(())
    }

    /// Number of the last write.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Bytes of the file.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.slots.start(2) as u64
    }
}

fn checked(values: &[u8], length: usize) -> io::Result<&[u8]> {
    if values.len() == length {
        Ok(values)
    } else {
        Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "values of another length than the layout says",
        ))
    }
}

/// Makes renames in the directory of `path` outlast a power loss.
fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests;
