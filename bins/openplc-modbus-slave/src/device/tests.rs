use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use openplc_image::{
    Image, ImageReader, Journal, JournalWriter, Layout, Moment, Sizes, WriteRights, journal,
};
use openplc_plugin::{Address, Unavailable, View};
use openplc_settings::modbus_slave::ModbusSlave;
use proptest::prelude::*;

use super::*;
use crate::configuration::Counts;

type Memory = Arc<[AtomicU32]>;

/// A process image and a journal, as the core hands them out, and the core's side of them.
struct Plant {
    image: RefCell<Image<Memory>>,
    reader: ImageReader<Memory>,
    writer: RefCell<JournalWriter<Memory>>,
}

fn memory(words: usize) -> Memory {
    (0..words).map(|_| AtomicU32::new(0)).collect()
}

impl Plant {
    fn new(slots: u32, state: PlcState) -> Self {
        let layout = Layout::new(&Sizes::uniform(slots));
        let shared = memory(layout.shared_words());
        let mut image = Image::in_memory(layout, shared.clone());
        let journal = memory(journal::WORDS);
        image
            .attach(Journal::in_memory(journal.clone()), WriteRights::all())
            .unwrap();
        let plant = Self {
            image: RefCell::new(image),
            reader: ImageReader::new(shared).unwrap(),
            writer: RefCell::new(JournalWriter::new(journal).unwrap()),
        };
        plant.publish(state);
        plant
    }

    /// Takes what was written, as a scan does at its beginning.
    fn drain(&self) {
        self.image.borrow_mut().drain_journals(1);
    }

    /// Shows it, as a scan does at its end.
    fn publish(&self, state: PlcState) {
        let moment = Moment {
            state,
            ..Moment::default()
        };
        self.image.borrow_mut().publish(moment);
    }

    fn scan(&self) {
        self.drain();
        self.publish(PlcState::Running);
    }

    /// What the program does: it forces a value, which is stronger than what clients write.
    fn set(&self, address: &str, value: u64) {
        let address: Address = address.parse().unwrap();
        let mut image = self.image.borrow_mut();
        assert!(image.force(address, Some(value)) && image.force(address, None));
    }

    fn get(&self, address: &str) -> u64 {
        self.image.borrow().value(address.parse().unwrap()).unwrap()
    }
}

impl Points for &Plant {
    type Ticket = u32;

    fn read<T>(&self, read: impl FnMut(&View<'_>) -> T) -> Result<T, Unavailable> {
        self.reader.consistent(read).map_err(|_| Unavailable::Disturbed)
    }

    fn publication(&self) -> Result<u32, Unavailable> {
        Ok(self.reader.publication())
    }

    fn write(&self, writes: &[Write]) -> Result<u32, WriteFailure> {
        let mut writer = self.writer.borrow_mut();
        let mut number = Err(WriteFailure::Full);
        for group in writes.chunks(journal::MAX_GROUP) {
            number = writer.write(1, group).map_err(|_| WriteFailure::Full);
        }
        number
    }

    fn is_taken(&self, ticket: &u32) -> Result<bool, Unavailable> {
        Ok(self.writer.borrow().is_taken(*ticket))
    }
}

fn device<'a>(plant: &'a Plant, settings: &ModbusSlave) -> Device<&'a Plant> {
    let counts = Counts {
        memory_bits: 64,
        ..Counts::default()
    };
    let map = AddressMap::new(&counts, plant.reader.layout());
    Device::new(plant, map, WordOrder::HighFirst, Policy::new(settings))
}

fn ask(device: &Device<&Plant>, pdu: &[u8]) -> Vec<u8> {
    let mut answer = vec![];
    device.answer(pdu, &mut answer);
    answer
}

#[test]
fn every_table_is_read_from_its_place() {
    let plant = Plant::new(1024, PlcState::Running);
    for (address, value) in [
        ("%QX0.1", 1),
        ("%IX1023.7", 1),
        ("%IW5", 0xABCD),
        ("%QW1023", 1),
        ("%MW0", 2),
        ("%MD0", 0x1122_3344),
        ("%ML1023", 0x0102_0304_0506_0708),
    ] {
        plant.set(address, value);
    }
    plant.scan();
    let device = device(&plant, &ModbusSlave::default());
    assert_eq!(ask(&device, &[1, 0, 0, 0, 3]), [1, 1, 0b010]);
    assert_eq!(ask(&device, &[2, 0x1F, 0xFF, 0, 1]), [2, 1, 1]);
    assert_eq!(ask(&device, &[4, 0, 5, 0, 1]), [4, 2, 0xAB, 0xCD]);
    assert_eq!(ask(&device, &[3, 3, 0xFF, 0, 2]), [3, 4, 0, 1, 0, 2]);
    assert_eq!(ask(&device, &[3, 8, 0, 0, 2]), [3, 4, 0x11, 0x22, 0x33, 0x44]);
    assert_eq!(
        ask(&device, &[3, 0x1F, 0xFC, 0, 4]),
        [3, 8, 1, 2, 3, 4, 5, 6, 7, 8]
    );
}

