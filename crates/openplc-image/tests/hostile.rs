//! A peer that does whatever it likes to the memory it was given.
#![cfg(not(loom))]
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod support;

use std::sync::atomic::{AtomicBool, Ordering};

use openplc_image::{Image, Table, WriteRights};
use proptest::prelude::*;
use support::{Memory, at, attach, image, memory, scan, write};

/// How often something else is tried: `OPENPLC_HOSTILE_CASES` makes a fuzzer of it. Each failure is printed as short as it can be
/// made, and tried first from then on.
fn cases() -> u32 {
    let wished = std::env::var("OPENPLC_HOSTILE_CASES").ok();
    let wished = wished.and_then(|wished| wished.parse().ok());
    wished.unwrap_or(if cfg!(miri) { 1 } else { 300 })
}

/// Slots of each table; the hostile peer may write %IW8 to %IW11 only.
const SLOTS: u32 = 16;

fn hostile_rights() -> WriteRights {
    let mut rights = WriteRights::default();
    rights.grant(Table::IntInput, 8..12);
    rights
}

/// Every value that the hostile peer has no business with.
fn untouched(image: &Image<Memory>) -> bool {
    let mut all = Table::ALL.into_iter().flat_map(|table| {
        let bits = if table as u8 <= 2 { 8 } else { 1 };
        (0..SLOTS).flat_map(move |slot| (0..bits).map(move |bit| (table, slot, bit)))
    });
    all.all(|(table, slot, bit)| {
        let address = openplc_image::Address::in_table(table, slot, bit).unwrap();
        let allowed = table == Table::IntInput && (8..12).contains(&slot);
        allowed || image.value(address) == Some(u64::from(address == at("%QW3")) * 33)
    })
}

fn journal_of(image: &mut Image<Memory>, rights: WriteRights) -> Memory {
    let shared = memory(openplc_image::journal::WORDS);
    let journal = openplc_image::Journal::in_memory(shared.clone());
    image.attach(journal, rights).unwrap();
    shared
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    /// Single-threaded, so that every failure can be repeated: words anywhere in the journal get any value between two scans.
    #[test]
    fn rubbish_spoils_only_the_peers_own_points(
        scribbles in prop::collection::vec(
            prop::collection::vec((prop_oneof![16..20_usize, 32..36_usize, 64..400_usize, 0..24_640_usize], any::<u32>()), 0..40),
            1..12,
        ),
        progress in prop::collection::vec(0..6000_u32, 12),
    ) {
        let mut image = image(SLOTS);
        let (_, mut honest) = attach(&mut image, WriteRights::all());
        let hostile = journal_of(&mut image, hostile_rights());
        let mut appended = 0_u32;
        for (number, (scribbles, progress)) in scribbles.into_iter().zip(progress).enumerate() {
            // Keep the number of entries believable, so that the entries themselves are looked at.
            appended = appended.wrapping_add(progress);
            hostile[16].store(appended, Ordering::Relaxed);
            for (word, value) in scribbles {
                hostile[word].store(value, Ordering::Relaxed);
            }
            honest.write(number as u64, &[write("%QW3", 33)]).unwrap();
            image.drain_journals(number as u64);
            image.publish(scan(number as u64));
            prop_assert!(untouched(&image));
        }
    }

    /// Entries that are nearly right.
    #[test]
    fn entries_are_judged_one_by_one(
        entries in prop::collection::vec((any::<u64>(), 0..16_u32, 0..12_u32, 0..20_u32, 0..3_u32, prop_oneof![0..3_u64, any::<u64>()]), 1..200),
    ) {
        let mut image = image(SLOTS);
        let (_, mut honest) = attach(&mut image, WriteRights::all());
        honest.write(1, &[write("%QW3", 33)]).unwrap();
        let hostile = journal_of(&mut image, hostile_rights());
        let mut expected = 0;
        for (index, (time, table, bit, slot, flags, value)) in entries.iter().enumerate() {
            let at = 64 + index * 6;
            let address = table | bit << 8 | slot << 16;
            for (word, number) in [
                *time as u32, (*time >> 32) as u32, address, *flags, *value as u32, (*value >> 32) as u32,
            ].into_iter().enumerate() {
                hostile[at + word].store(number, Ordering::Relaxed);
            }
            let right = *table == Table::IntInput as u32 && *bit == 0 && (8..12).contains(slot);
            expected += u64::from(right && *value <= 0xFFFF);
        }
        hostile[16].store(entries.len() as u32, Ordering::Release);
        image.drain_journals(5);
        prop_assert!(untouched(&image));
        let (_, statistics) = image.peers().nth(1).unwrap();
        prop_assert_eq!(statistics.applied, expected);
        prop_assert_eq!(statistics.applied + statistics.invalid + statistics.forbidden, entries.len() as u64);
    }
}

/// A thread that never stops scribbling, while the core scans.
#[test]
fn a_peer_that_scribbles_all_the_time_spoils_only_its_own_points() {
    let scans = if cfg!(miri) {
        5
    } else {
        20_000.max(10 * u64::from(cases()))
    };
    let mut image = image(SLOTS);
    let (_, mut honest) = attach(&mut image, WriteRights::all());
    let hostile = journal_of(&mut image, hostile_rights());
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut random = 0x9E37_79B9_u32;
            let mut next = || {
                random ^= random << 13;
                random ^= random >> 17;
                random ^= random << 5;
                random
            };
            while !stop.load(Ordering::Relaxed) {
                let word = match next() % 4 {
                    0 => 16,
                    1 => next() as usize % 64,
                    _ => next() as usize % hostile.len(),
                };
                // Mostly numbers that look like something.
                let value = if next() % 2 == 0 { next() % 5000 } else { next() };
                hostile[word].store(value, Ordering::Relaxed);
            }
        });
        for number in 0..scans {
            honest.write(number, &[write("%QW3", 33)]).unwrap();
            image.drain_journals(number);
            image.publish(scan(number));
            if number % 16 == 4 {
                assert!(untouched(&image), "scan {number}");
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
    let statistics: Vec<_> = image.peers().collect();
    assert_eq!(
        statistics[0].1.applied, scans,
        "the honest peer is heard in every scan"
    );
    let hostile = statistics[1].1;
    assert!(
        cfg!(miri) || hostile.corrupt > 0 && hostile.invalid > 0,
        "{hostile:?}"
    );
}
