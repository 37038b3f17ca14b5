//! What the computer says about itself that matters to latency.

use std::fs;
use std::path::Path;

use serde::Serialize;

/// Facts that a reader of the figures has to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Computer {
    /// Release of the kernel.
    pub kernel: String,
    /// How it interrupts its own work for a real-time thread.
    pub preemption: Preemption,
    /// Name of the processor; empty where the kernel does not tell.
    pub processor: String,
    /// Number of CPUs that are online.
    pub cpus: usize,
    /// Whether there is a hypervisor underneath.
    pub virtual_machine: bool,
    /// How processor speeds are chosen, each way once; empty where the kernel leaves that to somebody else.
    pub governors: Vec<String>,
    /// Longest time (µs) that a CPU may take to leave an idle state.
    pub idle_exit_us: u64,
    /// Share of time (%) that real-time threads may use before the kernel stops them; absent where there is no limit.
    pub real_time_share: Option<u64>,
}

/// Model of kernel preemption.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Preemption {
    /// Nearly everywhere.
    #[serde(rename = "PREEMPT_RT")]
    RealTime,
    /// Outside of critical sections, or as chosen at boot.
    #[serde(rename = "PREEMPT")]
    Low,
    /// Where it offers to, or not at all.
    #[serde(rename = "voluntary or none")]
    Voluntary,
}

impl Preemption {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::RealTime => "PREEMPT_RT",
            Self::Low => "PREEMPT, not PREEMPT_RT",
            Self::Voluntary => "voluntary or no preemption",
        }
    }
}

impl Computer {
    /// Asks the kernel at `root`, which is `/` on any computer.
    pub fn examine(root: &Path) -> Self {
        let read = |path: &str| fs::read_to_string(root.join(path)).unwrap_or_default();
        let version = read("proc/version");
        let processor = read("proc/cpuinfo");
        let flag = |line: &str| {
            line.starts_with("flags") && line.split_whitespace().any(|flag| flag == "hypervisor")
        };
        let mut governors: Vec<_> = cpu_folders(root)
            .filter_map(|cpu| fs::read_to_string(cpu.join("cpufreq/scaling_governor")).ok())
            .map(|governor| governor.trim().to_owned())
            .collect();
        governors.sort();
        governors.dedup();
        Self {
            kernel: version.split(' ').nth(2).unwrap_or_default().to_owned(),
            preemption: if read("sys/kernel/realtime").trim() == "1" || version.contains("PREEMPT_RT") {
                Preemption::RealTime
            } else if version.contains("PREEMPT") {
                Preemption::Low
            } else {
                Preemption::Voluntary
            },
            processor: processor
                .lines()
                .find(|line| line.starts_with("model name"))
                .and_then(|line| line.split_once(": "))
                .map(|(_, name)| name.trim().to_owned())
                .unwrap_or_default(),
            cpus: processor
                .lines()
                .filter(|line| line.starts_with("processor"))
                .count(),
            virtual_machine: processor.lines().any(flag),
            governors,
            idle_exit_us: cpu_folders(root).map(|cpu| idle_exit(&cpu)).max().unwrap_or(0),
            real_time_share: real_time_share(
                read("proc/sys/kernel/sched_rt_runtime_us").trim(),
                read("proc/sys/kernel/sched_rt_period_us").trim(),
            ),
        }
    }
}

/// Time (10 ms units of all CPUs together) that the hypervisor has given to others since the computer started.
pub fn stolen_time() -> u64 {
    fs::read_to_string("/proc/stat")
        .unwrap_or_default()
        .lines()
        .next()
        .and_then(|all| all.split_whitespace().nth(8)?.parse().ok())
        .unwrap_or(0)
}

fn cpu_folders(root: &Path) -> impl Iterator<Item = std::path::PathBuf> {
    let folders = fs::read_dir(root.join("sys/devices/system/cpu"))
        .into_iter()
        .flatten();
    folders.flatten().map(|entry| entry.path()).filter(|path| {
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        name.strip_prefix("cpu")
            .is_some_and(|number| !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit()))
    })
}

/// Longest exit latency (µs) of the idle states that are not disabled.
fn idle_exit(cpu: &Path) -> u64 {
    let number =
        |path: std::path::PathBuf| -> Option<u64> { fs::read_to_string(path).ok()?.trim().parse().ok() };
    let states = fs::read_dir(cpu.join("cpuidle")).into_iter().flatten().flatten();
    states
        .map(|state| state.path())
        .filter(|state| number(state.join("disable")) != Some(1))
        .filter_map(|state| number(state.join("latency")))
        .max()
        .unwrap_or(0)
}

fn real_time_share(runtime: &str, period: &str) -> Option<u64> {
    let (runtime, period): (u64, u64) = (runtime.parse().ok()?, period.parse().ok()?);
    (runtime < period).then(|| runtime * 100 / period)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, path: &str, content: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    #[test]
    fn facts_are_read_where_the_kernel_tells_them() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        write(
            root,
            "proc/version",
            "Linux version 6.1.0-56-rt-amd64 (x) #1 SMP PREEMPT_RT Debian\n",
        );
        write(
            root,
            "proc/cpuinfo",
            "processor\t: 0\nmodel name\t: Some CPU\nflags\t\t: fpu hypervisor lm\n\nprocessor\t: 1\n",
        );
        write(root, "proc/sys/kernel/sched_rt_runtime_us", "950000\n");
        write(root, "proc/sys/kernel/sched_rt_period_us", "1000000\n");
        for cpu in ["cpu0", "cpu1"] {
            write(
                root,
                &format!("sys/devices/system/cpu/{cpu}/cpufreq/scaling_governor"),
                "powersave\n",
            );
            write(
                root,
                &format!("sys/devices/system/cpu/{cpu}/cpuidle/state0/latency"),
                "2\n",
            );
            write(
                root,
                &format!("sys/devices/system/cpu/{cpu}/cpuidle/state1/latency"),
                "133\n",
            );
        }
        write(root, "sys/devices/system/cpu/cpu0/cpuidle/state1/disable", "1\n");
        write(root, "sys/devices/system/cpu/cpufreq/ondemand", "");
        let expected = Computer {
            kernel: "6.1.0-56-rt-amd64".into(),
            preemption: Preemption::RealTime,
            processor: "Some CPU".into(),
            cpus: 2,
            virtual_machine: true,
            governors: vec!["powersave".into()],
            idle_exit_us: 133,
            real_time_share: Some(95),
        };
        assert_eq!(Computer::examine(root), expected);
    }

    #[test]
    fn a_kernel_that_tells_nothing_is_no_error() {
        let nothing = Computer::examine(Path::new("/nowhere"));
        assert_eq!((nothing.cpus, nothing.preemption), (0, Preemption::Voluntary));
    }

    #[test]
    fn an_unlimited_share_is_no_limit() {
        assert_eq!(real_time_share("-1", "1000000"), None);
        assert_eq!(real_time_share("1000000", "1000000"), None);
        assert_eq!(real_time_share("950000", "1000000"), Some(95));
    }
}
