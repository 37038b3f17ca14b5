//! A program of plain values, and an image in plain memory.
#![allow(dead_code, reason = "not every test file needs all of it")]
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use openplc_image::{
    Address, Image, ImageReader, Journal, JournalWriter, Layout, LocatedValues, Moment, PeerId, Sizes, Write,
    WriteRights, journal,
};

pub type Memory = Arc<[AtomicU32]>;

pub fn memory(words: usize) -> Memory {
    (0..words).map(|_| AtomicU32::new(0)).collect()
}

pub fn image(slots: u32) -> Image<Memory> {
    let layout = Layout::new(&Sizes::uniform(slots));
    let shared = memory(layout.shared_words());
    Image::in_memory(layout, shared)
}

pub fn reader(image: &Image<Memory>) -> ImageReader<Memory> {
    ImageReader::new(image.shared().clone()).unwrap()
}

pub fn attach(image: &mut Image<Memory>, rights: WriteRights) -> (PeerId, JournalWriter<Memory>) {
    let shared = memory(journal::WORDS);
    let journal = Journal::in_memory(shared.clone());
    let writer = JournalWriter::new(shared).unwrap();
    (image.attach(journal, rights).unwrap(), writer)
}

pub fn at(address: &str) -> Address {
    address.parse().unwrap()
}

pub fn write(address: &str, value: u64) -> Write {
    Write {
        address: at(address),
        value,
    }
}

pub fn scan(number: u64) -> Moment {
    Moment {
        scan: number,
        ..Moment::default()
    }
}

/// Located variables as a program has them: each in eight bytes of its own.
#[derive(Default)]
pub struct Program(pub Vec<[u8; 8]>);

impl Program {
    pub fn of(values: &[u64]) -> Self {
        Self(values.iter().map(|value| value.to_ne_bytes()).collect())
    }

    pub fn get(&self, variable: usize) -> u64 {
        u64::from_ne_bytes(self.0[variable])
    }

    pub fn set(&mut self, variable: usize, value: u64) {
        self.0[variable] = value.to_ne_bytes();
    }
}

impl LocatedValues for Program {
    fn read<const N: usize>(&self, variable: usize) -> [u8; N] {
        *self.0[variable].first_chunk().unwrap()
    }

    fn write<const N: usize>(&mut self, variable: usize, value: [u8; N]) {
        self.0[variable][..N].copy_from_slice(&value);
    }
}
