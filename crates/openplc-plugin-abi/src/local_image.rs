//! The memory that a plugin's pointer tables point to.
//!
//! All tables have as many slots as the largest of the image, as a plugin knows one number for all of them; writes to slots that
//! the image does not have go nowhere. The memory is given to the plugin for the life of the process.

use std::ptr;

use openplc_plugin::{Address, Layout, Table, Width, Write};

/// Values of a table that are compared at once, in bytes.
const CHUNK: usize = 64;

/// One table.
struct LocalTable {
    table: Table,
    /// Where it begins in a copy of the image, and how many bytes of it the image has.
    start: usize,
    present: usize,
    /// The plugin's values.
    values: *mut u8,
    /// The plugin's pointers to each of them.
    pointers: *mut *mut u8,
}

/// Memory of the plugin, and a copy of the image to compare it with.
pub(crate) struct LocalImage {
    tables: Vec<LocalTable>,
    layout: Layout,
    copy: Vec<u8>,
    slots: u32,
}

// SAFETY: the pointers are to memory of the process that is never freed, and used under the caller's lock.
unsafe impl Send for LocalImage {}

impl LocalImage {
    pub fn new(layout: Layout) -> Self {
        let slots = Table::ALL.map(|table| layout.sizes().slots(table));
        let slots = slots.into_iter().max().unwrap_or(0).max(1);
        let tables = Table::ALL.map(|table| LocalTable::new(table, &layout, slots));
        Self {
            tables: tables.into(),
            copy: vec![0; layout.bytes()],
            layout,
            slots,
        }
    }

    /// Slots that every table has for the plugin.
    pub fn slots(&self) -> u32 {
        self.slots
    }

    /// The layout of the image that this is made for.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The plugin's pointers to the values of a table; those to bits are eight a slot.
    pub fn pointers(&self, table: Table) -> *mut *mut u8 {
        self.tables[table as usize].pointers
    }

    /// Where the published image is to be copied to.
    pub fn copy(&mut self) -> &mut [u8] {
        &mut self.copy
    }

    /// Outputs are off while nobody says what they are.
    pub fn switch_outputs_off(&mut self) {
        for local in &self.tables {
            if local.table.area() == openplc_plugin::Area::Output {
                self.copy[local.start..][..local.present].fill(0);
            }
        }
    }

    /// Changes a value of the copy.
    pub fn overlay(&mut self, write: Write) {
        let address = write.address;
        let local = &self.tables[address.table() as usize];
        let bytes = address.table().width().bytes();
        let at = address.index() as usize * bytes;
        if at + bytes <= local.present {
            self.copy[local.start + at..][..bytes].copy_from_slice(&write.value.to_le_bytes()[..bytes]);
        }
    }

    /// Changes a value as the plugin would by its pointer; false where the image has no such value.
    pub fn set(&mut self, write: Write) -> bool {
        let address = write.address;
        let local = &self.tables[address.table() as usize];
        let bytes = address.table().width().bytes();
        let at = address.index() as usize * bytes;
        if at + bytes > local.present {
            return false;
        }
        let value = write.value.to_le_bytes();
        // SAFETY: `values` has at least `present` bytes, which nobody else uses while the caller's lock is held.
        unsafe { ptr::copy_nonoverlapping(value.as_ptr(), local.values.wrapping_add(at), bytes) };
        true
    }

    /// A table within the copy.
    pub fn table(&mut self, table: Table) -> &mut [u8] {
        let local = &self.tables[table as usize];
        &mut self.copy[local.start..][..local.present]
    }

    /// Shows the copy to the plugin.
    pub fn show(&mut self) {
        for local in &self.tables {
            let shown = &self.copy[local.start..][..local.present];
            // SAFETY: `values` has at least `present` bytes, which nobody else uses while the caller's lock is held.
            unsafe { ptr::copy_nonoverlapping(shown.as_ptr(), local.values, local.present) };
        }
    }

    /// What the plugin has changed since [`Self::show`].
    pub fn changes(&self, mut changed: impl FnMut(Write)) {
        for local in &self.tables {
            // SAFETY: as in `show`; the plugin has given the lock back.
            let now = unsafe { std::slice::from_raw_parts(local.values, local.present) };
            let before = &self.copy[local.start..][..local.present];
            local.compare(before, now, &mut changed);
        }
    }
}

