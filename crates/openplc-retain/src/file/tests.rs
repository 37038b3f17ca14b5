use proptest::prelude::*;

use super::*;
use crate::layout::tests::layout;

fn example() -> Layout {
    layout(
        "program",
        &[("A", "INT", 2), ("B", "LREAL", 8), ("C", "STRING", 127)],
    )
}

fn values(mark: u8) -> Vec<u8> {
    vec![mark; example().values_length()]
}

fn at(unix_ms: u64) -> Taken {
    Taken {
        unix_ms,
        iec_ns: 1_000 * unix_ms,
    }
}

fn written(writes: u8) -> (tempfile::TempDir, std::path::PathBuf, RetainFile) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("retain");
    let mut file = RetainFile::open(&path, &example(), at(1), &values(1)).unwrap();
    for write in 2..=writes {
        file.write(at(write.into()), &values(write)).unwrap();
    }
    (directory, path, file)
}

#[test]
fn the_newest_values_are_read() {
    let (_directory, path, _file) = written(5);
    let stored = read(&path).unwrap().unwrap();
    assert_eq!((stored.layout, stored.values), (example(), values(5)));
    assert_eq!((stored.taken, stored.sequence), (at(5), 5));
    assert_eq!(stored.file_bytes, fs::metadata(&path).unwrap().len());
}

#[test]
fn no_file_is_no_error() {
    let directory = tempfile::tempdir().unwrap();
    assert!(read(&directory.path().join("retain")).unwrap().is_none());
}

#[test]
fn a_file_of_the_same_layout_is_used_on_and_any_other_replaced() {
    let (_directory, path, file) = written(3);
    drop(file);
    let file = RetainFile::open(&path, &example(), at(9), &values(9)).unwrap();
    assert_eq!(file.sequence(), 4);
    let other = layout("program", &[("A", "INT", 2)]);
    let file = RetainFile::open(&path, &other, at(10), &[1, 2]).unwrap();
    assert_eq!(file.sequence(), 1);
    assert_eq!(read(&path).unwrap().unwrap().layout, other);
}

#[test]
fn overwriting_leaves_the_length_as_it_is() {
    let (_directory, path, file) = written(2);
    assert_eq!(fs::metadata(&path).unwrap().len(), file.bytes());
}

#[test]
fn a_write_that_breaks_off_anywhere_leaves_the_values_before() {
    let (_directory, path, mut file) = written(4);
    let before = fs::read(&path).unwrap();
    file.write(at(5), &values(5)).unwrap();
    let after = fs::read(&path).unwrap();
    let start = before.iter().zip(&after).position(|(a, b)| a != b).unwrap();
    for cut in start..after.len() {
        let torn = [&after[..cut], &before[cut..]].concat();
        fs::write(&path, &torn).unwrap();
        let stored = read(&path).unwrap().unwrap();
        let mark = if torn == after { 5 } else { 4 };
        assert_eq!(stored.values, values(mark), "cut at {cut}");
        if torn == after {
            return;
        }
    }
}

#[test]
fn values_of_another_length_are_refused() {
    let (_directory, path, mut file) = written(1);
    assert!(file.write(at(2), &[0]).is_err());
    assert_eq!(read(&path).unwrap().unwrap().values, values(1));
}

proptest! {
    #[test]
    fn rubbish_is_refused_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..4096)) {
        prop_assert!(parse(&bytes).is_err());
    }

    /// Rubbish behind a header whose checksum is right.
    #[test]
    fn a_rubbish_layout_is_refused(encoded in proptest::collection::vec(any::<u8>(), 0..512), length in any::<u32>()) {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend(length.to_le_bytes());
        bytes.extend(crc32fast::hash(&encoded).to_le_bytes());
        bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
        bytes.extend(&encoded);
        let _ = parse(&bytes);
        let _ = Layout::decode(&encoded);
    }

    /// A damaged byte makes the file unreadable or is made good by the other slot; values are never wrong.
    #[test]
    fn no_damaged_byte_gets_through(at in any::<prop::sample::Index>(), flip in 1_u8..) {
        let (_directory, path, _file) = written(3);
        let mut bytes = fs::read(&path).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        fs::write(&path, &bytes).unwrap();
        if let Ok(stored) = read(&path) {
            let stored = stored.unwrap();
            prop_assert!(stored.values == values(3) || stored.values == values(2));
            prop_assert_eq!(stored.layout, example());
        }
    }
}
