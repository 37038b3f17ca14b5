use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use openplc_image::{OutputPolicy, Sizes};
use openplc_wire::manifest::{FORMAT, Generation, Manifest, ProgramId};

use super::*;
use crate::loaded::Services;

mod overhead;

/// The probe of the tests of the whole process, whose scans exchange four located variables.
pub fn probe(directory: &Path, definitions: &[&str]) -> Loaded {
    let object = directory.join("probe.so");
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1"])
        .args(definitions)
        .arg("-o")
        .arg(&object)
        .arg("-I")
        .arg(here.join("../../crates/openplc-program/include"))
        .arg(here.join("tests/probe.c"))
        .status()
        .unwrap();
    assert!(compiled.success());
    let manifest = Manifest {
        format: FORMAT,
        program: ProgramId::try_from("a".repeat(64)).unwrap(),
        object_sha256: "0".repeat(64),
        generation: Generation::Matiec,
        md5: "0".repeat(32),
        compiler: "cc".into(),
        tasks: Vec::new(),
        variables: Vec::new(),
        conf: BTreeMap::new(),
        uses_python: false,
        retains: true,
        image_conf: None,
    };
    Loaded::load(&object, Arc::new(manifest), &Services::default()).unwrap()
}

/// An empty slot without threads.
pub fn vacant() -> Arc<ScanSlot> {
    let image = Arc::new(ProcessImage::new(&Sizes::default(), OutputPolicy::off()).unwrap());
    let (spawner, _) = Spawner::start(&RealTime::default()).unwrap();
    ScanSlot::vacant(spawner, image).unwrap()
}

#[test]
fn a_scan_allocates_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let slot = vacant();
    // This thread takes the place of a scan thread.
    let mut seat = slot.lock.sit_down().unwrap();
    *slot.threads.lock().unwrap() = 1;
    let patience = Duration::from_secs(20);
    let exchanged = slot.exchange(
        probe(directory.path(), &["-DINTERVAL_NS=1"]),
        true,
        patience,
        0,
        |_, _, _| {},
    );
    assert!(exchanged.is_ok_and(|old| old.is_none()));
    let figures = slot
        .between_scans(patience)
        .unwrap()
        .loaded()
        .unwrap()
        .figures
        .clone();
    let scans = || figures[0].1.read().scans;
    slot.scan(&mut seat);
    assert_eq!(scans(), 1);
    let allocations = allocation_counter::measure(|| {
        while scans() < 1000 {
            slot.scan(&mut seat);
        }
    });
    assert_eq!(allocations.count_total, 0, "{allocations:?}");

    // It has ended before it could be given up.
    slot.give_up(0, 1);
    slot.scan(&mut seat);
    assert_eq!((scans(), slot.take_fault()), (1001, None));

    // The end of scans by a stop is no scan any more.
    assert!(slot.stop(patience).unwrap());
    assert_eq!(slot.scan(&mut seat), None);
    assert_eq!(scans(), 1001);
}

/// Puts a probe of its own into the slot and begins its scans; `hand_over` is what the exchange does.
fn begin(slot: &Arc<ScanSlot>, hand_over: impl FnOnce()) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let probe = probe(directory.path(), &["-DINTERVAL_NS=1"]);
    let exchanged = slot.exchange(probe, true, Duration::from_secs(20), 0, |_, _, _| hand_over());
    assert!(exchanged.is_ok());
    directory
}

#[test]
fn who_gives_up_a_scan_too_late_does_not_touch_the_next_program() {
    let slot = vacant();
    let mut seat = slot.lock.sit_down().unwrap();
    *slot.threads.lock().unwrap() = 1;
    let _first = begin(&slot, || {});
    let number = slot.newest();
    let _second = begin(&slot, || {});
    slot.scan(&mut seat);
    let output = || {
        let value = |image: &mut openplc_image::Image| image.value("%QD0".parse().unwrap());
        crate::image_server::ImageKeeper::with_image(slot.process_image(), value).unwrap()
    };
    assert_eq!(output(), Some(1));
    slot.end_in_error(number);
    assert!(slot.is_running());
    assert_eq!(output(), Some(1), "its outputs are not its predecessor's");
    slot.end_in_error(slot.newest());
    assert!(!slot.is_running());
    assert_eq!(output(), Some(0));
}

#[test]
fn scan_threads_wait_for_an_exchange_before_it_changes_anything() {
    let slot = vacant();
    let _seat = slot.lock.sit_down().unwrap();
    *slot.threads.lock().unwrap() = 1;
    let _first = begin(&slot, || {});
    let rings = || slot.scan_threads[0].alarm.rings();
    let (before, mut meanwhile) = (rings(), None);
    let _second = begin(&slot, || meanwhile = Some(rings()));
    assert_ne!(meanwhile, Some(before), "who has locked all has their priority");
    assert_eq!(meanwhile, Some(rings()), "once is enough");
}