#[test]
fn what_was_written_is_read_at_once_and_until_the_program_changes_it() {
    let plant = Plant::new(1024, PlcState::Running);
    let device = device(&plant, &ModbusSlave::default());
    let read = || ask(&device, &[3, 4, 0, 0, 1]);
    assert_eq!(ask(&device, &[6, 4, 0, 0x12, 0x34]), [6, 4, 0, 0x12, 0x34]);
    assert_eq!(read(), [3, 2, 0x12, 0x34]);
    plant.drain();
    assert_eq!(read(), [3, 2, 0x12, 0x34]);
    plant.publish(PlcState::Running);
    assert_eq!(read(), [3, 2, 0x12, 0x34]);
    plant.set("%MW0", 7);
    plant.scan();
    assert_eq!(read(), [3, 2, 0, 7]);
}

#[test]
fn half_a_value_is_written_and_the_other_half_stays() {
    let plant = Plant::new(1024, PlcState::Running);
    plant.set("%MD1", 0x1111_2222);
    plant.scan();
    let device = device(&plant, &ModbusSlave::default());
    // Registers 2050 and 2051 are %MD1; two writes before the scan meet in one value.
    ask(&device, &[6, 8, 3, 0xAA, 0xAA]);
    assert_eq!(ask(&device, &[3, 8, 2, 0, 2]), [3, 4, 0x11, 0x11, 0xAA, 0xAA]);
    ask(&device, &[16, 8, 2, 0, 1, 2, 0xBB, 0xBB]);
    plant.scan();
    assert_eq!(plant.get("%MD1"), 0xBBBB_AAAA);
}

#[test]
fn a_write_over_two_tables_is_one() {
    let plant = Plant::new(1024, PlcState::Running);
    let device = device(&plant, &ModbusSlave::default());
    let answer = ask(&device, &[16, 7, 0xFF, 0, 3, 6, 0, 1, 0, 2, 0, 3]);
    assert_eq!(answer, [16, 7, 0xFF, 0, 3]);
    plant.scan();
    assert_eq!((plant.get("%MW1023"), plant.get("%MD0")), (1, 0x0002_0003));
}

#[test]
fn coils_are_written_singly_and_together() {
    let plant = Plant::new(1024, PlcState::Running);
    let device = device(&plant, &ModbusSlave::default());
    assert_eq!(ask(&device, &[5, 0, 9, 0xFF, 0]), [5, 0, 9, 0xFF, 0]);
    // The last coil of the outputs and the first of the memory.
    assert_eq!(
        ask(&device, &[15, 0x1F, 0xFF, 0, 2, 1, 0b11]),
        [15, 0x1F, 0xFF, 0, 2]
    );
    plant.scan();
    assert_eq!(
        (plant.get("%QX1.1"), plant.get("%QX1023.7"), plant.get("%MX0.0")),
        (1, 1, 1)
    );
    let all = [&[15, 0, 0, 0x07, 0xB0, 246][..], &[0xFF; 246]].concat();
    assert_eq!(ask(&device, &all), [15, 0, 0, 0x07, 0xB0]);
    plant.scan();
    plant.scan();
    assert_eq!(
        (plant.get("%QX0.0"), plant.get("%QX245.7"), plant.get("%QX246.0")),
        (1, 1, 0)
    );
}

#[test]
fn a_mask_changes_single_bits() {
    let plant = Plant::new(1024, PlcState::Running);
    plant.set("%QW4", 0x12);
    plant.scan();
    let device = device(&plant, &ModbusSlave::default());
    let mask = [22, 0, 4, 0, 0xF2, 0, 0x25];
    assert_eq!(ask(&device, &mask), mask);
    plant.scan();
    assert_eq!(plant.get("%QW4"), 0x17);
}

#[test]
fn who_writes_and_reads_reads_what_was_written() {
    let plant = Plant::new(1024, PlcState::Running);
    let device = device(&plant, &ModbusSlave::default());
    let answer = ask(&device, &[23, 4, 0, 0, 2, 4, 1, 0, 1, 2, 0, 9]);
    assert_eq!(answer, [23, 4, 0, 0, 0, 9]);
}

