//! What a process leaves behind of its end.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;

use openplc_rt::fault_record::{self, Fault, Record};

/// Set in the process that is to end: where it records that, and how it ends.
const HOW: &str = "OPENPLC_TEST_END";
const WHERE: &str = "OPENPLC_TEST_RECORD";

/// Not a test, but the process that ends.
#[test]
fn ending() {
    let Ok(how) = std::env::var(HOW) else { return };
    let record = File::create(std::env::var(WHERE).unwrap()).unwrap();
    fault_record::install(record).unwrap();
    fault_record::set_scan(Some((0, 7)));
    match &*how {
        "fault" => std::process::abort(),
        "defect" => {
            fault_record::note_defect("a panic");
            std::process::abort();
        }
        "order" => {
            fault_record::expect_end();
            std::process::exit(0);
        }
        "exit" => std::process::exit(0),
        "from outside" | "hangs" => {
            if how == "hangs" {
                fault_record::set_hanging(Some((0, 7)));
            }
            let pid = std::process::id().to_string();
            Command::new("kill").args(["-s", "ABRT", &pid]).status().unwrap();
            unreachable!("the signal has come");
        }
        "child" => {
            // A child of the process is not the process.
            let ended = Command::new("sh").args(["-c", "kill -s ABRT $$"]).status();
            assert_eq!(ended.unwrap().signal(), Some(6));
            fault_record::expect_end();
            std::process::exit(0);
        }
        other => panic!("{other}"),
    }
}

fn recorded(how: &str, directory: &Path) -> Option<Record> {
    let record = directory.join("fault");
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "ending", "--test-threads=1"])
        .env(HOW, how)
        .env(WHERE, &record)
        .output()
        .unwrap();
    Record::parse(&fs::read_to_string(record).unwrap())
}

#[test]
fn a_fault_a_defect_and_an_order_are_told_apart() {
    let directory = tempfile::tempdir().unwrap();
    let fault = |signal| {
        Some(Record::Fault(Fault {
            signal,
            scan: Some((0, 7)),
            address: None,
            plugin: false,
        }))
    };
    for (how, record) in [
        ("fault", fault(6)),
        ("exit", fault(0)),
        ("defect", Some(Record::Defect("a panic".into()))),
        ("order", Some(Record::End)),
        ("from outside", Some(Record::End)),
        ("hangs", fault(6)),
        ("child", Some(Record::End)),
    ] {
        assert_eq!(recorded(how, directory.path()), record, "{how}");
    }
}
