use std::thread;

use openplc_wire::manifest::Variable;

use super::*;
use crate::scan::tests::{probe, vacant};

/// The probe, whose counter is retained.
fn counting(directory: &Path) -> Loaded {
    let mut loaded = probe(directory, &["-DINTERVAL_NS=1"]);
    let mut manifest = (*loaded.manifest).clone();
    manifest.variables = vec![Variable {
        index: 0,
        path: "CONFIG0.COUNTER".into(),
        iec_type: "UDINT".into(),
        retain: true,
        location: None,
    }];
    loaded.retained = Retained::of(&mut loaded.program, &manifest)
        .unwrap()
        .map(Arc::new);
    loaded
}

#[test]
fn a_cold_start_that_fails_leaves_what_was_kept() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let slot = vacant();
    let retention = Retention::start(directory, slot.clone(), Duration::from_secs(3600)).unwrap();
    let kept = || {
        retention
            .memory()
            .latest
            .as_ref()
            .map(|latest| latest.values.clone())
    };

    let mut loaded = counting(directory);
    loaded.program.write_selected(0, &7_u32.to_ne_bytes());
    Retention::begin_anew(&mut loaded);
    let patience = Duration::from_secs(20);
    let exchanged = retention.exchange(loaded, false, Succession::Newcomer, patience);
    assert!(exchanged.is_ok());
    assert_eq!(kept(), Some(7_u32.to_ne_bytes().to_vec()));

    let mut cold = counting(directory);
    Retention::begin_anew(&mut cold);
    let exchanged = thread::scope(|scope| {
        // A scan that does not end.
        let pause = slot.between_scans(patience).unwrap();
        let late = Duration::from_millis(1);
        let retention = &retention;
        let exchanging = scope.spawn(move || retention.exchange(cold, true, Succession::Return, late));
        let exchanged = exchanging.join().unwrap();
        drop(pause);
        exchanged
    });
    assert!(exchanged.is_err());
    assert_eq!(kept(), Some(7_u32.to_ne_bytes().to_vec()));
}
