//! Every interleaving of a scan and of somebody who gives it up:
//! `RUSTFLAGS="--cfg loom" cargo test -p openplc-engine --test interleavings --release`.
#![cfg(loom)]

use loom::sync::Arc;
use loom::thread;
use openplc_engine::watch::{Activity, Watch};

/// Either both know that the scan was given up, or neither.
#[test]
fn a_scan_that_ends_while_it_is_given_up_is_seen_alike_by_both() {
    loom::model(|| {
        let watch = Arc::new(Watch::default());
        watch.exchange(1, 1, 10);
        watch.begin(1, 100);
        let scanning = thread::spawn({
            let watch = watch.clone();
            move || watch.end(100, 200)
        });
        let debt = watch.debt(1_000).unwrap();
        let given_up = debt.activity == Activity::Scan && watch.give_up(debt.since).is_some();
        assert_eq!(scanning.join().unwrap(), given_up);
        assert!(!watch.is_given_up(), "nothing is left of it for the next scan");
    });
}

/// The scan after the one that is meant is never given up.
#[test]
fn the_next_scan_is_not_mistaken_for_the_one_that_is_given_up() {
    loom::model(|| {
        let watch = Arc::new(Watch::default());
        watch.begin(1, 100);
        let scanning = thread::spawn({
            let watch = watch.clone();
            move || {
                let first = watch.end(100, 200);
                watch.begin(2, 300);
                [first, watch.end(300, 400)]
            }
        });
        let given_up = watch.give_up(100).is_some();
        let seen = scanning.join().unwrap();
        assert_eq!(seen, [given_up, false]);
        assert!(!watch.is_given_up());
    });
}
