//! What was measured and what it means, for people and for programs.

use openplc_engine::statistics::{Figures, Histograms};
use serde::Serialize;

use crate::computer::{Computer, Preemption};
use crate::drawing::{duration, grouped, rows};
use crate::measurement::Granted;
use crate::verdict::{Verdict, period_without_a_miss};

/// Percentiles that are told, with their names, in parts of 10,000.
const PERCENTILES: [(&str, u32); 5] = [
    ("p50", 5_000),
    ("p90", 9_000),
    ("p99", 9_900),
    ("p99.9", 9_990),
    ("p99.99", 9_999),
];
/// Idle states that take this long (µs) to leave are worth a word.
const DEEP_IDLE: u64 = 20;
/// Fewer scans than this say little about the worst one.
const FEW: u64 = 1_000_000;

/// A finished measurement.
pub struct Report {
    /// Period of the task, ns.
    pub period: u64,
    /// Real-time priority that was asked for.
    pub priority: i32,
    /// The only CPU, if one was chosen.
    pub cpu: Option<usize>,
    /// Whether the computer was kept busy.
    pub load: bool,
    /// What the measuring thread got.
    pub granted: Granted,
    /// The computer.
    pub computer: Computer,
    /// Time (ms, of all CPUs together) that the hypervisor gave to others meanwhile.
    pub stolen_ms: u64,
    /// Figures of all scans.
    pub figures: Figures,
    /// How they are distributed.
    pub histograms: Histograms,
}

#[derive(Serialize)]
struct Document<'a> {
    period_ns: u64,
    load: bool,
    scans: u64,
    missed: u64,
    latency_ns: std::collections::BTreeMap<&'static str, u64>,
    histogram: Vec<[u64; 3]>,
    verdict: Verdict,
    summary: String,
    period_without_a_miss_ns: Option<u64>,
    scheduling: String,
    real_time: bool,
    memory_locked: bool,
    stolen_ms: u64,
    causes: Vec<String>,
    computer: &'a Computer,
}

impl Report {
    /// What the figures mean for the wished period.
    pub fn verdict(&self) -> Verdict {
        Verdict::of(&self.figures, self.period)
    }

    /// For programs.
    ///
    /// # Errors
    /// None that is known.
    pub fn json(&self) -> serde_json::Result<String> {
        let latency = &self.figures.latency;
        let mut latency_ns: std::collections::BTreeMap<_, _> = self.percentiles().collect();
        latency_ns.extend([("min", latency.min), ("max", latency.max)]);
        serde_json::to_string(&Document {
            period_ns: self.period,
            load: self.load,
            scans: self.figures.scans,
            missed: self.figures.skipped,
            latency_ns,
            histogram: self
                .histograms
                .latency
                .buckets()
                .map(|b| [b.least, b.greatest, b.count])
                .collect(),
            verdict: self.verdict(),
            summary: self.summary(),
            period_without_a_miss_ns: period_without_a_miss(latency.max),
            scheduling: self.scheduling(),
            real_time: self.granted.scheduling.is_ok(),
            memory_locked: self.granted.memory.is_ok(),
            stolen_ms: self.stolen_ms,
            causes: self.causes(),
            computer: &self.computer,
        })
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut lines = vec![
            format!(
                "Wake-up latency of {} scans, {}:",
                grouped(self.figures.scans),
                self.conditions()
            ),
            String::new(),
        ];
        lines.extend(rows(self.histograms.latency.buckets()));
        lines.push(String::new());
        let percentiles = self
            .percentiles()
            .map(|(name, value)| format!("{name} {}", duration(value)));
        lines.push(format!(
            "  {}, max {}, n {}",
            percentiles.collect::<Vec<_>>().join(", "),
            duration(self.figures.latency.max),
            grouped(self.figures.latency.count)
        ));
        lines.extend([String::new(), self.summary()]);
        let causes = self.causes();
        if !causes.is_empty() {
            lines.extend([String::new(), "What can make it better:".to_owned()]);
            lines.extend(causes.iter().map(|cause| format!("  - {cause}")));
        }
        if self.figures.scans < FEW || !self.load {
            lines.extend([
                String::new(),
                "The worst case is only found by many scans under load: before a plant relies on it, measure for hours \
                 with --load."
                    .to_owned(),
            ]);
        }
        lines.join("\n")
    }

    fn percentiles(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let latency = &self.histograms.latency;
        let told = PERCENTILES.iter();
        told.filter_map(|(name, parts)| Some((*name, latency.percentile(*parts)?)))
    }

    fn conditions(&self) -> String {
        let load = if self.load { "under load" } else { "without load" };
        format!(
            "one each {}, {}, {load}",
            duration(self.period),
            self.scheduling()
        )
    }

    fn scheduling(&self) -> String {
        let mut text = match self.granted.scheduling {
            Ok(()) => format!("SCHED_FIFO {}", self.priority),
            Err(_) => "SCHED_OTHER (not real-time)".to_owned(),
        };
        if let Some(cpu) = self.cpu {
            text += &format!(" on CPU {cpu}");
        }
        text
    }

