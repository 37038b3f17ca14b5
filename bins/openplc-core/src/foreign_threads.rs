//! Threads that a program has started. As long as one of them lives the program's code must stay where it is.

use std::collections::BTreeSet;
use std::fs;

use openplc_rt::fault_record;

use crate::watchdog;

/// Names of our own threads, besides those that [`runs_programs`].
const OURS: [&str; 19] = [
    "openplc-core",
    "program-output",
    "control",
    "housekeeping",
    "client",
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

/// Whether this process has threads that are not its own.
///
/// A thread bears the name of the one that started it until it chooses another, and of ours that run programs there is one
/// of each name; the one that loads may be missing.
pub fn exist() -> bool {
    // Without /proc nothing is known, so the worst is assumed.
    let Ok(tasks) = fs::read_dir("/proc/self/task") else {
        return true;
    };
    let names = tasks
        .flatten()
        .filter_map(|task| fs::read_to_string(task.path().join("comm")).ok());
    are_among(names)
}

fn are_among(names: impl Iterator<Item = String>) -> bool {
    let mut seen = BTreeSet::new();
    for name in names {
        let name = name.trim_end();
        if runs_programs(name) {
            if !seen.insert(name.to_owned()) {
                return true;
            }
        } else if !OURS.contains(&name) {
            return true;
        }
    }
    false
}

/// Whether programs are executed on our thread of this name, so that threads which they start inherit it.
fn runs_programs(name: &str) -> bool {
    name == "load" || name.starts_with("scan-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn among(names: &[&str]) -> bool {
        are_among(names.iter().map(|name| format!("{name}\n")))
    }

    #[test]
    fn a_thread_with_an_inherited_or_unknown_name_is_foreign() {
        assert!(!among(&[
            "openplc-core",
            "scan-0",
            "scan-1",
            "client",
            "client",
            "load",
            "unload"
        ]));
        assert!(among(&["openplc-core", "scan-0", "scan-0"]));
        assert!(among(&["openplc-core", "scan-0", "load", "load"]));
        assert!(among(&["openplc-core", "scan-0", "worker"]));
    }
}
