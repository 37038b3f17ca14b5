//! The write journal: a ring of entries in memory that the core shares with one peer. docs/process-image.md shows the
//! same as C structures.
//!
//! The peer appends, the core takes. Neither waits for the other: a peer that finds its journal full drops the write and counts
//! it. The core believes nothing that it reads here: it keeps its own position, copies an entry before it looks at it, and
//! takes no more than fits the ring, whatever the peer says.

use thiserror::Error;

use crate::address::Address;
use crate::atomics::{AtomicU32, Ordering, load_u64, store_u64};

/// Entries of a journal; a power of two. The model checker has to do with fewer.
pub const CAPACITY: u32 = if cfg!(loom) { 2 } else { 4096 };
/// Most writes that are taken together, within one scan.
pub const MAX_GROUP: usize = 256;

/// `OPLCJRNL`, as two words.
const MAGIC: [u32; 2] = [u32::from_le_bytes(*b"OPLC"), u32::from_le_bytes(*b"JRNL")];
/// Version of this arrangement.
const VERSION: u32 = 1;
const AT_VERSION: usize = 2;
const AT_CAPACITY: usize = 3;
/// Bytes before the first entry.
const AT_FIRST_ENTRY: usize = 4;
/// Bytes of an entry.
const AT_ENTRY_BYTES: usize = 5;
/// Written by the peer: entries it has ever appended ...
const AT_APPENDED: usize = 16;
/// ... and writes it has dropped because the journal was full (64 bits).
const AT_DROPPED: usize = 18;
/// Written by the core: entries it has ever taken ...
const AT_TAKEN: usize = 32;
/// ... and those among them that were refused (64 bits).
const AT_REFUSED: usize = 34;
/// Where entries begin.
const FIRST_ENTRY: usize = 64;
/// Words of an entry: time (64 bits), address, flags, value (64 bits).
const ENTRY: usize = 6;
/// Flag: the next entry belongs to the same group.
const MORE: u32 = 1;

/// Words of a journal's memory.
pub const WORDS: usize = FIRST_ENTRY + CAPACITY as usize * ENTRY;

/// An entry as somebody has written it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    /// When it was written, in ns of `CLOCK_MONOTONIC`.
    pub time_ns: u64,
    /// Table, bit and slot.
    pub table: u8,
    pub bit: u8,
    pub slot: u16,
    /// Whether the next entry belongs to the same group.
    pub more: bool,
    /// Value as an unsigned number.
    pub value: u64,
}

/// The core's end.
#[derive(Debug)]
pub(crate) struct JournalConsumer<M> {
    words: M,
    taken: u32,
}

impl<M: AsRef<[AtomicU32]>> JournalConsumer<M> {
    /// Takes zeroed memory of [`WORDS`] words.
    pub fn new(memory: M) -> Self {
        let words = memory.as_ref();
        for (at, value) in [
            (0, MAGIC[0]),
            (1, MAGIC[1]),
            (AT_VERSION, VERSION),
            (AT_CAPACITY, CAPACITY),
            (AT_FIRST_ENTRY, (FIRST_ENTRY * 4) as u32),
            (AT_ENTRY_BYTES, (ENTRY * 4) as u32),
        ] {
            words[at].store(value, Ordering::Relaxed);
        }
        Self {
            words: memory,
            taken: 0,
        }
    }

    /// Entries that wait. `None`: the peer states a number that is impossible; all it had there is forgotten.
    pub fn waiting(&mut self) -> Option<u32> {
        let appended = self.words.as_ref()[AT_APPENDED].load(Ordering::Acquire);
        let waiting = appended.wrapping_sub(self.taken);
        if waiting > CAPACITY {
            self.taken = appended;
            return None;
        }
        Some(waiting)
    }

    /// Copies the next entry. The caller knows from [`Self::waiting`] that there is one.
    pub fn take(&mut self) -> Entry {
        let entry = &self.words.as_ref()[entry_start(self.taken)..][..ENTRY];
        let address = entry[2].load(Ordering::Relaxed);
        self.taken = self.taken.wrapping_add(1);
        Entry {
            time_ns: load_u64(entry),
            table: address as u8,
            bit: (address >> 8) as u8,
            slot: (address >> 16) as u16,
            more: entry[3].load(Ordering::Relaxed) & MORE != 0,
            value: load_u64(&entry[4..]),
        }
    }

    /// Gives the places of all entries taken back to the peer, and tells it how many were ever refused.
    pub fn release(&self, refused: u64) {
        let words = self.words.as_ref();
        store_u64(&words[AT_REFUSED..], refused);
        words[AT_TAKEN].store(self.taken, Ordering::Release);
    }

    /// Writes that the peer says it has dropped.
    pub fn dropped(&self) -> u64 {
        load_u64(&self.words.as_ref()[AT_DROPPED..])
    }

