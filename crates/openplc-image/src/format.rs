//! The published image as it lies in shared memory. docs/process-image.md shows the same as C structures.
//!
//! All numbers are little-endian. A header is followed by two buffers, each with a head of its own and all tables. The core
//! fills the buffers in turn, so that a reader has a whole scan's time to copy what was published last.

use thiserror::Error;

use crate::atomics::{AtomicU32, Ordering};
use crate::layout::Layout;
use crate::sizes::Sizes;
use crate::table::Table;

/// `OPLCIMAG`, as two words.
const MAGIC: [u32; 2] = [u32::from_le_bytes(*b"OPLC"), u32::from_le_bytes(*b"IMAG")];
/// Version of this arrangement.
const VERSION: u32 = 1;
/// Words of the header; the numbers below are words of it.
const HEADER: usize = 64;
const AT_VERSION: usize = 2;
/// Bytes before the first buffer.
const AT_FIRST_BUFFER: usize = 3;
/// Bytes of a buffer, its head included.
const AT_BUFFER_BYTES: usize = 4;
/// Bytes of a buffer's head.
const AT_HEAD_BYTES: usize = 5;
/// Slots of each table.
const AT_SLOTS: usize = 6;
/// Where each table begins, in bytes after the buffer's head.
const AT_STARTS: usize = AT_SLOTS + Table::COUNT;
/// Number of the newest publication; its lowest bit says which buffer has it.
pub(crate) const AT_LATEST: usize = 48;
/// Not 0 when nothing more will be published here.
pub(crate) const AT_CLOSED: usize = 49;

/// Words of a buffer's head; the numbers below are words of it.
pub(crate) const HEAD: usize = 16;
/// Twice the number of the publication; one less while it is being written.
pub(crate) const AT_SEQUENCE: usize = 0;
pub(crate) const AT_STATE: usize = 1;
pub(crate) const AT_SCAN: usize = 2;
pub(crate) const AT_TIME: usize = 4;
pub(crate) const AT_PERIOD: usize = 6;

/// Bytes of a word.
pub(crate) const WORD: usize = 4;

/// Whether the program runs. The numbers are those of `get_plc_state` in OpenPLC Runtime v4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u32)]
pub enum PlcState {
    /// No scans.
    #[default]
    Stopped = 0,
    /// Scans are executed.
    Running = 1,
    /// Scans have ended by a fault.
    Error = 2,
}

impl PlcState {
    pub(crate) fn from_number(number: u32) -> Self {
        match number {
            0 => Self::Stopped,
            1 => Self::Running,
            _ => Self::Error,
        }
    }
}

/// What was published when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Moment {
    /// Scans since the program's start.
    pub scan: u64,
    /// When the scan began, in ns of `CLOCK_MONOTONIC`.
    pub time_ns: u64,
    /// Time between scans, in ns.
    pub period_ns: u64,
    /// Whether the program runs.
    pub state: PlcState,
}

/// Why shared memory is no published image.
#[derive(Debug, Error)]
pub enum FormatError {
    /// Something else.
    #[error("the shared memory is no process image")]
    Magic,
    /// Of another version of the runtime.
    #[error(
        "the process image has version {0}, this program understands version {VERSION}; install the same version of both"
    )]
    Version(u32),
    /// The numbers in it contradict each other.
    #[error("the header of the process image is damaged")]
    Damaged,
}

/// Words before a buffer.
pub(crate) fn buffer_start(layout: &Layout, publication: u32) -> usize {
    HEADER + (publication & 1) as usize * buffer_words(layout)
}

/// Words of a buffer.
fn buffer_words(layout: &Layout) -> usize {
    HEAD + layout.bytes() / WORD
}

/// Words of everything.
pub(crate) fn total_words(layout: &Layout) -> usize {
    HEADER + 2 * buffer_words(layout)
}

/// Writes what never changes.
pub(crate) fn write_header(words: &[AtomicU32], layout: &Layout) {
    let store = |at: usize, value: u32| words[at].store(value, Ordering::Relaxed);
    store(AT_VERSION, VERSION);
    store(AT_FIRST_BUFFER, (HEADER * WORD) as u32);
    store(AT_BUFFER_BYTES, (buffer_words(layout) * WORD) as u32);
    store(AT_HEAD_BYTES, (HEAD * WORD) as u32);
    for (index, table) in Table::ALL.into_iter().enumerate() {
        store(AT_SLOTS + index, layout.sizes().slots(table));
        store(AT_STARTS + index, layout.start(table));
    }
    store(0, MAGIC[0]);
    store(1, MAGIC[1]);
}

/// Reads the layout back, and makes sure that the memory is large enough for it.
pub(crate) fn read_header(words: &[AtomicU32]) -> Result<Layout, FormatError> {
    let load = |at: usize| words.get(at).map(|word| word.load(Ordering::Relaxed));
    if [load(0), load(1)] != MAGIC.map(Some) {
        return Err(FormatError::Magic);
    }
    match load(AT_VERSION) {
        Some(VERSION) => {}
        other => return Err(FormatError::Version(other.unwrap_or_default())),
    }
    let mut sizes = Sizes::uniform(0);
    for (index, table) in Table::ALL.into_iter().enumerate() {
        let slots = load(AT_SLOTS + index).ok_or(FormatError::Damaged)?;
        sizes.set(table, slots).ok_or(FormatError::Damaged)?;
    }
    let layout = Layout::new(&sizes);
    let expected = words.len() >= total_words(&layout)
        && load(AT_FIRST_BUFFER) == Some((HEADER * WORD) as u32)
        && load(AT_BUFFER_BYTES) == Some((buffer_words(&layout) * WORD) as u32)
        && load(AT_HEAD_BYTES) == Some((HEAD * WORD) as u32)
        && Table::ALL
            .into_iter()
            .enumerate()
            .all(|(index, table)| load(AT_STARTS + index) == Some(layout.start(table)));
    expected.then_some(layout).ok_or(FormatError::Damaged)
}
