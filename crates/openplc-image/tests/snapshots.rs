//! Readers and the core at the same time, on real threads.
#![cfg(not(loom))]

mod support;

use std::sync::atomic::{AtomicBool, Ordering};

use openplc_image::{Address, Binding, Table};
use support::{Program, image, reader, scan};

/// Every value of the image is the number of the scan; whoever reads must see only one number.
#[test]
fn a_reader_sees_one_scan_at_a_time() {
    let (scans, slots) = if cfg!(miri) { (15, 2) } else { (20_000, 64) };
    let mut image = image(slots);
    let tables = [Table::IntOutput, Table::DintMemory, Table::LintOutput];
    let addresses: Vec<Address> = tables
        .into_iter()
        .flat_map(|table| (0..slots).map(move |slot| Address::in_table(table, slot, 0).unwrap()))
        .collect();
    let mut binding = Binding::new(image.layout(), &addresses).unwrap();
    let mut program = Program(vec![[0; 8]; addresses.len()]);
    binding.start(&mut image, &mut program);
    let readers = [reader(&image), reader(&image)];
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watching: Vec<_> = readers
            .iter()
            .map(|reader| {
                scope.spawn(|| {
                    let mut last = 0;
                    let mut seen = 0_u64;
                    while !done.load(Ordering::Relaxed) {
                        let Ok((scan, values)) = reader.consistent(|view| {
                            let values: Vec<_> =
                                addresses.iter().map(|address| view.value(*address)).collect();
                            (view.moment().scan, values)
                        }) else {
                            continue;
                        };
                        for (address, value) in addresses.iter().zip(values) {
                            let expected = match address.table() {
                                Table::IntOutput => scan & 0xFFFF,
                                Table::DintMemory => scan,
                                _ => scan << 32 | scan,
                            };
                            assert_eq!(value, Some(expected), "{address} in scan {scan}");
                        }
                        assert!(scan >= last, "time does not run backwards");
                        last = scan;
                        seen += 1;
                    }
                    seen
                })
            })
            .collect();
        for number in 1..=scans {
            for (variable, address) in addresses.iter().enumerate() {
                let value = match address.table() {
                    Table::LintOutput => number << 32 | number,
                    _ => number,
                };
                program.set(variable, value);
            }
            binding.copy_out(&mut image, &program);
            image.publish(scan(number));
        }
        done.store(true, Ordering::Relaxed);
        for thread in watching {
            let seen = thread.join().unwrap();
            assert!(cfg!(miri) || seen > 0, "a reader saw nothing in {scans} scans");
        }
    });
}

#[test]
fn memory_that_is_no_image_is_refused() {
    let image = image(4);
    let words = image.shared();
    let reject = |at: usize, value: u32| {
        let before = words[at].swap(value, Ordering::Relaxed);
        let refused = openplc_image::ImageReader::new(words.clone()).is_err();
        words[at].store(before, Ordering::Relaxed);
        refused
    };
    assert!(openplc_image::ImageReader::new(words.clone()).is_ok());
    for word in 0..34 {
        assert!(reject(word, 0xFFFF_FFFF), "word {word}");
    }
    let short: support::Memory = words
        .iter()
        .take(100)
        .map(|word| word.load(Ordering::Relaxed).into())
        .collect();
    assert!(openplc_image::ImageReader::new(short).is_err());
    assert!(openplc_image::ImageReader::new(support::memory(0)).is_err());
}
