//! Every interleaving of core and peer, with every reordering that the memory model allows:
//! `RUSTFLAGS="--cfg loom" cargo test -p openplc-image --test interleavings --release`.
#![cfg(loom)]

use std::sync::Arc;

use loom::sync::atomic::AtomicU32;
use loom::thread;
use openplc_image::journal::WORDS;
use openplc_image::{
    Address, Disturbed, Image, ImageReader, Journal, JournalWriter, Layout, Moment, Sizes, Write, WriteError,
    WriteRights,
};

type Memory = Arc<[AtomicU32]>;

fn memory(words: usize) -> Memory {
    (0..words).map(|_| AtomicU32::new(0)).collect()
}

fn at(address: &str) -> Address {
    address.parse().unwrap()
}

/// An image with one `%ML`.
fn image() -> Image<Memory> {
    let mut sizes = Sizes::uniform(0);
    sizes.cover(at("%ML0"));
    let layout = Layout::new(&sizes);
    let shared = memory(layout.shared_words());
    Image::in_memory(layout, shared)
}

fn checker() -> loom::model::Builder {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(2);
    builder.max_branches = 100_000;
    builder
}

/// Both halves of a 64-bit value and the number of the scan always belong together. The second publication overwrites what
/// the reader may have begun to read.
#[test]
fn no_reader_sees_a_torn_image() {
    checker().check(|| {
        let mut image = image();
        let reader = ImageReader::new(image.shared().clone()).unwrap();
        let core = thread::spawn(move || {
            for scan in 1..=2 {
                image.force(at("%ML0"), Some(scan << 32 | scan));
                image.publish(Moment {
                    scan,
                    ..Moment::default()
                });
            }
        });
        let read = || reader.consistent(|view| (view.value(at("%ML0")).unwrap(), view.moment().scan));
        if let Ok((value, scan)) = read() {
            assert_eq!(value, scan << 32 | scan);
        }
        core.join().unwrap();
        assert_eq!(read(), Ok::<_, Disturbed>((2 << 32 | 2, 2)));
    });
}

/// What was appended is taken once, whole and in order; what was not is counted.
#[test]
fn no_write_is_lost_torn_or_done_twice() {
    checker().check(|| {
        let mut image = image();
        let shared = memory(WORDS);
        let mut writer = JournalWriter::new({
            let journal = Journal::in_memory(shared.clone());
            image.attach(journal, WriteRights::all()).unwrap();
            shared
        })
        .unwrap();
        let peer = thread::spawn(move || {
            let write = |value: u64| Write {
                address: at("%ML0"),
                value: value << 32 | value,
            };
            let mut taken = 0;
            for value in 1..=4 {
                match writer.write(value, &[write(value)]) {
                    Ok(_) => taken = value,
                    Err(error) => assert_eq!(error, WriteError::Full),
                }
            }
            (taken, 4 - writer.dropped())
        });
        for _ in 0..2 {
            image.drain_journals(9);
            let value = image.value(at("%ML0")).unwrap();
            assert_eq!(value >> 32, value & 0xFFFF_FFFF);
        }
        let (last, appended) = peer.join().unwrap();
        image.drain_journals(9);
        assert_eq!(image.value(at("%ML0")), Some(last << 32 | last));
        let (_, statistics) = image.peers().next().unwrap();
        assert_eq!((statistics.applied, statistics.invalid), (appended, 0));
    });
}
