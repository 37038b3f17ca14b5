//! Real time is probed, not assumed: what the scan threads got, what is missing, and how to get it.

use std::fmt::Write;
use std::io;

use openplc_rt::memory::{self, LockError};
use openplc_rt::scheduling::{self, Children};
use openplc_settings::core::{Cpus, Policy, RealTime};

/// What became of the wish for real-time scheduling.
#[derive(Debug)]
pub struct Scheduling {
    wished: RealTime,
    policy: io::Result<()>,
    affinity: io::Result<()>,
}

impl Scheduling {
    /// Gives the calling thread, and those that it will start, what is wished for as far as it is granted; with a priority one
    /// step above that of scans where that is granted too.
    pub fn obtain(wished: &RealTime) -> Self {
        let affinity = match &wished.cpus {
            Cpus::All => Ok(()),
            Cpus::Only(cpus) => scheduling::set_affinity(&cpus.iter().copied().collect::<Vec<_>>()),
        };
        let set = |priority| scheduling::set(policy(wished), priority, Children::Inherit);
        Self {
            policy: set(wished.priority + 1).or_else(|_| set(wished.priority)),
            affinity,
            wished: wished.clone(),
        }
    }

    /// The policy that scan threads have.
    pub fn policy(&self) -> scheduling::Policy {
        match self.policy {
            Ok(()) => policy(&self.wished),
            Err(_) => scheduling::Policy::Other,
        }
    }

    fn describe(&self) -> String {
        let name = policy(&self.wished).name();
        let priority = self.wished.priority;
        let mut text = match (&self.policy, self.wished.policy) {
            (Ok(()), Policy::Other) => {
                format!("scans run {name} and will be late under load (policy in core.toml)")
            }
            (Ok(()), _) => format!("scans run {name} {priority}"),
            (Err(error), _) => format!(
                "scans run with ordinary priority and will be late under load ({name} {priority}: {error}; allow it with \
                 AmbientCapabilities=CAP_SYS_NICE, LimitRTPRIO={priority} or docker --cap-add=SYS_NICE)"
            ),
        };
        if let Cpus::Only(cpus) = &self.wished.cpus {
            let cpus: Vec<_> = cpus.iter().map(ToString::to_string).collect();
            let cpus = cpus.join(", ");
            // Writing to a string cannot fail.
            let _ = match &self.affinity {
                Ok(()) => write!(text, " on CPU {cpus}"),
                Err(error) => write!(text, " on any CPU ({cpus} as in core.toml: {error})"),
            };
        }
        text
    }
}

fn policy(wished: &RealTime) -> scheduling::Policy {
    match wished.policy {
        Policy::Fifo => scheduling::Policy::Fifo,
        Policy::RoundRobin => scheduling::Policy::RoundRobin,
        Policy::Other => scheduling::Policy::Other,
    }
}

/// What the process got.
#[derive(Debug)]
pub struct Granted {
    scheduling: Scheduling,
    /// Result of locking the memory; absent when that is not wished for.
    memory: Option<Result<(), LockError>>,
}

impl Granted {
    /// Locks the memory if that is wished for.
    pub fn with_memory(scheduling: Scheduling) -> Self {
        let memory = scheduling.wished.lock_memory.then(memory::lock_all);
        Self { scheduling, memory }
    }

    /// Whether everything that was wished for is there.
    pub fn is_complete(&self) -> bool {
        self.scheduling.policy.is_ok()
            && self.scheduling.affinity.is_ok()
            && !matches!(self.memory, Some(Err(_)))
    }

    /// One line for people.
    pub fn describe(&self) -> String {
        let memory = match &self.memory {
            Some(Ok(())) => "memory is locked".to_owned(),
            Some(Err(error)) => format!("memory is not locked ({error})"),
            None => "memory is not locked (lock-memory in core.toml)".to_owned(),
        };
        format!("{}; {memory}", self.scheduling.describe())
    }
}

/// From here on uploaded code may run on this thread: it must find no capability.
pub fn drop_capabilities() {
    for set in [
        caps::CapSet::Ambient,
        caps::CapSet::Inheritable,
        caps::CapSet::Effective,
        caps::CapSet::Permitted,
    ] {
        if let Err(error) = caps::clear(None, set) {
            tracing::warn!("Capabilities of set {set:?} are kept: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn granted(policy: io::Result<()>, memory: Option<Result<(), LockError>>) -> Granted {
        Granted {
            scheduling: Scheduling {
                wished: RealTime::default(),
                policy,
                affinity: Ok(()),
            },
            memory,
        }
    }

    #[test]
    fn what_is_missing_comes_with_its_remedy() {
        let refused = Err(io::Error::from_raw_os_error(1));
        let poor = granted(refused, Some(Err(LockError::Limited(8 << 20))));
        assert!(!poor.is_complete());
        let line = poor.describe();
        assert!(
            line.contains("CAP_SYS_NICE") && line.contains("LimitMEMLOCK=infinity"),
            "{line}"
        );
        assert_eq!(poor.scheduling.policy(), scheduling::Policy::Other);
        let rich = granted(Ok(()), Some(Ok(())));
        assert!(rich.is_complete());
        assert_eq!(rich.describe(), "scans run SCHED_FIFO 80; memory is locked");
    }

    #[test]
    fn what_was_not_wished_for_is_not_missing() {
        let mut modest = granted(Ok(()), None);
        modest.scheduling.wished.policy = Policy::Other;
        modest.scheduling.wished.cpus = Cpus::Only([1, 3].into());
        assert!(modest.is_complete());
        assert_eq!(
            modest.describe(),
            "scans run SCHED_OTHER and will be late under load (policy in core.toml) on CPU 1, 3; memory is not locked \
             (lock-memory in core.toml)"
        );
        modest.scheduling.affinity = Err(io::ErrorKind::InvalidInput.into());
        assert!(!modest.is_complete());
        assert!(modest.describe().contains("on any CPU"));
    }
}