    /// The verdict in a sentence or two.
    fn summary(&self) -> String {
        let period = duration(self.period);
        let worst = self.figures.latency.max;
        let share = worst.saturating_mul(100).div_ceil(self.period.max(1));
        match self.verdict() {
            Verdict::Suitable => format!(
                "For a task of {period}: suitable. The latest wake-up used {} or {share} % of the period.",
                duration(worst)
            ),
            Verdict::Tight => format!(
                "For a task of {period}: suitable if its scan is short. No scan would have been missed, but the latest wake-up \
                 used {} or {share} % of the period.",
                duration(worst)
            ),
            Verdict::Unsuitable => {
                let all = self.figures.scans + self.figures.skipped;
                let longer = period_without_a_miss(worst).map_or_else(
                    || "Nor is any period up to 1 s.".to_owned(),
                    |longer| format!("A task of {} would have missed none.", duration(longer)),
                );
                format!(
                    "For a task of {period}: not suitable. {} of {} scans would have been missed; the latest wake-up took {}. \
                     {longer}",
                    grouped(self.figures.skipped),
                    grouped(all),
                    duration(worst)
                )
            }
        }
    }

    /// What is known here to make wake-ups late, worst first, each with its remedy.
    fn causes(&self) -> Vec<String> {
        let mut causes = Vec::new();
        if let Err(error) = &self.granted.scheduling {
            causes.push(format!(
                "The thread was not real-time ({error}). Run this as root, or allow it: LimitRTPRIO={0} or \
                 AmbientCapabilities=CAP_SYS_NICE in a unit, `rtprio {0}` in /etc/security/limits.d for a user, --cap-add \
                 SYS_NICE for a container.",
                self.priority
            ));
        }
        if let Err(error) = &self.granted.memory {
            causes.push(format!("Memory was not locked: {error}."));
        }
        if self.stolen_ms > 0 {
            causes.push(format!(
                "The hypervisor gave {} ms of this computer's processor time to others. Nothing in here can prevent that: \
                 give the virtual machine processors of its own.",
                grouped(self.stolen_ms)
            ));
        } else if self.computer.virtual_machine {
            causes.push(
                "This is a virtual machine: it wakes up when its hypervisor lets it. Give it processors of its own."
                    .to_owned(),
            );
        }
        if self.computer.preemption != Preemption::RealTime {
            causes.push(format!(
                "The kernel (preemption model: {}) may finish long work of its own first. Install one with PREEMPT_RT: \
                 linux-image-rt-amd64 on Debian, kernel-rt on Red Hat.",
                self.computer.preemption.name()
            ));
        }
        if self
            .computer
            .governors
            .iter()
            .any(|governor| governor != "performance")
        {
            causes.push(format!(
                "Processors change their speed (governor {}). Choose `performance`: cpupower frequency-set -g performance.",
                self.computer.governors.join(", ")
            ));
        }
        if self.computer.idle_exit_us >= DEEP_IDLE {
            causes.push(format!(
                "Processors sleep so deeply that waking up takes up to {} µs. Forbid that: cpupower idle-set --disable-by-latency \
                 {DEEP_IDLE}.",
                self.computer.idle_exit_us
            ));
        }
        if self.computer.cpus > 1 && self.cpu.is_none() {
            causes.push(
                "The thread shares its processors with everything else. Keep one for it: isolcpus=N nohz_full=N on the kernel \
                 command line, then --cpu N here and `cpus` in core.toml."
                    .to_owned(),
            );
        }
        causes
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::path::Path;

    use openplc_engine::statistics;

    use super::*;

    const MILLISECOND: u64 = 1_000_000;

    fn report(scheduling: io::Result<()>, scans: &[(u64, u64)]) -> Report {
        let (mut recorder, reader) = statistics::channel();
        let mut deadline = 0;
        for (latency, skipped) in scans {
            recorder.record(deadline, deadline + latency, deadline + latency, *skipped);
            deadline += (skipped + 1) * MILLISECOND;
        }
        let (figures, histograms) = reader.read_with_histograms();
        Report {
            period: MILLISECOND,
            priority: 80,
            cpu: None,
            load: false,
            granted: Granted {
                scheduling,
                memory: Ok(()),
            },
            computer: Computer::examine(Path::new("/nowhere")),
            stolen_ms: 0,
            figures,
            histograms,
        }
    }

    #[test]
    fn a_missed_scan_is_told_with_a_period_that_would_do() {
        let mut scans = vec![(20_000, 0); 997];
        scans.push((3_500_000, 3));
        let report = report(Ok(()), &scans);
        assert_eq!(report.verdict(), Verdict::Unsuitable);
        assert_eq!(
            report.summary(),
            "For a task of 1 ms: not suitable. 3 of 1,001 scans would have been missed; the latest wake-up took 3.5 ms. A task \
             of 5 ms would have missed none."
        );
    }

    #[test]
    fn causes_come_with_remedies() {
        let report = report(Err(io::Error::from_raw_os_error(1)), &[(900, 0)]);
        let text = report.text();
        for word in [
            "SCHED_OTHER",
            "LimitRTPRIO=80",
            "PREEMPT_RT",
            "suitable",
            "p99.99 ",
            "max 0.9 µs",
            "n 1\n",
        ] {
            assert!(text.contains(word), "{word} in {text}");
        }
    }

    #[test]
    fn programs_find_the_same() {
        let report = report(Ok(()), &[(900, 0), (300_000, 0)]);
        let document: serde_json::Value = serde_json::from_str(&report.json().unwrap()).unwrap();
        assert_eq!(document["verdict"], "tight");
        assert_eq!(document["scans"], 2);
        assert_eq!(document["latency_ns"]["max"], 300_000);
        assert_eq!(document["histogram"].as_array().map(Vec::len), Some(2));
        assert_eq!(document["computer"]["preemption"], "voluntary or none");
    }
}