    /// The memory.
    pub fn memory(&self) -> &M {
        &self.words
    }
}

/// A write of one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Write {
    /// Where to.
    pub address: Address,
    /// An unsigned number that fits the address's width.
    pub value: u64,
}

/// Why nothing was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum WriteError {
    /// The core has not yet taken enough of what was written before.
    #[error("the journal is full: more is written than the program's scans take")]
    Full,
    /// More than [`MAX_GROUP`] writes at once.
    #[error("at most {MAX_GROUP} values can be written together")]
    TooMany,
    /// A value does not fit its address.
    #[error("the value is too large for its address")]
    Value,
    /// The memory is no journal, or one of another version.
    #[error(
        "the shared memory is no journal of this version; install the same version of runtime and plugin"
    )]
    Format,
}

/// The peer's end.
#[derive(Debug)]
pub struct JournalWriter<M> {
    words: M,
    appended: u32,
}

impl<M: AsRef<[AtomicU32]>> JournalWriter<M> {
    /// Takes the memory that the core handed out.
    ///
    /// # Errors
    /// [`WriteError::Format`].
    pub fn new(memory: M) -> Result<Self, WriteError> {
        let words = memory.as_ref();
        let load = |at: usize| words[at].load(Ordering::Relaxed);
        let known = words.len() >= WORDS
            && [load(0), load(1)] == MAGIC
            && load(AT_VERSION) == VERSION
            && load(AT_CAPACITY) == CAPACITY
            && load(AT_FIRST_ENTRY) == (FIRST_ENTRY * 4) as u32
            && load(AT_ENTRY_BYTES) == (ENTRY * 4) as u32;
        if !known {
            return Err(WriteError::Format);
        }
        Ok(Self {
            appended: load(AT_APPENDED),
            words: memory,
        })
    }

    /// Appends all of `writes`, or none. They take effect together, in one scan. `time_ns` (of `CLOCK_MONOTONIC`) decides who
    /// was last where several peers write the same value between two scans.
    ///
    /// Returns the number of entries ever appended, for [`Self::is_taken`].
    ///
    /// # Errors
    /// [`WriteError`]; where the journal is full, the writes are counted as dropped.
    pub fn write(&mut self, time_ns: u64, writes: &[Write]) -> Result<u32, WriteError> {
        if writes.len() > MAX_GROUP {
            return Err(WriteError::TooMany);
        }
        if writes
            .iter()
            .any(|write| write.value > write.address.table().width().max())
        {
            return Err(WriteError::Value);
        }
        self.reserve(writes.len())?;
        let words = self.words.as_ref();
        for (index, write) in writes.iter().enumerate() {
            let entry = &words[entry_start(self.appended)..][..ENTRY];
            let address = write.address;
            let place =
                u32::from(address.table() as u8) | u32::from(address.bit()) << 8 | address.slot() << 16;
            store_u64(entry, time_ns);
            entry[2].store(place, Ordering::Relaxed);
            entry[3].store(if index + 1 < writes.len() { MORE } else { 0 }, Ordering::Relaxed);
            store_u64(&entry[4..], write.value);
            self.appended = self.appended.wrapping_add(1);
        }
        words[AT_APPENDED].store(self.appended, Ordering::Release);
        Ok(self.appended)
    }

    /// Makes sure that there is room for so many writes, in one call or several.
    ///
    /// # Errors
    /// [`WriteError::Full`]; the writes are counted as dropped.
    pub fn reserve(&mut self, writes: usize) -> Result<(), WriteError> {
        let words = self.words.as_ref();
        let used = self
            .appended
            .wrapping_sub(words[AT_TAKEN].load(Ordering::Acquire));
        if writes > CAPACITY.saturating_sub(used) as usize {
            let dropped = load_u64(&words[AT_DROPPED..]).wrapping_add(writes as u64);
            store_u64(&words[AT_DROPPED..], dropped);
            return Err(WriteError::Full);
        }
        Ok(())
    }

    /// Entries ever appended, modulo 2^32.
    #[must_use]
    pub fn appended(&self) -> u32 {
        self.appended
    }

    /// Whether the core has taken everything up to this number, which [`Self::write`] has returned.
    #[must_use]
    pub fn is_taken(&self, number: u32) -> bool {
        let taken = self.words.as_ref()[AT_TAKEN].load(Ordering::Acquire);
        number.wrapping_sub(taken).cast_signed() <= 0
    }

    /// Entries that the core has refused: no such address, or not for this peer.
    #[must_use]
    pub fn refused(&self) -> u64 {
        load_u64(&self.words.as_ref()[AT_REFUSED..])
    }

    /// Writes dropped because the journal was full.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        load_u64(&self.words.as_ref()[AT_DROPPED..])
    }
}

fn entry_start(number: u32) -> usize {
    FIRST_ENTRY + (number % CAPACITY) as usize * ENTRY
}
