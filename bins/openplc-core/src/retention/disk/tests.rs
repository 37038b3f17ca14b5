use openplc_retain::Leaf;

use super::*;

/// Values of a program with one variable.
fn snapshot(program: char, value: u8) -> Arc<Snapshot> {
    let leaf = Leaf {
        name: "CONFIG0.COUNTER".into(),
        iec_type: "USINT".into(),
        size: 1,
    };
    let layout = Layout::new(&program.to_string().repeat(64), "matiec", vec![leaf]).unwrap();
    Arc::new(Snapshot {
        layout: Arc::new(layout),
        values: vec![value],
        taken: Taken::default(),
    })
}

/// What the next process would find: the newest values, and those before.
fn found(directory: &Path) -> [Option<Snapshot>; 2] {
    let (_, newest, before) = Disk::open(directory);
    [newest, before]
}

#[test]
fn what_was_before_is_on_disk_before_a_newcomer_takes_the_place() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let (mut disk, ..) = Disk::open(directory);
    let [old, last, new] = [snapshot('a', 1), snapshot('a', 2), snapshot('b', 3)];
    disk.keep(&old);
    assert!(disk.keep_before(&last));
    let [newest, before] = found(directory);
    assert_eq!([newest.as_ref(), before.as_ref()], [Some(&*last), Some(&*last)]);
    disk.keep(&new);
    let [newest, before] = found(directory);
    assert_eq!([newest.as_ref(), before.as_ref()], [Some(&*new), Some(&*last)]);
    disk.put_back(&last);
    assert_eq!(found(directory)[0].as_ref(), Some(&*last));
}

#[test]
fn where_there_is_no_place_for_what_was_before_the_newest_file_has_it() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let (mut disk, ..) = Disk::open(directory);
    disk.keep(&snapshot('a', 1));
    fs::create_dir(directory.join("retain.before")).unwrap();
    let last = snapshot('a', 2);
    assert!(!disk.keep_before(&last));
    assert!(disk.status().1.is_some(), "it is said");
    assert_eq!(found(directory)[0].as_ref(), Some(&*last));
}

#[test]
fn a_full_disk_is_no_obstacle_on_the_way_back() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let (mut disk, ..) = Disk::open(directory);
    let last = snapshot('a', 1);
    disk.keep(&last);
    assert!(disk.keep_before(&last));
    disk.keep(&snapshot('b', 2));
    // No file can be made anew.
    fs::create_dir(directory.join("retain.new")).unwrap();
    disk.put_back(&last);
    assert_eq!(found(directory)[0].as_ref(), Some(&*last));
}

#[test]
fn without_the_file_of_what_was_before_the_way_back_is_found_too() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let (mut disk, ..) = Disk::open(directory);
    disk.keep(&snapshot('b', 2));
    let last = snapshot('a', 1);
    disk.put_back(&last);
    assert_eq!(found(directory)[0].as_ref(), Some(&*last));
}
