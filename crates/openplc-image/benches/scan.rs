//! What the process image costs a scan, beside copying the same number of bytes: `cargo bench -p openplc-image`.
//!
//! Each figure is the median of many rounds, in nanoseconds for one scan. The located variables are a mix
//! of all widths, half of them outputs or memory; their storage lies in the program's memory one after the other.

#![allow(clippy::unwrap_used, reason = "what fails here fails the measurement")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::hint::black_box;
use std::time::Instant;

use openplc_image::{Address, Area, Binding, Layout, LocatedValues, Sizes, Width, WriteRights};
use support::{Program, attach, image, scan, write};

/// About as long (ns) are scans timed together: long against the clock's own cost, short against what interrupts us.
const BATCH_NS: u128 = 50_000;
/// Batches of which the median is taken.
const ROUNDS: usize = 501;

fn main() {
    println!("{:<54}{:>12}", "per scan", "ns");
    for count in [0, 100, 1_000, 10_000] {
        located(count);
    }
    for count in [0, 1, 100, 1_000] {
        journal(count);
    }
    readers();
}

fn report(name: &str, mut work: impl FnMut()) {
    let mut time = |scans: u32| {
        let start = Instant::now();
        (0..scans).for_each(|_| work());
        start.elapsed().as_nanos()
    };
    let quickest = (0..20).map(|_| time(1)).min().unwrap_or_default().max(1);
    let scans = u32::try_from(BATCH_NS / quickest)
        .unwrap_or(u32::MAX)
        .clamp(1, 5_000);
    let mut times: Vec<f64> = (0..ROUNDS)
        .map(|_| time(scans) as f64 / f64::from(scans))
        .collect();
    times.sort_by(f64::total_cmp);
    println!("{name:<54}{:>12.1}", times[ROUNDS / 2]);
}

/// Addresses of a program with this many located variables.
fn variables(count: u32) -> Vec<Address> {
    let kinds = [
        (Area::Input, Width::Bit),
        (Area::Output, Width::Bit),
        (Area::Input, Width::Word),
        (Area::Output, Width::Word),
        (Area::Input, Width::Double),
        (Area::Memory, Width::Word),
        (Area::Input, Width::Long),
        (Area::Memory, Width::Double),
    ];
    let address = |number: u32| {
        let (area, width) = kinds[number as usize % kinds.len()];
        let index = number / kinds.len() as u32;
        match width {
            Width::Bit => Address::new(area, width, index / 8, (index % 8) as u8),
            _ => Address::new(area, width, index, 0),
        }
        .unwrap()
    };
    (0..count).map(address).collect()
}

fn located(count: u32) {
    let addresses = variables(count);
    let mut sizes = Sizes::default();
    addresses.iter().for_each(|address| sizes.cover(*address));
    let layout = Layout::new(&sizes);
    let shared = support::memory(layout.shared_words());
    let mut image = openplc_image::Image::in_memory(layout, shared);
    let mut binding = Binding::new(image.layout(), &addresses).unwrap();
    let mut program = Program(vec![[0; 8]; count as usize]);
    binding.start(&mut image, &mut program);

    let mut number = 0;
    let mut one_scan = |change: &mut dyn FnMut(&mut Program)| {
        number += 1;
        image.drain_journals(number);
        binding.copy_in(&image, &mut program);
        change(black_box(&mut program));
        binding.copy_out(&mut image, black_box(&program));
        image.publish(scan(number));
    };
    report(&format!("{count} located, nothing changes"), || {
        one_scan(&mut |_| ())
    });
    let outputs: Vec<usize> = (0..addresses.len())
        .filter(|index| addresses[*index].table().area() != Area::Input)
        .collect();
    let toggle = |program: &mut Program, every: usize| {
        for variable in outputs.iter().step_by(every) {
            let [value] = program.read::<1>(*variable);
            program.write(*variable, [value ^ 1]);
        }
    };
    report(&format!("{count} located, 1 of 10 outputs changes"), || {
        one_scan(&mut |program| toggle(program, 10));
    });
    report(&format!("{count} located, every output changes"), || {
        one_scan(&mut |program| toggle(program, 1));
    });
    let (from, mut to) = (vec![1_u8; count as usize * 4], vec![0_u8; count as usize * 4]);
    report(
        &format!("{count} located, baseline: memcpy of 4 bytes each"),
        || {
            to.copy_from_slice(black_box(&from));
            black_box(&mut to);
        },
    );
}

fn journal(count: u16) {
    let mut image = image(1024);
    let (_, mut plugin) = attach(&mut image, WriteRights::all());
    let writes: Vec<_> = (0..count)
        .map(|slot| write(&format!("%IW{slot}"), slot.into()))
        .collect();
    let mut number = 0;
    report(&format!("{count} values written, taken and published"), || {
        number += 1;
        for group in writes.chunks(256) {
            plugin.write(number, group).unwrap();
        }
        image.drain_journals(number);
        image.publish(scan(number));
    });
}

fn readers() {
    let mut image = image(1024);
    image.publish(scan(1));
    let reader = support::reader(&image);
    let mut registers = [0; 125];
    report("a reader's 125 registers", || {
        let table = openplc_image::Table::IntOutput;
        let count = reader.consistent(|view| view.values(table, 100, &mut registers));
        black_box(count).unwrap();
    });
    let mut copy = vec![0; image.layout().bytes()];
    report(
        &format!("a reader's copy of the whole image ({} bytes)", copy.len()),
        || {
            reader.copy(&mut copy).unwrap();
        },
    );
}
