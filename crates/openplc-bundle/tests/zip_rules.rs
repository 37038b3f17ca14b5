//! Every rule for the zip, broken once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod support;

use std::time::{Duration, Instant};

use openplc_bundle::{ZipViolation, limits, unpack};
use support::{Entry, deflated, raw, stored};

fn violation(zip: &[u8]) -> ZipViolation {
    unpack(zip).expect_err("a broken rule must be noticed")
}

fn entry_of(violation: &ZipViolation) -> String {
    violation
        .to_string()
        .split('"')
        .nth(1)
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn a_sound_zip_unpacks_stored_or_deflated_with_either_slash() {
    let text = b"int x;".repeat(100);
    let files = unpack(&deflated(&[("lib/a.h", &text), ("b.c", b"")])).unwrap();
    assert_eq!(files["lib/a.h"], text);
    assert_eq!(files["b.c"], b"");
    let files = unpack(&stored(&[("lib\\a.h", "x"), ("Config0.c", "y"), ("lib\\", "")])).unwrap();
    assert_eq!(files.keys().collect::<Vec<_>>(), ["Config0.c", "lib/a.h"]);
}

#[test]
fn one_root_folder_is_taken_off_and_leftovers_are_skipped() {
    let zip = stored(&[
        ("program/", ""),
        ("program/Config0.c", "x"),
        ("program/lib/a.h", "y"),
        ("__MACOSX/._x", "z"),
        (".DS_Store", "z"),
    ]);
    assert_eq!(
        unpack(&zip).unwrap().keys().collect::<Vec<_>>(),
        ["Config0.c", "lib/a.h"]
    );
}

#[test]
fn what_is_no_zip_is_refused() {
    for bytes in [&b""[..], b"PK", b"GET / HTTP/1.1\r\n\r\n", &[0; 4096]] {
        assert!(matches!(violation(bytes), ZipViolation::Unreadable { .. }));
    }
    assert_eq!(violation(&stored(&[])), ZipViolation::Empty);
    assert_eq!(
        violation(&stored(&[("__MACOSX/x", "x"), ("folder/", "")])),
        ZipViolation::Empty
    );
}

#[test]
fn names_are_checked() {
    let of = |name: &[u8]| violation(&raw(&[Entry::stored("a.c", b"x"), Entry::stored(name, b"x")]));
    assert!(matches!(of(b"lib/../../x.c"), ZipViolation::Traversal { .. }));
    assert!(matches!(of(b"..\\x.c"), ZipViolation::Traversal { .. }));
    assert!(matches!(of(b"/etc/x.c"), ZipViolation::AbsoluteName { .. }));
    assert!(matches!(of(b"C:\\x.c"), ZipViolation::Colon { .. }));
    assert!(matches!(of(b"x\0.c"), ZipViolation::ControlCharacter { .. }));
    assert!(matches!(of(b"x\xfe.c"), ZipViolation::NameNotText { .. }));
    assert!(matches!(
        of(b"lib\\run.SH"),
        ZipViolation::RefusedExtension { .. }
    ));
    assert_eq!(entry_of(&of(b"lib\\run.SH")), "lib/run.SH");
    assert_eq!(of(b""), ZipViolation::NameEmpty);
}

#[test]
fn links_and_devices_are_refused() {
    for (mode, name) in [
        (0o120_777, "link.c"),
        (0o020_666, "device.c"),
        (0o010_644, "pipe.c"),
        (0o040_755, "folder.c"),
    ] {
        let mut special = Entry::stored(name, b"/etc/passwd");
        (special.system, special.mode) = (3, mode);
        assert_eq!(
            violation(&raw(&[special])),
            ZipViolation::SpecialFile { entry: name.into() }
        );
    }
    let mut regular = Entry::stored("a.c", b"x");
    (regular.system, regular.mode) = (3, 0o100_644);
    assert!(unpack(&raw(&[regular])).is_ok());
}

#[test]
fn the_same_name_twice_is_refused() {
    let twice =
        |first: &str, second: &str| violation(&stored(&[(first, "x"), ("other.c", "y"), (second, "z")]));
    let duplicate = |entry: &str| ZipViolation::Duplicate { entry: entry.into() };
    assert_eq!(twice("Config0.c", "Config0.c"), duplicate("Config0.c"));
    assert_eq!(twice("Config0.c", "./Config0.c"), duplicate("Config0.c"));
    assert_eq!(twice("lib/a.h", "lib\\a.h"), duplicate("lib/a.h"));
    assert_eq!(twice("Config0.c", "CONFIG0.C"), duplicate("CONFIG0.C"));
    assert_eq!(
        twice("lib", "lib/a.h"),
        ZipViolation::FileAndFolder {
            entry: "lib/a.h".into()
        }
    );
    assert_eq!(
        twice("lib/a.h", "lib"),
        ZipViolation::FileAndFolder { entry: "lib".into() }
    );
}

#[test]
fn entries_that_share_bytes_are_refused() {
    let first = Entry::stored("a.c", b"content");
    let mut second = Entry::stored("b.c", b"content");
    second.shares = Some(0);
    assert_eq!(violation(&raw(&[first, second])), ZipViolation::Overlapping);
}

#[test]
fn other_methods_and_encryption_are_refused() {
    let mut bzip2 = Entry::stored("a.c", b"x");
    bzip2.method = 12;
    assert_eq!(
        violation(&raw(&[bzip2])),
        ZipViolation::Method { entry: "a.c".into() }
    );
    let mut encrypted = Entry::stored("a.c", b"x");
    encrypted.flags = 1;
    assert_eq!(
        violation(&raw(&[encrypted])),
        ZipViolation::Encrypted { entry: "a.c".into() }
    );
}

#[test]
fn damage_is_noticed() {
    let mut wrong_sum = Entry::stored("a.c", b"content");
    wrong_sum.crc ^= 1;
    assert!(matches!(violation(&raw(&[wrong_sum])), ZipViolation::Damaged { entry, .. } if entry == "a.c"));
    let zip = deflated(&[("a.c", &b"int x;\n".repeat(1000)), ("b.c", b"y")]);
    for length in [zip.len() - 1, zip.len() / 2, 30, 3] {
        assert!(unpack(&zip[..length]).is_err(), "{length} of {} bytes", zip.len());
    }
}

#[test]
fn declared_sizes_are_not_relied_on() {
    let honest = deflated(&[("a.c", &vec![0; 9 << 20])]);
    let mut lying = honest.clone();
    let name = honest
        .windows(4)
        .rposition(|window| window == b"PK\x01\x02")
        .unwrap();
    lying[name + 24..name + 28].copy_from_slice(&10u32.to_le_bytes());
    assert!(matches!(
        violation(&lying),
        ZipViolation::Ratio { .. } | ZipViolation::Damaged { .. }
    ));
}

#[test]
fn sizes_have_limits() {
    let large = vec![b'x'; usize::try_from(limits::FILE_SIZE).unwrap() + 1];
    assert_eq!(
        violation(&raw(&[Entry::stored("a.c", &large)])),
        ZipViolation::FileTooLarge { entry: "a.c".into() }
    );
    let fits = Entry::stored("", &large[1..]);
    let six: Vec<_> = (0..6)
        .map(|number| Entry {
            name: format!("{number}.c").into(),
            ..fits.clone()
        })
        .collect();
    assert!(unpack(&raw(&six[..5])).is_ok());
    assert!(matches!(
        violation(&raw(&six)),
        ZipViolation::ArchiveTooLarge { .. } | ZipViolation::TotalTooLarge { .. }
    ));
    assert!(matches!(
        violation(&vec![0; 61 << 20]),
        ZipViolation::ArchiveTooLarge { .. }
    ));
}

#[test]
fn bombs_are_refused_before_they_unpack() {
    let start = Instant::now();
    let nine = vec![0; 9 << 20];
    let files: Vec<(String, &[u8])> = (0..5).map(|number| (format!("{number}.c"), &nine[..])).collect();
    let bomb = deflated(
        &files
            .iter()
            .map(|(name, content)| (name.as_str(), *content))
            .collect::<Vec<_>>(),
    );
    assert!(bomb.len() < 200 << 10, "45 MiB in {} bytes", bomb.len());
    let packed = Instant::now();
    assert!(matches!(violation(&bomb), ZipViolation::Ratio { .. }));
    assert!(packed.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[test]
fn many_small_bombs_are_refused_together() {
    // Each stays below the size from which its own ratio counts.
    let content = vec![0; (1 << 20) - 1];
    let files: Vec<(String, &[u8])> = (0..40)
        .map(|number| (format!("{number}.c"), &content[..]))
        .collect();
    let bomb = deflated(
        &files
            .iter()
            .map(|(name, content)| (name.as_str(), *content))
            .collect::<Vec<_>>(),
    );
    assert!(matches!(violation(&bomb), ZipViolation::TotalRatio { .. }));
}

#[test]
fn a_generated_table_of_thousands_of_lines_is_no_bomb() {
    let table: String = (0..60_000)
        .map(|n| {
            format!(
                "    {{&(RES0__INSTANCE0.UNIT{}.TON{}.CURRENT_TIME), TIME_ENUM}},\n",
                n / 200,
                n % 200
            )
        })
        .collect();
    assert!(table.len() > 3 << 20);
    assert!(unpack(&deflated(&[("debug.c", table.as_bytes())])).is_ok());
}

#[test]
fn too_many_entries_are_refused_quickly() {
    let entries: Vec<_> = (0..60_000)
        .map(|number| Entry::stored(format!("f{number}"), b""))
        .collect();
    let zip = raw(&entries);
    let start = Instant::now();
    assert_eq!(violation(&zip), ZipViolation::TooManyEntries);
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    assert!(unpack(&raw(&entries[..limits::ENTRIES])).is_ok());
    assert_eq!(
        violation(&raw(&entries[..=limits::ENTRIES])),
        ZipViolation::TooManyEntries
    );
}
