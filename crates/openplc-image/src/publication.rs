//! The core's end of the published image.

use crate::atomics::{AtomicU32, Ordering, fence, store_u64};
use crate::dirty::DirtyLines;
use crate::format::{
    AT_CLOSED, AT_LATEST, AT_PERIOD, AT_SCAN, AT_SEQUENCE, AT_STATE, AT_TIME, HEAD, Moment, WORD,
    buffer_start, write_header,
};
use crate::layout::{LINE, Layout};

/// Writes images into memory that others read. Publishing is wait-free: it depends on no reader, and costs what changed
/// since the publication before the last one.
#[derive(Debug)]
pub(crate) struct Publication<M> {
    words: M,
    /// Words before each buffer.
    buffers: [usize; 2],
    /// Number of the newest publication.
    latest: u32,
    /// What has changed with the newest publication, and is therefore missing in the other buffer.
    behind: DirtyLines,
}

impl<M: AsRef<[AtomicU32]>> Publication<M> {
    /// Takes zeroed memory of [`crate::format::total_words`] words, which then shows an image of zeroes.
    pub fn new(words: M, layout: &Layout) -> Self {
        write_header(words.as_ref(), layout);
        Self {
            words,
            buffers: [0, 1].map(|publication| buffer_start(layout, publication)),
            latest: 0,
            behind: DirtyLines::none(layout.bytes()),
        }
    }

    /// The memory.
    pub fn memory(&self) -> &M {
        &self.words
    }

    /// Publishes `image`, of which only the lines of `dirty` have changed since the last call; `dirty` is empty then.
    pub fn publish(&mut self, image: &[u8], dirty: &mut DirtyLines, moment: Moment) {
        let words = self.words.as_ref();
        let next = self.latest.wrapping_add(1);
        let buffer = &words[self.buffers[(next & 1) as usize]..];
        let sequence = next.wrapping_mul(2);
        // A reader that sees any of the stores below sees after its fence that the sequence is odd, or another one.
        buffer[AT_SEQUENCE].store(sequence.wrapping_sub(1), Ordering::Relaxed);
        fence(Ordering::Release);
        buffer[AT_STATE].store(moment.state as u32, Ordering::Relaxed);
        store_u64(&buffer[AT_SCAN..], moment.scan);
        store_u64(&buffer[AT_TIME..], moment.time_ns);
        store_u64(&buffer[AT_PERIOD..], moment.period_ns);
        let tables = &buffer[HEAD..];
        dirty.each_of_both(&self.behind, |line| copy_line(image, tables, line));
        buffer[AT_SEQUENCE].store(sequence, Ordering::Release);
        words[AT_LATEST].store(next, Ordering::Release);
        self.latest = next;
        std::mem::swap(&mut self.behind, dirty);
        dirty.clear();
    }

    /// Tells readers that nothing more will be published here.
    pub fn close(&self) {
        self.words.as_ref()[AT_CLOSED].store(1, Ordering::Release);
    }
}

fn copy_line(image: &[u8], tables: &[AtomicU32], line: usize) {
    let (words, _) = image[line..line + LINE].as_chunks::<WORD>();
    for (word, bytes) in tables[line / WORD..][..LINE / WORD].iter().zip(words) {
        word.store(u32::from_le_bytes(*bytes), Ordering::Relaxed);
    }
}
