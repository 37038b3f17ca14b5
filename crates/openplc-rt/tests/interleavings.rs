//! Every interleaving of tasks and of those who change what all tasks read:
//! `RUSTFLAGS="--cfg loom" cargo test -p openplc-rt --test interleavings --release`.
#![cfg(loom)]

use std::time::Duration;

use loom::cell::UnsafeCell;
use loom::thread;
use openplc_rt::task_lock::TaskLock;

const PATIENCE: Duration = Duration::from_secs(1);

/// A value that the checker watches: two uses at the same time, one of which writes, are an error.
struct Watched(UnsafeCell<u64>);

// SAFETY: this is what is to be shown.
unsafe impl Sync for Watched {}

/// Two tasks read while somebody changes, and both tasks' own values are nobody else's meanwhile. Whoever is waited for first
/// makes no difference.
#[test]
fn a_change_excludes_all_tasks_and_no_two_changes_meet() {
    for first in 0..2 {
        loom::model(move || {
            let shared = Watched(UnsafeCell::new(0));
            let lock = std::sync::Arc::new(TaskLock::new(shared, [0_u64; 2]).unwrap());
            let tasks: Vec<_> = (0..2)
                .map(|_| {
                    let mut seat = lock.sit_down().unwrap();
                    thread::spawn(move || {
                        let mut guard = seat.lock();
                        let (shared, own) = guard.parts();
                        // SAFETY: read while the guard is held.
                        *own += 1 + shared.0.with(|value| unsafe { *value }) / 100;
                    })
                })
                .collect();
            let mut all = lock.all(PATIENCE, |task| u64::from(task == first)).unwrap();
            let (shared, own) = all.parts();
            let executed: u64 = own.map(|own| *own).sum();
            // SAFETY: changed while everything is held.
            shared.0.with_mut(|value| unsafe { *value += executed });
            drop(all);
            tasks.into_iter().for_each(|task| task.join().unwrap());
            let mut all = lock.all(PATIENCE, |_| 0).unwrap();
            assert_eq!(all.parts().1.map(|own| *own).sum::<u64>(), 2);
        });
    }
}
