//! Threads that a program has started. As long as one of them lives the program's code must stay where it is.

use std::fs;

/// Names of our own threads; `scan` and `load` are looked at more closely.
const OURS: [&str; 8] = [
    "openplc-core",
    "program-output",
    "control",
    "housekeeping",
    "client",
    "python-blocks",
    "python-output",
    "unload",
];
/// Names that a program's threads inherit: programs run on threads called so.
const INHERITED: [&str; 2] = ["scan", "load"];

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
    let mut seen = [0; INHERITED.len()];
    for name in names {
        match INHERITED
            .iter()
            .position(|inherited| *inherited == name.trim_end())
        {
            Some(at) => seen[at] += 1,
            None if OURS.contains(&name.trim_end()) => {}
            None => return true,
        }
    }
    seen.iter().any(|count| *count > 1)
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
            "scan",
            "client",
            "client",
            "load",
            "unload"
        ]));
        assert!(among(&["openplc-core", "scan", "scan"]));
        assert!(among(&["openplc-core", "scan", "load", "load"]));
        assert!(among(&["openplc-core", "scan", "worker"]));
    }
}
