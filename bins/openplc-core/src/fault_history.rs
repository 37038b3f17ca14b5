//! Faults that ended the process, counted over restarts, so that a faulty program cannot make an endless loop of them.

use std::env;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use openplc_engine::faults::{self, Verdict};
use openplc_rt::fault_record::{Fault, Record};
use openplc_wire::manifest::ProgramId;
use serde::{Deserialize, Serialize};

use crate::code_at_work::Stuck;
use crate::last_end::LastEnd;
use crate::log_ring::unix_ms;
use crate::store::{Store, StoreError, write_json};

/// Bytes of a recorded fault, at most.
const RECORD_LENGTH: usize = 4096;

/// What ended the process before this one, other than an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Death {
    /// A signal or a call of `exit`, which the process could record itself.
    Fault(Fault),
    /// As before, of the plugin within the scan engine; and whether it was one too many.
    FaultOfPlugin(Fault, Verdict),
    /// What only the service manager has seen.
    Unrecorded(LastEnd),
    /// A defect of the scan engine, in its own words.
    Defect(String),
    /// Code of a program, outside of scans, that did not come to its end.
    Stuck(Stuck),
}

/// When which program faulted.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct History {
    program: Option<ProgramId>,
    /// Milliseconds since 1970, ascending.
    times_ms: Vec<u64>,
}

/// The record of faults in the core's state directory.
pub struct FaultHistory {
    path: PathBuf,
    path_of_plugin: PathBuf,
    record: PathBuf,
    /// Where faults are recorded when the state directory cannot be written, so that the plant runs all the same.
    spare_record: Option<PathBuf>,
}

impl FaultHistory {
    /// The history that `store` keeps.
    pub fn new(store: &Store) -> Self {
        Self {
            path: store.fault_history(),
            path_of_plugin: store.fault_history_of_plugin(),
            record: store.fault_record(),
            spare_record: env::var_os("RUNTIME_DIRECTORY")
                .map(|directory| PathBuf::from(directory).join("fault")),
        }
    }

    /// What ended the process before this one, if nobody has ordered that. Told once; `told` is what the service manager says.
    pub fn take_recorded(&self, told: Option<LastEnd>) -> Option<Death> {
        // The spare one first: there is one only where the other could not be written, and then tells of an end before the last.
        let records = [self.spare_record.as_ref(), Some(&self.record)];
        let texts = records.into_iter().flatten().map(|path| {
            let text = fs::read_to_string(path).ok()?;
            // What cannot be removed is overwritten by `open_record`.
            let _ = fs::remove_file(path);
            Some(text)
        });
        // Both are looked at, for both are told now.
        let text = texts.fold(None, Option::or)?;
        match Record::parse(&text) {
            Some(Record::End) => None,
            Some(Record::Defect(text)) => Some(Death::Defect(text)),
            Some(Record::Stuck(what)) => Some(Stuck::parse(&what).map_or(Death::Defect(what), Death::Stuck)),
            Some(Record::Fault(fault)) if fault.plugin => {
                let verdict = count(&self.path_of_plugin, None, unix_ms());
                Some(Death::FaultOfPlugin(fault, verdict))
            }
            Some(Record::Fault(fault)) => Some(Death::Fault(fault)),
            None => told.map(Death::Unrecorded),
        }
    }

    /// The blank file that a fatal signal will be recorded in. Its place on the disk is taken now: at the time of need the
    /// disk may be full.
    ///
    /// # Errors
    /// [`StoreError::File`]: there is neither a place on the disk nor in memory.
    pub fn open_record(&self) -> Result<File, StoreError> {
        create_blank(&self.record).or_else(|error| {
            let error = StoreError::File {
                path: self.record.clone(),
                error,
            };
            let spare = self
                .spare_record
                .as_ref()
                .and_then(|path| create_blank(path).ok());
            if spare.is_some() {
                tracing::error!("The state of the PLC cannot be written, it runs on without ({error})");
            }
            spare.ok_or(error)
        })
    }

    /// Counts a fault of `program` at `now_ms` and says whether the program must not be started again by itself.
    pub fn count(&self, program: &ProgramId, now_ms: u64) -> bool {
        count(&self.path, Some(program), now_ms) == Verdict::Stop
    }

    /// Forgets the faults: somebody has uploaded a program or started it on purpose.
    pub fn clear(&self) {
        // Nothing to forget is fine too.
        let _ = fs::remove_file(&self.path);
    }
}

