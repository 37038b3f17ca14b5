//! What must be done regularly and never by a scan: empty the program's log, notice faults, feed the watchdog, and tell the
//! service manager how things are.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use openplc_program::Severity;
use openplc_wire::control::{PlcState, Spread, Status};
use sd_notify::NotifyState;

use crate::machine::Machine;
use crate::program_log::{Drain, ProgramLog};
use crate::scan::ScanSlot;

/// Time between two rounds.
const ROUND: Duration = Duration::from_millis(50);
/// Time between two looks at the status text.
const STATUS_EVERY: Duration = Duration::from_secs(2);

/// Does its rounds for ever.
pub fn run(machine: &Machine, slot: &Arc<ScanSlot>, log: &ProgramLog) {
    let feed_every = sd_notify::watchdog_enabled().map(|limit| limit / 4);
    let (mut drain, mut hanging, mut told) = (Drain::default(), false, String::new());
    let (mut fed, mut looked) = (None, None);
    let is_due = |last: Option<Instant>, every: Duration| last.is_none_or(|last| last.elapsed() >= every);
    loop {
        drain.run(log, Instant::now(), &mut emit);
        machine.notice_fault();
        let overdue = slot.hanging();
        if let (Some((task, overdue)), false) = (overdue, hanging) {
            tracing::error!(
                "A scan of task {} has not ended after {} ms: endless loop? The watchdog will end this process",
                machine.task_name(task).unwrap_or_default(),
                overdue / 1_000_000
            );
        }
        hanging = overdue.is_some();
        // Being fed is a promise that scans make progress. A scan that hangs gets no more food, and the manager ends us.
        if let Some(every) = feed_every
            && !hanging
            && is_due(fed, every)
        {
            notify(&[NotifyState::Watchdog]);
            fed = Some(Instant::now());
        }
        if is_due(looked, STATUS_EVERY) {
            looked = Some(Instant::now());
            let text = describe(&machine.status());
            if text != told {
                notify(&[NotifyState::Status(&text)]);
                told = text;
            }
        }
        thread::sleep(ROUND);
    }
}

/// Tells the service manager, if there is one.
pub fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!("The service manager cannot be told: {error}");
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
        let microseconds = |spread: Option<Spread>| {
            spread.map_or_else(String::new, |spread| {
                format!(
                    "{:.0} µs mean {} µs max",
                    spread.mean_ns / 1000.0,
                    spread.max_ns / 1000
                )
            })
        };
        text += &format!(
            ", task {} every {} ms: scan {}, late {}, {} overruns",
            task.name,
            task.interval_ns as f64 / 1e6,
            microseconds(task.scan_time),
            microseconds(task.cycle_latency),
            task.overruns
        );
    }
    text
}
