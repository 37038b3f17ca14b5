//! Threads that a program has started. As long as one of them lives the program's code must stay where it is.

use std::collections::BTreeSet;
use std::ffi::{CStr, CString};
use std::fs;
use std::sync::atomic::{AtomicI32, Ordering};

use openplc_rt::fault_record;
use rustix::thread;

use crate::watchdog;

/// Names of our own threads, besides those that scan.
const OURS: [&str; 20] = [
    "openplc-core",
    "program-output",
    "control",
    "housekeeping",
    "client",
    "loader",
    "python-blocks",
    "python-output",
    "unload",
    "spawner",
    watchdog::THREAD,
    watchdog::FEEDING_THREAD,
    "proving",
    "retention",
    "image",
    "plugin",
    "plugins",
    "switch",
    "communication",
    fault_record::PLUGIN_THREAD,
];

/// Name of a thread while it loads a program, and of those that the program starts meanwhile.
const LOADING: &CStr = c"loading";
/// Id of the thread that loads a program, or 0.
static LOADER: AtomicI32 = AtomicI32::new(0);

/// The calling thread loads a program. One at a time.
pub struct Loading {
    name: Option<CString>,
}

impl Loading {
    /// Until the value is dropped, threads that are started by this one are foreign.
    pub fn begin() -> Self {
        let name = thread::name().ok();
        LOADER.store(thread::gettid().as_raw_nonzero().get(), Ordering::SeqCst);
        // As good as infallible; a thread that keeps its name is taken for a foreign one at worst.
        let _ = thread::set_name(LOADING);
        Self { name }
    }
}

impl Drop for Loading {
    fn drop(&mut self) {
        let _ = self.name.as_deref().map(thread::set_name);
        LOADER.store(0, Ordering::SeqCst);
    }
}

/// Whether this process has threads that are not its own.
///
/// A thread bears the name of the one that started it until it chooses another. Of ours that scan there is one of each name,
/// and the one that loads is known by its number.
pub fn exist() -> bool {
    // Without /proc nothing is known, so the worst is assumed.
    let Ok(tasks) = fs::read_dir("/proc/self/task") else {
        return true;
    };
    let threads = tasks.flatten().filter_map(|task| {
        let name = fs::read_to_string(task.path().join("comm")).ok()?;
        Some((task.file_name().to_str()?.parse().ok()?, name))
    });
    are_among(threads, LOADER.load(Ordering::SeqCst))
}

/// Whether this process has no other thread than the calling one.
pub fn is_alone() -> bool {
    fs::read_dir("/proc/self/task").is_ok_and(|tasks| tasks.count() == 1)
}

fn are_among(threads: impl Iterator<Item = (i32, String)>, loader: i32) -> bool {
    let mut scanning = BTreeSet::new();
    for (id, name) in threads {
        let name = name.trim_end();
        let is_ours = if name.starts_with("scan-") {
            scanning.insert(name.to_owned())
        } else {
            OURS.contains(&name) || id == loader
        };
        if !is_ours {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first one loads.
    fn among(names: &[&str]) -> bool {
        are_among((1..).zip(names.iter().map(|name| format!("{name}\n"))), 1)
    }

    #[test]
    fn a_thread_with_an_inherited_or_unknown_name_is_foreign() {
        assert!(!among(&[
            "loading",
            "openplc-core",
            "scan-0",
            "scan-1",
            "client",
            "client",
            "loader",
            "unload"
        ]));
        assert!(among(&["openplc-core", "scan-0", "scan-0"]));
        assert!(among(&["loading", "openplc-core", "scan-0", "loading"]));
        assert!(among(&["openplc-core", "scan-0", "loading"]));
        assert!(among(&["openplc-core", "scan-0", "worker"]));
    }
}