/// Counts a fault of a program, or of the plugin, in the history at `path`.
fn count(path: &Path, program: Option<&ProgramId>, now_ms: u64) -> Verdict {
    let mut history: History = fs::read(path)
        .ok()
        .and_then(|text| serde_json::from_slice(&text).ok())
        .unwrap_or_default();
    if history.program.as_ref() != program {
        history = History {
            program: program.cloned(),
            times_ms: Vec::new(),
        };
    }
    let verdict = faults::count(&mut history.times_ms, now_ms);
    if let Err(error) = write_json(path, &history) {
        // Without a count every fault might be the first one: rather a stopped plant than an endless loop.
        tracing::error!("The fault cannot be recorded ({error}); what faulted is not started again");
        return Verdict::Stop;
    }
    verdict
}

fn create_blank(path: &Path) -> io::Result<File> {
    let mut file = File::create(path)?;
    file.write_all(&[b'\n'; RECORD_LENGTH])?;
    file.sync_all()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::FileExt;

    fn id(digit: char) -> ProgramId {
        ProgramId::try_from(digit.to_string().repeat(64)).unwrap()
    }

    #[test]
    fn the_second_fault_within_a_minute_is_one_too_many() {
        let directory = tempfile::tempdir().unwrap();
        let history = FaultHistory::new(&Store::open(directory.path().to_owned()).unwrap());
        assert!(!history.count(&id('a'), 1_000_000));
        assert!(!history.count(&id('a'), 1_060_000), "a minute later");
        assert!(history.count(&id('a'), 1_090_000));
        assert!(!history.count(&id('b'), 1_091_000), "another program");
        assert!(history.count(&id('b'), 1_092_000));
        history.clear();
        assert!(!history.count(&id('b'), 1_093_000), "forgotten");
    }

    fn fault() -> Option<Death> {
        Some(Death::Fault(Fault {
            signal: 11,
            scan: Some((0, 7)),
            address: Some(0x1a2b),
            plugin: false,
        }))
    }

    #[test]
    fn a_recorded_fault_is_told_once() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path().to_owned()).unwrap();
        let history = FaultHistory::new(&store);
        history.open_record().unwrap();
        assert_eq!(history.take_recorded(None), None, "a blank record is no fault");
        let record = history.open_record().unwrap();
        record.write_all_at(b"11 0 7 1a2b ", 0).unwrap();
        let told = Some(LastEnd::OutOfMemory);
        assert_eq!(history.take_recorded(told), fault(), "the record says more");
        fs::write(store.fault_record(), "11 0 7 1a2b ").unwrap();
        assert_eq!(history.take_recorded(None), fault());
        assert_eq!(history.take_recorded(None), None);
    }

    #[test]
    fn faults_of_the_plugin_are_not_those_of_a_program() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path().to_owned()).unwrap();
        let history = FaultHistory::new(&store);
        for expected in [Verdict::Again, Verdict::Stop] {
            fs::write(store.fault_record(), "11 0 7 - 1 ").unwrap();
            let Some(Death::FaultOfPlugin(fault, verdict)) = history.take_recorded(None) else {
                panic!("another death")
            };
            assert_eq!((fault.scan, verdict), (Some((0, 7)), expected));
        }
        assert!(!history.count(&id('a'), 1_000_000), "the program has not faulted");
    }

    #[test]
    fn where_nothing_is_recorded_the_service_manager_is_believed() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path().to_owned()).unwrap();
        let history = FaultHistory::new(&store);
        let told = LastEnd::OutOfMemory;
        assert_eq!(history.take_recorded(Some(told)), None, "no program has run yet");
        history.open_record().unwrap();
        assert_eq!(history.take_recorded(Some(told)), Some(Death::Unrecorded(told)));
        fs::write(store.fault_record(), "end\n\n").unwrap();
        assert_eq!(history.take_recorded(Some(LastEnd::Exit(0))), None, "as ordered");
        fs::write(store.fault_record(), "defect it broke\n\n").unwrap();
        let defect = Death::Defect("it broke".into());
        assert_eq!(history.take_recorded(None), Some(defect));
    }

    #[test]
    fn where_the_disk_cannot_be_written_faults_are_recorded_all_the_same() {
        let directory = tempfile::tempdir().unwrap();
        let mut history = FaultHistory::new(&Store::open(directory.path().to_owned()).unwrap());
        history.record = directory.path().join("missing/fault");
        history.spare_record = None;
        assert!(history.open_record().is_err());
        let spare = directory.path().join("spare");
        history.spare_record = Some(spare.clone());
        history.open_record().unwrap();
        assert_eq!(history.take_recorded(None), None);
        fs::write(&spare, "11 0 7 1a2b ").unwrap();
        assert_eq!(history.take_recorded(None), fault());
        assert_eq!(history.take_recorded(None), None);
        // The disk became read-only after an end that was recorded there.
        history.record = directory.path().join("of-an-earlier-end");
        fs::write(&history.record, "end\n\n").unwrap();
        fs::write(&spare, "11 0 7 1a2b ").unwrap();
        assert_eq!(history.take_recorded(None), fault());
    }
}
