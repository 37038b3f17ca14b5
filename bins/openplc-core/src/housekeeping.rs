//! What must be done regularly and never by a scan: empty the program's log, notice faults, and tell the service manager how
//! things are.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use openplc_program::Severity;
use openplc_service::{NotifyState, ServiceManager};
use openplc_wire::control::{PlcState, Status};
use openplc_wire::figures::{Detail, Spread};

use crate::machine::Machine;
use crate::program_log::{Drain, ProgramLog};
use crate::scan::ScanSlot;
use crate::watchdog::Pulse;

/// Time between two rounds.
const ROUND: Duration = Duration::from_millis(50);
/// Time between two looks at the status text.
const STATUS_EVERY: Duration = Duration::from_secs(2);

/// Does its rounds for ever.
pub fn run(
    machine: &Machine,
    slot: &Arc<ScanSlot>,
    log: &ProgramLog,
    manager: &ServiceManager,
    pulse: &Pulse,
) {
    let (mut drain, mut hanging, mut told) = (Drain::default(), false, String::new());
    let mut looked: Option<Instant> = None;
    loop {
        drain.run(log, Instant::now(), &mut emit);
        machine.notice_fault();
        machine.notice_stuck_code();
        slot.idle();
        pulse.beat();
        let given_up = slot.given_up();
        if let (Some((task, elapsed)), false) = (given_up, hanging) {
            tracing::error!(
                "A scan of task {} has not ended after {} ms: endless loop? The watchdog will end this process",
                machine.task_name(task).unwrap_or_default(),
                elapsed / 1_000_000
            );
        }
        hanging = given_up.is_some();
        if looked.is_none_or(|looked| looked.elapsed() >= STATUS_EVERY) {
            looked = Some(Instant::now());
            let text = describe(&machine.status(Detail::Percentiles));
            if text != told {
                manager.notify(&NotifyState::Status(&text));
                told = text;
            }
        }
        thread::sleep(ROUND);
    }
}

fn emit(severity: Severity, line: &str) {
    match severity {
        Severity::Debug => tracing::debug!("{line}"),
        Severity::Info => tracing::info!("{line}"),
        Severity::Warning => tracing::warn!("{line}"),
        Severity::Error => tracing::error!("{line}"),
    }
}

/// One line for `systemctl status`.
fn describe(status: &Status) -> String {
    let mut text = status.state.as_str().to_owned();
    if let Some(error) = &status.error {
        text += &format!(": {error}");
    }
    if let Some(program) = &status.program {
        text += &format!(", program {}", program.program.short());
    }
    for task in status.tasks.iter().filter(|_| status.state == PlcState::Running) {
        text += &format!(
            ", task {} every {} ms: scan {}, late {}, {} overruns",
            task.name,
            task.interval_ns as f64 / 1e6,
            spread(task.scan_time.as_ref()),
            spread(task.cycle_latency.as_ref()),
            task.overruns
        );
        if task.skipped > 0 {
            text += &format!(" ({} scans skipped)", task.skipped);
        }
    }
    if !status.real_time.is_empty() {
        text += &format!("; {}", status.real_time);
    }
    text
}

/// Such as `p50 12 µs p99.9 31 µs max 80 µs`.
fn spread(spread: Option<&Spread>) -> String {
    let microseconds = |nanoseconds: u64| nanoseconds.div_ceil(1000);
    match spread.and_then(|spread| Some((spread.max_ns, spread.percentiles?))) {
        Some((max, percentiles)) => format!(
            "p50 {} µs p99.9 {} µs max {} µs",
            microseconds(percentiles.p50_ns),
            microseconds(percentiles.p99_9_ns),
            microseconds(max)
        ),
        None => "-".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use openplc_wire::figures::{Percentiles, TaskStatistics};

    fn running(skipped: u64) -> Status {
        let spread = Spread {
            count: 10,
            min_ns: 1_000,
            max_ns: 80_400,
            mean_ns: 9_000.0,
            sum_ns: 90_000,
            percentiles: Some(Percentiles {
                p50_ns: 9_100,
                p90_ns: 10_000,
                p99_ns: 20_000,
                p99_9_ns: 31_000,
                p99_99_ns: 40_000,
            }),
            histogram: None,
        };
        Status {
            state: PlcState::Running,
            error: None,
            errors: 0,
            program: None,
            tasks: vec![TaskStatistics {
                name: "MAIN".into(),
                interval_ns: 500_000,
                scan_count: 10,
                overruns: 1,
                skipped,
                scan_time: None,
                cycle_time: None,
                cycle_latency: Some(spread),
            }],
            real_time: String::new(),
            settings_problems: Vec::new(),
            uptime_s: 1,
        }
    }

    #[test]
    fn the_line_tells_the_tail_of_the_latency() {
        assert_eq!(
            describe(&running(0)),
            "RUNNING, task MAIN every 0.5 ms: scan -, late p50 10 µs p99.9 31 µs max 81 µs, 1 overruns"
        );
        assert!(describe(&running(7)).ends_with("1 overruns (7 scans skipped)"));
        let mut status = running(0);
        status.real_time = "scans run SCHED_FIFO 80; memory is locked".into();
        assert!(describe(&status).ends_with("1 overruns; scans run SCHED_FIFO 80; memory is locked"));
    }
}
