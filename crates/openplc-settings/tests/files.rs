//! The files that are installed say what the code does.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use openplc_settings::api::Api;
use openplc_settings::compile::Compile;
use openplc_settings::core::Core;
use openplc_settings::modbus_slave::ModbusSlave;
use openplc_settings::{Settings, load_from, parse};

fn installed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../etc/openplc-runtime")
}

/// The file with every default made a setting: lines such as `#key = value`.
fn uncommented(text: &str) -> String {
    let line = |line: &str| match line.strip_prefix('#') {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_lowercase()) => rest.to_owned(),
        _ => line.to_owned(),
    };
    text.lines().map(|l| line(l) + "\n").collect()
}

/// Checks one file. `other` is valid for each key and differs from its default.
fn check<S: Settings + PartialEq + std::fmt::Debug>(keys: &[(&str, &str)]) {
    let path = installed().join(S::FILE);
    let text = fs::read_to_string(&path).unwrap();
    let as_installed = load_from::<S>(&installed());
    assert_eq!(
        (as_installed.settings, as_installed.problems),
        (S::default(), vec![])
    );

    let all = uncommented(&text);
    let defaults = parse::<S>(&path, &all);
    assert_eq!((defaults.settings, defaults.problems), (S::default(), vec![]));

    // Each key is there once, and does something.
    let settings = |line: &&str| !line.is_empty() && !line.starts_with(['#', '[']);
    assert_eq!(all.lines().filter(settings).count(), keys.len());
    for (key, other) in keys {
        let changed: String = all
            .lines()
            .map(|line| match line.split_once(" = ") {
                Some((name, _)) if name == *key => format!("{key} = {other}\n"),
                _ => format!("{line}\n"),
            })
            .collect();
        let changed = parse::<S>(&path, &changed);
        assert_eq!(changed.problems, [], "{key}");
        assert_ne!(changed.settings, S::default(), "{key}");
    }
}

#[test]
fn core() {
    check::<Core>(&[
        ("log-level", "\"debug\""),
        ("policy", "\"round-robin\""),
        ("priority", "1"),
        ("cpus", "[0, 3]"),
        ("lock-memory", "false"),
        ("interval", "\"1s\""),
        ("others", "\"hold\""),
        ("lost-inputs", "\"zero\""),
        ("lost-after", "\"0ms\""),
        ("path", "\"/usr/local/lib/openplc/fieldbus.so\""),
        ("configuration", "\"/etc/openplc-runtime/fieldbus.json\""),
        ("layout", "\"2026-01\""),
    ]);
}

#[test]
fn api() {
    check::<Api>(&[
        ("log-level", "\"warn\""),
        ("exit-when-idle", "\"0s\""),
        ("session-lifetime", "\"12h\""),
        ("max-connections", "16"),
        ("announced-version", "\"full\""),
        ("answer", "false"),
        ("project", "true"),
        ("certificate", "\"/etc/ssl/plc.pem\""),
        ("key", "\"/etc/ssl/private/plc.pem\""),
    ]);
}

#[test]
fn compile() {
    check::<Compile>(&[
        ("log-level", "\"error\""),
        ("time-limit", "\"1h\""),
        ("memory-limit", "\"512MiB\""),
        ("jobs", "2"),
        ("program", "2"),
        ("blocks", "3"),
    ]);
}

#[test]
fn modbus_slave() {
    check::<ModbusSlave>(&[
        ("read-only", "true"),
        ("function-codes", "[1, 2]"),
        ("clients", "[\"10.0.0.0/8\"]"),
        ("max-clients", "1"),
        ("max-clients-per-address", "512"),
        ("idle-timeout", "\"0s\""),
        ("request-timeout", "\"100ms\""),
    ]);
}
