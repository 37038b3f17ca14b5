//! A peer's view of the published image.

use thiserror::Error;

use crate::address::Address;
use crate::atomics::{AtomicU32, Ordering, fence, load_u64};
use crate::format::{
    self, AT_CLOSED, AT_LATEST, AT_PERIOD, AT_SCAN, AT_SEQUENCE, AT_STATE, AT_TIME, FormatError, HEAD,
    Moment, PlcState, WORD,
};
use crate::layout::Layout;
use crate::table::Table;

/// Tries of one read. Each is in vain only if the reader was held up for longer than a whole scan while it copied.
const TRIES: u32 = if cfg!(loom) { 2 } else { 64 };

/// A read that was disturbed again and again: this process gets too little processor time for the period of the scans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("no consistent image could be read: scans follow each other faster than this process can copy")]
pub struct Disturbed;

/// Reads the published image. It never holds up the core.
#[derive(Debug)]
pub struct ImageReader<M> {
    words: M,
    layout: Layout,
}

impl<M: AsRef<[AtomicU32]>> ImageReader<M> {
    /// Takes the memory that the core handed out.
    ///
    /// # Errors
    /// [`FormatError`].
    pub fn new(words: M) -> Result<Self, FormatError> {
        let layout = format::read_header(words.as_ref())?;
        Ok(Self { words, layout })
    }

    /// Sizes and places of the tables.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Whether the core has replaced this image by another one: connect again.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.words.as_ref()[AT_CLOSED].load(Ordering::Acquire) != 0
    }

    /// Number of the newest publication; another number means that something new can be read.
    #[must_use]
    pub fn publication(&self) -> u32 {
        self.words.as_ref()[AT_LATEST].load(Ordering::Acquire)
    }

    /// Calls `read` with the newest image, again if it was changed meanwhile, and returns the result of the call during which
    /// it was not: all values that this call has seen are of one and the same scan.
    ///
    /// # Errors
    /// [`Disturbed`] after 64 tries.
    pub fn consistent<T>(&self, mut read: impl FnMut(&View<'_>) -> T) -> Result<T, Disturbed> {
        for _ in 0..TRIES {
            let words = self.words.as_ref();
            let latest = words[AT_LATEST].load(Ordering::Acquire);
            let buffer = &words[format::buffer_start(&self.layout, latest)..];
            let before = buffer[AT_SEQUENCE].load(Ordering::Acquire);
            if before & 1 == 0 {
                let result = read(&View {
                    buffer,
                    layout: &self.layout,
                });
                fence(Ordering::Acquire);
                if buffer[AT_SEQUENCE].load(Ordering::Relaxed) == before {
                    return Ok(result);
                }
            }
            std::hint::spin_loop();
        }
        Err(Disturbed)
    }

    /// Copies the whole image; `into` has [`Layout::bytes`] bytes.
    ///
    /// # Errors
    /// [`Disturbed`].
    ///
    /// # Panics
    /// When `into` is too short.
    pub fn copy(&self, into: &mut [u8]) -> Result<Moment, Disturbed> {
        let into = &mut into[..self.layout.bytes()];
        self.consistent(|view| {
            view.copy(into);
            view.moment()
        })
    }
}

/// One try to read an image. What it shows is to be believed only once [`ImageReader::consistent`] has returned it.
#[derive(Debug)]
pub struct View<'a> {
    buffer: &'a [AtomicU32],
    layout: &'a Layout,
}

impl View<'_> {
    /// What is shown.
    #[must_use]
    pub fn moment(&self) -> Moment {
        Moment {
            scan: load_u64(&self.buffer[AT_SCAN..]),
            time_ns: load_u64(&self.buffer[AT_TIME..]),
            period_ns: load_u64(&self.buffer[AT_PERIOD..]),
            state: PlcState::from_number(self.buffer[AT_STATE].load(Ordering::Relaxed)),
        }
    }

    /// A value as an unsigned number; `None` when its table has no such slot.
    #[must_use]
    pub fn value(&self, address: Address) -> Option<u64> {
        let place = self.layout.place(address)?;
        Some(self.load(place.offset as usize, place.width.bytes()))
    }

    /// Values of a table, counted as [`Address::index`] does, as far as `into` and the table go; returns how many.
    pub fn values(&self, table: Table, first: u32, into: &mut [u64]) -> usize {
        let bytes = table.width().bytes();
        let present = self.layout.sizes().values(table).saturating_sub(first) as usize;
        let count = into.len().min(present);
        let start = self.layout.start(table) as usize + first as usize * bytes;
        for (index, value) in into[..count].iter_mut().enumerate() {
            *value = self.load(start + index * bytes, bytes);
        }
        count
    }

    /// Loads an aligned number of `bytes` bytes.
    fn load(&self, offset: usize, bytes: usize) -> u64 {
        let at = HEAD + offset / WORD;
        if bytes == 8 {
            return load_u64(&self.buffer[at..]);
        }
        let word = self.buffer[at].load(Ordering::Relaxed) >> (offset % WORD * 8);
        u64::from(word) & (u64::MAX >> (64 - bytes * 8))
    }

    fn copy(&self, into: &mut [u8]) {
        let (words, _) = into.as_chunks_mut::<WORD>();
        for (bytes, word) in words.iter_mut().zip(&self.buffer[HEAD..]) {
            *bytes = word.load(Ordering::Relaxed).to_le_bytes();
        }
    }
}
