//! A plugin that writes what it likes into the journal that it was given, at any moment between two scans. Whatever that is, the core
//! lives on and reads nothing beyond the journal, no value changes that the plugin may not write, and another plugin is heard.
#![no_main]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use openplc_image::{
    AbandonedInputs, Address, Image, ImageReader, Journal, JournalWriter, Layout, Moment, PeerId, Sizes,
    Table, Write, WriteRights, journal,
};

/// Slots of each table. The hostile plugin may write %IW8 to %IW11, the honest one writes %QW3.
const SLOTS: u32 = 16;
const ALLOWED: std::ops::Range<u32> = 8..12;
/// Writes of the honest plugin between two scans, which take its share of what a scan takes.
const HONEST_WRITES: u32 = 64;
/// Most entries that one scan takes of one plugin: those of all plugins together, and a group that has begun.
const ENTRIES_OF_A_SCAN: u64 = 1024 + journal::MAX_GROUP as u64;
/// Where the hostile plugin states how many entries it has appended, where entries begin, and the words of one: docs/process-image.md.
const APPENDED: usize = 16;
const FIRST_ENTRY: usize = 64;
const ENTRY: usize = 6;

type Memory = Arc<[AtomicU32]>;

/// What happens.
#[derive(Arbitrary, Debug)]
enum Event {
    /// The hostile plugin changes a word of its journal,
    Scribble { word: u16, value: u32 },
    /// writes an entry that is nearly right,
    Entry {
        number: u16,
        time: u64,
        table: u8,
        bit: u8,
        slot: u8,
        flags: u8,
        value: u64,
    },
    /// or says that it has appended more of them.
    Append(u16),
    /// The honest plugin writes.
    Honest(u16),
    /// The core scans,
    Scan,
    /// tells the hostile plugin to go,
    Dismiss,
    /// or finds it gone; another one takes its place.
    Replace { zero: bool },
}

struct Core {
    image: Image<Memory>,
    reader: ImageReader<Memory>,
    scans: u64,
    expected: u64,
    honest: JournalWriter<Memory>,
    hostile: PeerId,
    scribbled: Memory,
}

impl Core {
    fn new() -> Self {
        let layout = Layout::new(&Sizes::uniform(SLOTS));
        let shared = memory(layout.shared_words());
        let reader = shared.clone();
        let mut image = Image::in_memory(layout, shared);
        let of_honest = memory(journal::WORDS);
        let honest = Journal::in_memory(of_honest.clone());
        let _ = image.attach(honest, WriteRights::all());
        let (hostile, scribbled) = attach_hostile(&mut image);
        Self {
            image,
            reader: ImageReader::new(reader).expect("an image can be read"),
            scans: 0,
            expected: 0,
            honest: JournalWriter::new(of_honest).expect("a journal can be written"),
            hostile,
            scribbled,
        }
    }

    fn scan(&mut self) {
        let before = self.taken();
        self.scans += 1;
        self.image.drain_journals(self.scans);
        self.image.publish(Moment {
            scan: self.scans,
            ..Moment::default()
        });
        assert!(self.taken() - before <= ENTRIES_OF_A_SCAN, "a scan is bounded");
        self.check();
    }

    /// Entries of the hostile plugin that the core has looked at.
    fn taken(&self) -> u64 {
        let of_hostile = self.image.peers().find(|(id, _)| *id == self.hostile);
        let (_, statistics) = of_hostile.expect("it is attached");
        statistics.applied + statistics.invalid + statistics.forbidden + statistics.forced
    }

    fn check(&self) {
        for table in Table::ALL {
            let bits = table.width().values_per_slot() as u8;
            for (slot, bit) in (0..SLOTS).flat_map(|slot| (0..bits).map(move |bit| (slot, bit))) {
                let address = Address::in_table(table, slot, bit).expect("it exists");
                let value = self.image.value(address).expect("it exists");
                let published = self.reader.consistent(|view| view.value(address));
                assert_eq!(published.ok(), Some(Some(value)), "{address} is published");
                match (table, slot) {
                    (Table::IntInput, slot) if ALLOWED.contains(&slot) => {
                        assert!(value <= 0xFFFF, "{address}")
                    }
                    (Table::IntOutput, 3) => {
                        assert_eq!(value, self.expected, "{address} is as the honest plugin wrote")
                    }
                    _ => assert_eq!(value, 0, "{address} is nobody's"),
                }
            }
        }
    }
}

fn memory(words: usize) -> Memory {
    (0..words).map(|_| AtomicU32::new(0)).collect()
}

fn attach_hostile(image: &mut Image<Memory>) -> (PeerId, Memory) {
    let mut rights = WriteRights::default();
    rights.grant(Table::IntInput, ALLOWED);
    let scribbled = memory(journal::WORDS);
    let journal = Journal::in_memory(scribbled.clone());
    (
        image.attach(journal, rights).expect("there is a place"),
        scribbled,
    )
}

fuzz_target!(|events: Vec<Event>| {
    let mut core = Core::new();
    let output = Address::in_table(Table::IntOutput, 3, 0).expect("it exists");
    let (mut honest_writes, mut wished) = (0, 0);
    for event in events {
        match event {
            Event::Scribble { word, value } => {
                let word = usize::from(word) % core.scribbled.len();
                core.scribbled[word].store(value, Ordering::Relaxed);
            }
            Event::Entry {
                number,
                time,
                table,
                bit,
                slot,
                flags,
                value,
            } => {
                let at = FIRST_ENTRY + usize::from(number) % journal::CAPACITY as usize * ENTRY;
                let address = u32::from(table % 16) | u32::from(bit % 12) << 8 | u32::from(slot % 20) << 16;
                let words = [
                    time as u32,
                    (time >> 32) as u32,
                    address,
                    u32::from(flags),
                    value as u32,
                    (value >> 32) as u32,
                ];
                for (word, value) in core.scribbled[at..at + ENTRY].iter().zip(words) {
                    word.store(value, Ordering::Relaxed);
                }
            }
            Event::Append(more) => {
                core.scribbled[APPENDED].fetch_add(u32::from(more), Ordering::Release);
            }
            Event::Honest(value) if honest_writes < HONEST_WRITES => {
                honest_writes += 1;
                wished = u64::from(value);
                let write = Write {
                    address: output,
                    value: wished,
                };
                core.honest.write(core.scans, &[write]).expect("there is room");
            }
            Event::Honest(_) => {}
            Event::Scan => {
                (honest_writes, core.expected) = (0, wished);
                core.scan();
            }
            Event::Dismiss => core
                .image
                .dismiss(core.hostile, AbandonedInputs::Zero, core.scans),
            Event::Replace { zero } => {
                let inputs = if zero {
                    AbandonedInputs::Zero
                } else {
                    AbandonedInputs::Hold
                };
                core.image
                    .detach(core.hostile, inputs, core.scans)
                    .expect("it was attached");
                (core.hostile, core.scribbled) = attach_hostile(&mut core.image);
            }
        }
    }
    core.expected = wished;
    core.scan();
});
