//! What a monitoring system is told: the state of the PLC, the figures of its tasks, and how busy this process is.

mod exposition;

use std::sync::atomic::{AtomicU64, Ordering};

use hyper::StatusCode;
use openplc_wire::control::{PlcState, Status};
use openplc_wire::figures::{Spread, TaskStatistics};

use crate::answers::COMPATIBLE_VERSION;
pub use exposition::CONTENT_TYPE;
use exposition::{Exposition, Kind, seconds};

/// How many requests were answered with which class of status code: 1xx to 5xx.
#[derive(Debug, Default)]
pub struct Responses([AtomicU64; 5]);

impl Responses {
    /// Counts an answer.
    pub fn count(&self, status: StatusCode) {
        if let Some(class) = self.0.get(usize::from(status.as_u16() / 100 - 1)) {
            class.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The text; without `status` the core did not answer.
pub fn text(status: Option<&Status>, responses: &Responses) -> String {
    let mut text = Exposition::default();
    text.metric(
        "openplc_build_info",
        Kind::Gauge,
        "Version of the runtime, and of the OpenPLC Runtime that it is compatible with; always 1.",
    )
    .sample(
        &[
            ("version", env!("CARGO_PKG_VERSION")),
            ("compatible_with", COMPATIBLE_VERSION),
        ],
        1,
    );
    let mut answered = text.metric(
        "openplc_api_responses_total",
        Kind::Counter,
        "Requests that the API answered, by the class of the status code.",
    );
    for (class, count) in ["1xx", "2xx", "3xx", "4xx", "5xx"].iter().zip(&responses.0) {
        answered.sample(&[("class", class)], count.load(Ordering::Relaxed));
    }
    text.metric(
        "openplc_core_up",
        Kind::Gauge,
        "Whether the scan engine answers; without it the metrics of PLC and tasks are absent.",
    )
    .sample(&[], u8::from(status.is_some()));
    if let Some(status) = status {
        plc(&mut text, status);
        tasks(&mut text, &status.tasks);
    }
    text.into_text()
}

fn plc(text: &mut Exposition, status: &Status) {
    text.metric(
        "openplc_core_uptime_seconds",
        Kind::Gauge,
        "Time since the scan engine started.",
    )
    .sample(&[], status.uptime_s);
    let mut state = text.metric(
        "openplc_plc_state",
        Kind::Gauge,
        "1 for the state that the PLC is in.",
    );
    for each in PlcState::ALL {
        state.sample(&[("state", each.as_str())], u8::from(each == status.state));
    }
    text.metric(
        "openplc_plc_errors_total",
        Kind::Counter,
        "How often the PLC has come into state ERROR since the scan engine started.",
    )
    .sample(&[], status.errors);
    if let Some(program) = &status.program {
        text.metric(
            "openplc_program_info",
            Kind::Gauge,
            "The current program: its identity, its generation and the MD5 that the Editor compares; always 1.",
        )
        .sample(
            &[
                ("program", program.program.short()),
                ("generation", &program.generation.to_string()),
                ("md5", &program.md5),
            ],
            1,
        );
    }
}

fn tasks(text: &mut Exposition, tasks: &[TaskStatistics]) {
    if tasks.is_empty() {
        return;
    }
    type Value = fn(&TaskStatistics) -> u64;
    let counters: [(&str, &str, Value); 3] = [
        (
            "openplc_task_scans_total",
            "Scans executed since the program started.",
            |task| task.scan_count,
        ),
        (
            "openplc_task_overruns_total",
            "Scans that ended after the next deadline.",
            |task| task.overruns,
        ),
        (
            "openplc_task_skipped_scans_total",
            "Deadlines that passed before the scan of an earlier one had ended; they are not made up for.",
            |task| task.skipped,
        ),
    ];
    for (name, help, value) in counters {
        let mut metric = text.metric(name, Kind::Counter, help);
        for task in tasks {
            metric.sample(&[("task", &task.name)], value(task));
        }
    }
    let mut interval = text.metric(
        "openplc_task_interval_seconds",
        Kind::Gauge,
        "Time between deadlines.",
    );
    for task in tasks {
        interval.sample(&[("task", &task.name)], seconds(task.interval_ns));
    }
    type Duration = fn(&TaskStatistics) -> Option<&Spread>;
    let durations: [(&str, &str, Duration); 3] = [
        (
            "openplc_task_wakeup_latency",
            "Time from a deadline to the start of the scan; a late wake-up counts for every deadline that it slept through",
            |task| task.cycle_latency.as_ref(),
        ),
        ("openplc_task_scan_time", "Time in the program", |task| {
            task.scan_time.as_ref()
        }),
        (
            "openplc_task_cycle_time",
            "Time from the start of a scan to the start of the next",
            |task| task.cycle_time.as_ref(),
        ),
    ];
    for (name, help, duration) in durations {
        let spreads: Vec<(&str, &Spread)> = tasks
            .iter()
            .filter_map(|task| Some((task.name.as_str(), duration(task)?)))
            .collect();
        let (whole, greatest) = (format!("{name}_seconds"), format!("{name}_max_seconds"));
        let mut metric = text.metric(&whole, Kind::Histogram, &format!("{help}."));
        for (task, spread) in &spreads {
            metric.histogram(&[("task", task)], spread);
        }
        let help = format!("{help}: the greatest since the program started.");
        let mut metric = text.metric(&greatest, Kind::Gauge, &help);
        for (task, spread) in &spreads {
            metric.sample(&[("task", task)], seconds(spread.max_ns));
        }
    }
}
