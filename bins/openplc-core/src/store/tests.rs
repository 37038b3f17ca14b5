use std::collections::BTreeMap;

use openplc_wire::manifest::{Generation, Task};

use super::*;

fn id(digit: char) -> ProgramId {
    ProgramId::try_from(digit.to_string().repeat(64)).unwrap()
}

fn manifest(program: ProgramId, object: &[u8]) -> Vec<u8> {
    let object_sha256 = Sha256::digest(object)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    serde_json::to_vec(&Manifest {
        format: FORMAT,
        program,
        object_sha256,
        generation: Generation::Matiec,
        md5: "0".repeat(32),
        compiler: "gcc".into(),
        tasks: vec![Task {
            name: "plc".into(),
            interval_ns: 1,
            priority: 0,
        }],
        variables: Vec::new(),
        conf: BTreeMap::new(),
        uses_python: false,
        retains: true,
        image_conf: None,
    })
    .unwrap()
}

fn store() -> (tempfile::TempDir, Store) {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path().to_owned()).unwrap();
    (directory, store)
}

#[test]
fn a_kept_program_is_verified_bit_by_bit() {
    let (_directory, store) = store();
    assert!(!store.holds(&id('a')));
    store.keep(b"object", &manifest(id('a'), b"object")).unwrap();
    assert!(store.holds(&id('a')));
    assert_eq!(store.verify(&id('a')).unwrap().program, id('a'));
    fs::write(store.object(&id('a')), b"objecu").unwrap();
    assert!(matches!(store.verify(&id('a')), Err(StoreError::Damaged { .. })));
    store.keep(b"object", &manifest(id('a'), b"object")).unwrap();
    assert!(store.verify(&id('a')).is_ok(), "keeping it again repairs it");
}

#[test]
fn what_does_not_belong_together_is_not_kept() {
    let (_directory, store) = store();
    assert!(matches!(
        store.keep(b"other", &manifest(id('a'), b"object")),
        Err(StoreError::Mismatch(_))
    ));
    assert!(matches!(
        store.keep(b"object", b"{}"),
        Err(StoreError::Mismatch(_))
    ));
    assert!(!store.holds(&id('a')));
}

#[test]
fn the_command_is_remembered_and_a_damaged_record_is_an_error() {
    let (directory, store) = store();
    assert_eq!(store.commanded().unwrap(), Commanded::default());
    let commanded = Commanded {
        run: true,
        current: Some(id('a')),
        previous: None,
        proving: true,
        previous_ran: true,
    };
    store.set_commanded(&commanded).unwrap();
    assert_eq!(store.commanded().unwrap(), commanded);
    fs::write(directory.path().join("commanded.json"), b"{\"run\":tru").unwrap();
    assert!(matches!(store.commanded(), Err(StoreError::Damaged { .. })));
}

#[test]
fn pruning_spares_the_programs_in_use() {
    let (_directory, store) = store();
    for digit in "0123456789abcdef".chars() {
        store.keep(b"object", &manifest(id(digit), b"object")).unwrap();
        // The age decides, so make it differ.
        let age = std::time::UNIX_EPOCH + std::time::Duration::from_secs(u64::from(digit));
        File::open(store.object(&id(digit)))
            .unwrap()
            .set_modified(age)
            .unwrap();
    }
    store.prune(&Commanded {
        run: true,
        current: Some(id('0')),
        previous: Some(id('1')),
        ..Commanded::default()
    });
    let kept: String = "0123456789abcdef"
        .chars()
        .filter(|digit| store.holds(&id(*digit)))
        .collect();
    assert_eq!(kept, "01abcdef");
}

#[test]
fn what_a_killed_process_had_begun_to_write_is_removed() {
    let (directory, store) = store();
    store.keep(b"object", &manifest(id('a'), b"object")).unwrap();
    for folder in ["", "programs/"] {
        std::fs::write(directory.path().join(format!("{folder}.tmp1234")), "half").unwrap();
    }
    let store = Store::open(directory.path().to_owned()).unwrap();
    assert!(store.holds(&id('a')));
    let names = |folder: &Path| {
        let mut names: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names.sort();
        names
    };
    assert_eq!(names(directory.path()), ["programs"]);
    assert_eq!(names(&directory.path().join("programs")).len(), 2);
}
