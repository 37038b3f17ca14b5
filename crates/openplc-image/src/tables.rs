//! The values of an image: the core's private memory, and what has changed in it.

use crate::address::{Area, Width};
use crate::atomics::AtomicU32;
use crate::dirty::DirtyLines;
use crate::forces::Forces;
use crate::format::Moment;
use crate::layout::{LINE, Layout, Place};
use crate::peers::{PeerId, Permitted};
use crate::publication::Publication;
use crate::table::Table;

/// All values, with what is known of them.
#[derive(Debug)]
pub(crate) struct Tables {
    pub layout: Layout,
    memory: Box<[u8]>,
    /// What the next publication has to copy.
    dirty: DirtyLines,
    /// For each byte of the inputs: which peer was the last to write the value that begins there, or 0.
    input_writers: Box<[u8]>,
    pub forces: Forces,
    /// Whether nobody may change outputs: they have their safe values.
    pub outputs_are_safe: bool,
    /// Changes whenever an output or memory value may have been changed by somebody.
    pub revision: u64,
}

impl Tables {
    /// All zero.
    pub fn new(layout: Layout) -> Self {
        let bytes = layout.bytes();
        Self {
            memory: vec![0; bytes].into(),
            dirty: DirtyLines::none(bytes),
            input_writers: vec![0; layout.area(Area::Input).end].into(),
            forces: Forces::none(bytes),
            outputs_are_safe: false,
            revision: 1,
            layout,
        }
    }

    /// Publishes what has changed since the last call.
    pub fn publish<M: AsRef<[AtomicU32]>>(&mut self, publication: &mut Publication<M>, moment: Moment) {
        publication.publish(&self.memory, &mut self.dirty, moment);
    }

    /// The bytes of a value. `N` is its size.
    #[inline]
    pub fn bytes<const N: usize>(&self, offset: u32) -> [u8; N] {
        let mut bytes = [0; N];
        bytes.copy_from_slice(&self.memory[offset as usize..][..N]);
        bytes
    }

    /// Changes the bytes of a value.
    #[inline]
    pub fn set_bytes<const N: usize>(&mut self, offset: u32, bytes: [u8; N]) {
        self.memory[offset as usize..][..N].copy_from_slice(&bytes);
        self.dirty.mark(offset as usize);
    }

    /// Copies the beginning of a table, as much as there is of it and room in `into`; returns how many bytes.
    pub fn copy(&self, table: Table, into: &mut [u8]) -> usize {
        let start = self.layout.start(table) as usize;
        let bytes = self.layout.sizes().values(table) as usize * table.width().bytes();
        let bytes = bytes.min(into.len());
        into[..bytes].copy_from_slice(&self.memory[start..][..bytes]);
        bytes
    }

    /// A value as an unsigned number.
    pub fn load(&self, place: Place) -> u64 {
        let mut bytes = [0; 8];
        let size = place.width.bytes();
        bytes[..size].copy_from_slice(&self.memory[place.offset as usize..][..size]);
        u64::from_le_bytes(bytes)
    }

    /// Changes a value.
    pub fn store(&mut self, place: Place, value: u64) {
        let size = place.width.bytes();
        self.memory[place.offset as usize..][..size].copy_from_slice(&value.to_le_bytes()[..size]);
        self.dirty.mark(place.offset as usize);
        self.revision += 1;
    }

    /// Whether this is an output that nobody may change now.
    pub fn is_kept_safe(&self, offset: u32) -> bool {
        self.outputs_are_safe && self.layout.area(Area::Output).contains(&(offset as usize))
    }

    /// Does what a peer may do; false when the value is forced, or an output that is kept safe.
    pub fn apply(&mut self, write: Permitted) -> bool {
        let Permitted { peer, place, value } = write;
        if let Some(writer) = self.input_writers.get_mut(place.offset as usize) {
            *writer = peer.0;
        }
        if self.forces.contain(place.offset) || self.is_kept_safe(place.offset) {
            return false;
        }
        self.store(place, value);
        true
    }

    /// Forgets who wrote the inputs of a peer, and sets them to zero if `zero`.
    pub fn abandon_inputs(&mut self, peer: PeerId, zero: bool) {
        for table in Table::ALL.into_iter().filter(|table| table.area() == Area::Input) {
            let width = table.width();
            let start = self.layout.start(table) as usize;
            let bytes = self.layout.sizes().values(table) as usize * width.bytes();
            // Lines that the peer has not touched are passed over quickly, as an image may be large.
            for line in (start..start + bytes).step_by(LINE) {
                if !self.input_writers[line..line + LINE].contains(&peer.0) {
                    continue;
                }
                for offset in (line..line + LINE).step_by(width.bytes()) {
                    self.abandon_input(offset as u32, width, peer, zero);
                }
            }
        }
    }

    /// Sets inputs to zero that none of `writers` was the last to write; that is a set of bits, one for the number of each peer.
    pub fn abandon_inputs_of_others(&mut self, writers: u64) {
        for table in Table::ALL.into_iter().filter(|table| table.area() == Area::Input) {
            let width = table.width();
            let start = self.layout.start(table);
            for index in 0..self.layout.sizes().values(table) {
                let offset = start + index * width.bytes() as u32;
                let place = Place { offset, width };
                let writer = PeerId(self.input_writers[offset as usize]);
                if writers & writer.bit() == 0 && self.load(place) != 0 {
                    self.abandon_input(offset, width, writer, true);
                }
            }
        }
    }

    fn abandon_input(&mut self, offset: u32, width: Width, peer: PeerId, zero: bool) {
        let writer = &mut self.input_writers[offset as usize];
        if *writer == peer.0 {
            *writer = 0;
            if zero && !self.forces.contain(offset) {
                self.store(Place { offset, width }, 0);
            }
        }
    }

    /// Sets these bytes to zero.
    pub fn zero(&mut self, bytes: std::ops::Range<usize>) {
        self.memory[bytes.clone()].fill(0);
        self.dirty.mark_range(bytes);
        self.revision += 1;
    }

    /// Takes the values, their writers and forces from another image, as far as the tables of both go. This one is of zeroes: only
    /// what is not zero is copied, and has to be published.
    pub fn take_over(&mut self, other: &Self) {
        self.outputs_are_safe = other.outputs_are_safe;
        for table in Table::ALL {
            let width = table.width();
            let values = self
                .layout
                .sizes()
                .values(table)
                .min(other.layout.sizes().values(table));
            let (to, from) = (self.layout.start(table), other.layout.start(table));
            let bytes = values as usize * width.bytes();
            let (to_byte, from_byte) = (to as usize, from as usize);
            for at in (0..bytes).step_by(LINE) {
                let line = at..bytes.min(at + LINE);
                let values = &other.memory[from_byte..][line.clone()];
                if values.iter().any(|byte| *byte != 0) {
                    self.memory[to_byte..][line].copy_from_slice(values);
                    self.dirty.mark(to_byte + at);
                }
            }
            if table.area() == Area::Input {
                self.input_writers[to_byte..to_byte + bytes]
                    .copy_from_slice(&other.input_writers[from_byte..from_byte + bytes]);
            }
            for offset in (0..bytes as u32).step_by(width.bytes()) {
                if other.forces.are_none() {
                    break;
                }
                if other.forces.contain(from + offset) {
                    let offset = to + offset;
                    self.forces.add(Place { offset, width });
                }
            }
        }
        self.revision += 1;
    }
}
