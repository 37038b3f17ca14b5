//! What the tests of the API are made of: the real binary, a pretended core, a pretended build worker, and clients.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

pub mod core;
pub mod debugger;
pub mod http;
pub mod runtime;
pub mod worker;

use std::time::{Duration, Instant};

/// Waits until `probe` finds what it looks for.
pub fn wait_for<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
