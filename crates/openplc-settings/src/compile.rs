//! `compile.toml`: builds.

use std::time::Duration;

use toml::de::DeValue;

use crate::section::integer;
use crate::{LogLevel, Section, Settings};

/// Most compilers at a time that can be asked for.
const MOST_JOBS: usize = 64;

/// The whole file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compile {
    /// How much a build logs.
    pub log_level: LogLevel,
    /// Longest time that a build may take.
    pub time_limit: Duration,
    /// Most memory of one compiler, in bytes of address space.
    pub memory_limit: u64,
    /// Compilers at the same time; none: as many as processors and free memory allow.
    pub jobs: Option<usize>,
    /// Section `[optimisation]`.
    pub optimisation: Optimisation,
}

/// Section `[optimisation]`: levels of gcc's `-O`, 0 to 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Optimisation {
    /// Of the PLC program.
    pub program: u8,
    /// Of C and C++ blocks.
    pub blocks: u8,
}

impl Default for Compile {
    fn default() -> Self {
        Self {
            log_level: LogLevel::default(),
            time_limit: Duration::from_secs(15 * 60),
            memory_limit: 4 << 30,
            jobs: None,
            optimisation: Optimisation::default(),
        }
    }
}

impl Default for Optimisation {
    fn default() -> Self {
        Self {
            program: 1,
            // Users write loops there.
            blocks: 2,
        }
    }
}

impl Settings for Compile {
    const FILE: &'static str = "compile.toml";

    fn read(&mut self, file: &mut Section<'_>) {
        self.log_level.read(file);
        // The unit's RuntimeMaxSec is a little more than the longest.
        let times = Duration::from_secs(10)..=Duration::from_secs(60 * 60);
        file.duration("time-limit", times, &mut self.time_limit);
        file.size("memory-limit", 512 << 20..=64 << 30, &mut self.memory_limit);
        let accepted = format!("\"auto\" or a whole number from 1 to {MOST_JOBS}");
        file.value("jobs", &accepted, "\"auto\"", &mut self.jobs, jobs);
        file.section("optimisation", |section| {
            section.number("program", 0..=3, &mut self.optimisation.program);
            section.number("blocks", 0..=3, &mut self.optimisation.blocks);
        });
    }
}

/// The outer option says whether the value can be used.
fn jobs(value: &DeValue<'_>) -> Option<Option<usize>> {
    if value.as_str() == Some("auto") {
        return Some(None);
    }
    let number = integer(value).filter(|number| (1..=MOST_JOBS).contains(number))?;
    Some(Some(number))
}