impl LocalTable {
    fn new(table: Table, layout: &Layout, slots: u32) -> Self {
        let width = table.width();
        let count = slots as usize * width.values_per_slot() as usize;
        // Words of 64 bits, so that every value is aligned.
        let memory = vec![0_u64; (count * width.bytes()).div_ceil(8)].leak();
        let values = memory.as_mut_ptr().cast::<u8>();
        let pointers: Vec<*mut u8> = (0..count)
            .map(|index| values.wrapping_add(index * width.bytes()))
            .collect();
        Self {
            table,
            start: layout.start(table) as usize,
            present: layout.sizes().values(table) as usize * width.bytes(),
            values,
            pointers: pointers.leak().as_mut_ptr(),
        }
    }

    fn compare(&self, before: &[u8], now: &[u8], changed: &mut impl FnMut(Write)) {
        let bytes = self.table.width().bytes();
        for (number, (before, now)) in before.chunks(CHUNK).zip(now.chunks(CHUNK)).enumerate() {
            if before == now {
                continue;
            }
            let values = before.chunks_exact(bytes).zip(now.chunks_exact(bytes));
            for (index, (before, now)) in values.enumerate() {
                if before != now {
                    self.write((number * CHUNK / bytes + index) as u32, now)
                        .map(&mut *changed);
                }
            }
        }
    }

    fn write(&self, index: u32, value: &[u8]) -> Option<Write> {
        let per_slot = self.table.width().values_per_slot();
        let bit = (index % per_slot) as u8;
        let address = Address::in_table(self.table, index / per_slot, bit).ok()?;
        let mut number = [0; 8];
        number[..value.len()].copy_from_slice(value);
        let mut value = u64::from_le_bytes(number);
        // Anything but 0 is true to C.
        if self.table.width() == Width::Bit {
            value = value.min(1);
        }
        Some(Write { address, value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(words: u32) -> Layout {
        let text =
            format!("format_version=2\nbool_input=32 bits\nint_output=4 words\nint_memory={words} words\n");
        Layout::new(&openplc_image::Sizes::parse(&text).unwrap())
    }

    /// As a plugin would read a word.
    fn get(pointers: *mut *mut u8, index: usize) -> u16 {
        // SAFETY: the table has that many pointers.
        let value = unsafe { pointers.wrapping_add(index).read() };
        // SAFETY: each points to a value of its width.
        unsafe { value.cast::<u16>().read() }
    }

    /// As a plugin would write a value.
    fn set<T>(pointers: *mut *mut u8, index: usize, value: T) {
        // SAFETY: as above.
        let place = unsafe { pointers.wrapping_add(index).read() };
        // SAFETY: as above.
        unsafe { place.cast::<T>().write(value) };
    }

    #[test]
    fn what_the_plugin_changes_becomes_writes() {
        let mut image = LocalImage::new(sizes(40));
        assert_eq!(image.slots(), 40);
        let words = image.pointers(Table::IntMemory);
        let bits = image.pointers(Table::BoolInput);
        let write: Write = Write {
            address: "%MW7".parse().unwrap(),
            value: 700,
        };
        image.overlay(write);
        image.show();
        assert_eq!(get(words, 7), 700);
        set(words, 39, 5_u16);
        set(bits, 3 * 8 + 2, 255_u8);
        // Beyond what the image has.
        set(bits, 39 * 8, 1_u8);
        let mut changes = Vec::new();
        image.changes(|write| changes.push(format!("{}={}", write.address, write.value)));
        assert_eq!(changes, ["%IX3.2=1", "%MW39=5"]);
    }

    #[test]
    fn outputs_are_off_while_the_core_is_away() {
        let mut image = LocalImage::new(sizes(4));
        for (address, value) in [("%QW1", 9), ("%MW1", 8)] {
            image.overlay(Write {
                address: address.parse().unwrap(),
                value,
            });
        }
        image.switch_outputs_off();
        image.show();
        let value = |table| get(image.pointers(table), 1);
        let values = (value(Table::IntOutput), value(Table::IntMemory));
        assert_eq!(values, (0, 8));
    }
}
