//! `core.toml`: the scan engine.

mod outputs;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use openplc_image::{AbandonedInputs, OutputPolicy};
use toml::de::DeValue;

use crate::plugins::AbiLayout;
use crate::section::integer;
use crate::{LogLevel, Section, Settings};

/// Highest processor number that Linux can be built for.
const LAST_PROCESSOR: usize = 8191;

/// The whole file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Core {
    /// How much the core logs.
    pub log_level: LogLevel,
    /// How scans are scheduled.
    pub real_time: RealTime,
    /// How retained variables are kept.
    pub retain: Retain,
    /// What outputs become when the PLC stops.
    pub outputs: OutputPolicy,
    /// What becomes of the inputs of a plugin that has gone.
    pub plugins: Plugins,
    /// The plugin whose hooks are executed within the scan.
    pub in_scan_plugin: InScanPlugin,
}

/// Section `[real-time]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RealTime {
    /// Scheduling policy of scan threads.
    pub policy: Policy,
    /// Real-time priority of scan threads (1 to 90, 90 the highest); of no meaning for [`Policy::Other`].
    pub priority: i32,
    /// Processors that scan threads may run on.
    pub cpus: Cpus,
    /// Whether all memory of the process is locked, so that a scan never waits for the disk.
    pub lock_memory: bool,
}

/// Section `[retain]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retain {
    /// How old the values may be after a loss of power (10 ms to 1 min).
    pub interval: Duration,
}

/// Section `[plugins]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plugins {
    /// What becomes of the inputs that a plugin was the last to write when it goes ...
    pub lost_inputs: AbandonedInputs,
    /// ... after this time (0 to 10 s).
    pub lost_after: Duration,
}

/// Section `[in-scan-plugin]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InScanPlugin {
    /// The shared object; empty for none.
    pub path: PathBuf,
    /// Its configuration; may be empty.
    pub configuration: PathBuf,
    /// The structure that it expects.
    pub layout: AbiLayout,
}

/// Scheduling policies of `sched(7)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// SCHED_FIFO: a scan runs until it ends or one of higher priority begins.
    Fifo,
    /// SCHED_RR: scans of the same priority take turns.
    RoundRobin,
    /// SCHED_OTHER: no real time.
    Other,
}

/// A choice of processors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cpus {
    /// Whatever the supervisor allows the process.
    All,
    /// These, by their numbers in `/proc/cpuinfo`; never empty.
    Only(BTreeSet<usize>),
}

impl Default for RealTime {
    fn default() -> Self {
        Self {
            policy: Policy::Fifo,
            // Above ordinary work and the interrupt threads of a PREEMPT_RT kernel (50), below the kernel's watchdogs (99).
            priority: 80,
            cpus: Cpus::All,
            lock_memory: true,
        }
    }
}

impl Default for Retain {
    fn default() -> Self {
        Self {
            interval: Duration::from_millis(100),
        }
    }
}

impl Default for Plugins {
    fn default() -> Self {
        Self {
            lost_inputs: AbandonedInputs::Hold,
            lost_after: Duration::from_secs(1),
        }
    }
}

impl Settings for Core {
    const FILE: &'static str = "core.toml";

    fn read(&mut self, file: &mut Section<'_>) {
        self.log_level.read(file);
        file.section("real-time", |section| self.real_time.read(section));
        file.section("retain", |section| {
            let intervals = Duration::from_millis(10)..=Duration::from_secs(60);
            section.duration("interval", intervals, &mut self.retain.interval);
        });
        file.section("outputs", |section| outputs::read(&mut self.outputs, section));
        file.section("plugins", |section| {
            let policies = [("hold", AbandonedInputs::Hold), ("zero", AbandonedInputs::Zero)];
            section.word("lost-inputs", &policies, &mut self.plugins.lost_inputs);
            let times = Duration::ZERO..=Duration::from_secs(10);
            section.duration("lost-after", times, &mut self.plugins.lost_after);
        });
        file.section("in-scan-plugin", |section| {
            optional_path(section, "path", &mut self.in_scan_plugin.path);
            optional_path(section, "configuration", &mut self.in_scan_plugin.configuration);
            let layouts = [("newest", AbiLayout::Newest), ("2026-01", AbiLayout::January2026)];
            section.word("layout", &layouts, &mut self.in_scan_plugin.layout);
        });
    }
}

impl RealTime {
    fn read(&mut self, section: &mut Section<'_>) {
        let policies = [
            ("fifo", Policy::Fifo),
            ("round-robin", Policy::RoundRobin),
            ("other", Policy::Other),
        ];
        section.word("policy", &policies, &mut self.policy);
        // The unit and the launcher limit real-time priorities to 90 (RLIMIT_RTPRIO).
        section.number("priority", 1..=90, &mut self.priority);
        let accepted = "\"all\" or a list of processor numbers such as [2, 3]";
        section.value("cpus", accepted, "\"all\"", &mut self.cpus, cpus);
        section.switch("lock-memory", &mut self.lock_memory);
    }
}

fn optional_path(section: &mut Section<'_>, key: &'static str, setting: &mut PathBuf) {
    let accepted = "the absolute path of a file, or \"\" for none";
    section.value(key, accepted, "\"\"", setting, |value| {
        let path = PathBuf::from(value.as_str().filter(|text| !text.contains('\0'))?);
        (path.is_absolute() || path.as_os_str().is_empty()).then_some(path)
    });
}

fn cpus(value: &DeValue<'_>) -> Option<Cpus> {
    if value.as_str() == Some("all") {
        return Some(Cpus::All);
    }
    let numbers = value.as_array()?.iter();
    let numbers: Option<BTreeSet<usize>> = numbers
        .map(|number| integer(number.get_ref()).filter(|number| *number <= LAST_PROCESSOR))
        .collect();
    numbers.filter(|numbers| !numbers.is_empty()).map(Cpus::Only)
}
