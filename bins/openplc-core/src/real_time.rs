//! Real time is probed, not assumed: what the scan thread got, what is missing, and how to get it.

use std::io;

use openplc_rt::memory::LockError;

/// Priority of the scan thread: above ordinary work, below the kernel's own real-time threads (interrupts 50 in a
/// PREEMPT_RT kernel serve I/O that waits; watchdogs are 99).
pub const SCAN_PRIORITY: i32 = 80;

/// What the process got.
#[derive(Debug)]
pub struct RealTime {
    /// Result of making the scan thread SCHED_FIFO.
    pub scheduling: io::Result<()>,
    /// Result of locking the memory.
    pub memory: Result<(), LockError>,
}

impl RealTime {
    /// Whether anything is missing.
    pub fn is_complete(&self) -> bool {
        self.scheduling.is_ok() && self.memory.is_ok()
    }

    /// One line for people.
    pub fn describe(&self) -> String {
        let scheduling = match &self.scheduling {
            Ok(()) => format!("scans run SCHED_FIFO {SCAN_PRIORITY}"),
            Err(error) => format!(
                "scans run with ordinary priority and will be late under load ({error}; allow it with \
                 AmbientCapabilities=CAP_SYS_NICE, LimitRTPRIO={SCAN_PRIORITY} or docker --cap-add=SYS_NICE)"
            ),
        };
        let memory = match &self.memory {
            Ok(()) => "memory is locked".to_owned(),
            Err(error) => format!("memory is not locked ({error})"),
        };
        format!("{scheduling}; {memory}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_comes_with_its_remedy() {
        let poor = RealTime {
            scheduling: Err(io::Error::from_raw_os_error(1)),
            memory: Err(LockError::Limited(8 << 20)),
        };
        assert!(!poor.is_complete());
        let line = poor.describe();
        assert!(
            line.contains("CAP_SYS_NICE") && line.contains("LimitMEMLOCK=infinity"),
            "{line}"
        );
        assert_eq!(
            RealTime {
                scheduling: Ok(()),
                memory: Ok(())
            }
            .describe(),
            "scans run SCHED_FIFO 80; memory is locked"
        );
    }
}
