//! Images and journals in memory that processes can share.

use std::io;

use openplc_rt::shared_memory::{SharedMemory, Writers};

use crate::image::{Image, Journal};
use crate::journal::WORDS;
use crate::layout::Layout;
use crate::sizes::Sizes;

impl Image {
    /// An image of zeroes. Not on the scan thread.
    ///
    /// # Errors
    /// As [`SharedMemory::create`].
    pub fn new(sizes: &Sizes) -> io::Result<Self> {
        let layout = Layout::new(sizes);
        let memory = SharedMemory::create(c"openplc-image", layout.shared_words(), Writers::Creator)?;
        Ok(Self::in_memory(layout, memory))
    }
}

impl Journal {
    /// An empty journal, for one peer. Not on the scan thread.
    ///
    /// # Errors
    /// As [`SharedMemory::create`].
    pub fn create() -> io::Result<Self> {
        let memory = SharedMemory::create(c"openplc-journal", WORDS, Writers::Everybody)?;
        Ok(Self::in_memory(memory))
    }
}