#[test]
fn what_does_not_exist_is_said() {
    let plant = Plant::new(10, PlcState::Running);
    let device = device(&plant, &ModbusSlave::default());
    for (request, exception) in [
        (&[3, 0x1F, 0xFF, 0, 2][..], [0x83, 2]),
        (&[3, 0, 9, 0, 2], [0x83, 2]),
        (&[6, 0, 10, 0, 1], [0x86, 2]),
        (&[1, 0x20, 0x3F, 0, 2], [0x81, 2]),
        (&[16, 0x1F, 0xFF, 0, 2, 4, 0, 0, 0, 0], [0x90, 2]),
        (&[7], [0x87, 1]),
        (&[3, 0, 0, 0, 0], [0x83, 3]),
        (&[43, 14, 4, 9], [0xAB, 2]),
    ] {
        assert_eq!(ask(&device, request), exception, "{request:?}");
    }
    assert!(
        ask(&device, &[43, 14, 1, 0])
            .windows(15)
            .any(|text| text == b"OpenPLC Runtime")
    );
}

#[test]
fn another_image_moves_what_lies_behind_it() {
    let plant = Plant::new(2000, PlcState::Running);
    let counts = Counts {
        output_words: 2000,
        ..Counts::default()
    };
    let small = Layout::new(&Sizes::uniform(1024));
    let map = AddressMap::new(&counts, &small);
    let policy = Policy::new(&ModbusSlave::default());
    let device = Device::new(&plant, map, WordOrder::HighFirst, policy);
    plant.set("%MW0", 5);
    plant.set("%QW1024", 6);
    plant.scan();
    assert_eq!(ask(&device, &[3, 4, 0, 0, 1]), [3, 2, 0, 5]);
    device.remap(AddressMap::new(&counts, plant.reader.layout()));
    assert_eq!(ask(&device, &[3, 4, 0, 0, 1]), [3, 2, 0, 6]);
    assert_eq!(ask(&device, &[3, 7, 0xD0, 0, 1]), [3, 2, 0, 5]);
}

#[test]
fn the_administrator_may_forbid_writing_and_functions() {
    let plant = Plant::new(1024, PlcState::Running);
    let read_only = ModbusSlave {
        read_only: true,
        ..ModbusSlave::default()
    };
    let device = device(&plant, &read_only);
    for function in [5, 6, 15, 16, 22, 23] {
        let answer = ask(&device, &[function, 0, 0, 0, 0]);
        assert_eq!(answer, [function | 0x80, 1]);
    }
    assert_eq!(ask(&device, &[3, 0, 0, 0, 1]), [3, 2, 0, 0]);
    let only_inputs = ModbusSlave {
        function_codes: vec![2, 4],
        ..ModbusSlave::default()
    };
    let device = self::device(&plant, &only_inputs);
    assert_eq!(ask(&device, &[3, 0, 0, 0, 1]), [0x83, 1]);
    assert_eq!(ask(&device, &[4, 0, 0, 0, 1]), [4, 2, 0, 0]);
}

#[test]
fn a_stopped_plc_shows_its_last_image_and_takes_nothing() {
    let plant = Plant::new(1024, PlcState::Running);
    plant.set("%IW0", 5);
    plant.drain();
    plant.publish(PlcState::Stopped);
    let device = device(&plant, &ModbusSlave::default());
    assert_eq!(ask(&device, &[4, 0, 0, 0, 1]), [4, 2, 0, 5]);
    assert_eq!(ask(&device, &[6, 4, 0, 0, 1]), [0x86, 4]);
    plant.scan();
    assert_eq!(plant.get("%MW0"), 0);
}

#[test]
fn a_full_journal_is_busy_and_loses_nothing_that_was_confirmed() {
    let plant = Plant::new(1024, PlcState::Running);
    let device = device(&plant, &ModbusSlave::default());
    let write = |value: u16| {
        let [high, low] = value.to_be_bytes();
        ask(&device, &[6, 4, 0, high, low])
    };
    let refused = (1..=5000).find(|value| write(*value) == [0x86, 6]);
    assert_eq!(refused, Some(4097));
    assert_eq!(ask(&device, &[3, 4, 0, 0, 1]), [3, 2, 0x10, 0]);
    for _ in 0..8 {
        plant.scan();
    }
    assert_eq!(plant.get("%MW0"), 4096);
    assert_eq!(write(7), [6, 4, 0, 0, 7]);
}

proptest! {
    #[test]
    fn every_request_gets_an_answer_of_its_own_function(
        function in prop::sample::select(&openplc_modbus::function::ALL[..]),
        data in proptest::collection::vec(prop_oneof![Just(0_u8), Just(1), Just(2), Just(8), Just(255), any::<u8>()], 0..20),
    ) {
        let plant = Plant::new(64, PlcState::Running);
        let device = device(&plant, &ModbusSlave::default());
        let answer = ask(&device, &[&[function][..], &data].concat());
        prop_assert!(answer[0] & 0x7F == function && (2..=openplc_modbus::MAX_PDU).contains(&answer.len()));
    }
}
