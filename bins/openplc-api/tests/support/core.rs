//! A pretended `openplc-core`.

use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use openplc_wire::control::{Answer, Level, LogEntry, PlcState, ProgramSummary, Refusal, Request, Status};
use openplc_wire::figures::{Bucket, Detail, Percentiles, Spread, TaskStatistics};
use openplc_wire::frame::{Kind, MAX_REQUEST};
use openplc_wire::manifest::{Generation, ProgramId, Variable};
use openplc_wire::transport::Connection;

/// What the core hears.
pub enum Heard {
    Request(Request),
    Debug(Vec<u8>),
}

/// What the core says.
pub enum Said {
    Answer(Answer),
    Debug(Vec<u8>),
    /// After a while.
    Later(Duration, Box<Self>),
    /// It ends the connection.
    Nothing,
}

/// Serves the control socket at `path` for the rest of the process.
pub fn serve(path: &Path, hear: impl Fn(Heard) -> Said + Send + Sync + 'static) {
    let _ = std::fs::remove_file(path);
    let listener = UnixListener::bind(path).unwrap();
    let hear = Arc::new(hear);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let hear = Arc::clone(&hear);
            let mut connection = Connection::new(stream.unwrap(), MAX_REQUEST);
            std::thread::spawn(move || while converse(&mut connection, &*hear).is_some() {});
        }
    });
}

fn converse(connection: &mut Connection, hear: &dyn Fn(Heard) -> Said) -> Option<()> {
    let received = connection.receive_frame().ok()?;
    let mut said = hear(match received.kind {
        Kind::Message => Heard::Request(serde_json::from_slice(&received.payload).unwrap()),
        Kind::Debug | Kind::DebugLittleEndian => Heard::Debug(received.payload),
    });
    loop {
        match said {
            Said::Answer(answer) => return connection.send(&answer).ok(),
            Said::Debug(frame) => return connection.send_frame(Kind::Debug, &frame, &[]).ok(),
            Said::Nothing => return None,
            Said::Later(wait, later) => {
                std::thread::sleep(wait);
                said = *later;
            }
        }
    }
}

/// A core that runs a program and takes every other.
pub fn running(heard: Heard) -> Said {
    let request = match heard {
        Heard::Request(request) => request,
        Heard::Debug(frame) => return Said::Debug([&frame[..1], &[0x7E], &frame[1..]].concat()),
    };
    Said::Answer(match request {
        Request::Start => refused(Refusal::AlreadyRunning),
        Request::ColdStart => refused(Refusal::Busy),
        Request::Status { detail } => Answer::Status(Box::new(status(detail))),
        Request::Logs { from, level } => Answer::Logs {
            entries: logs(from, level),
        },
        Request::Variables => Answer::Variables {
            program: Some(summary()),
            variables: vec![variable()],
        },
        Request::Retain => Answer::Retain(Box::default()),
        Request::Holds { .. } => Answer::Holds { held: false },
        Request::Plugins => Answer::Plugins { plugins: Vec::new() },
        Request::PluginCommand { .. } => refused(Refusal::Failed),
        Request::Ping | Request::Stop | Request::Load | Request::Activate { .. } => Answer::Done,
    })
}

pub fn refused(reason: Refusal) -> Answer {
    Answer::Refused {
        reason,
        message: "The reason in a sentence".into(),
    }
}

pub fn program() -> ProgramId {
    ProgramId::try_from("ab".repeat(32)).unwrap()
}

fn summary() -> ProgramSummary {
    ProgramSummary {
        program: program(),
        generation: Generation::Matiec,
        md5: "0".repeat(32),
    }
}

fn variable() -> Variable {
    Variable {
        index: 0,
        path: "CONFIG0.RES0.INSTANCE0.LAMP".into(),
        iec_type: "BOOL".into(),
        retain: false,
        location: Some("%QX0.0".into()),
    }
}

fn status(detail: Detail) -> Status {
    let percentiles = Percentiles {
        p50_ns: 1_007,
        p90_ns: 3_000,
        p99_ns: 3_000,
        p99_9_ns: 3_000,
        p99_99_ns: 3_000,
    };
    let spread = Spread {
        count: 42,
        min_ns: 1_000,
        max_ns: 3_000,
        mean_ns: 2_000.0,
        sum_ns: 84_000,
        percentiles: (detail >= Detail::Percentiles).then_some(percentiles),
        histogram: (detail >= Detail::Histograms).then(|| {
            [(1_000, 1_007, 21), (2_976, 3_000, 21)]
                .map(Bucket::from)
                .to_vec()
        }),
    };
    Status {
        state: PlcState::Running,
        error: None,
        errors: 0,
        program: Some(summary()),
        tasks: vec![TaskStatistics {
            name: "task0".into(),
            interval_ns: 20_000_000,
            scan_count: 42,
            overruns: 1,
            skipped: 2,
            scan_time: Some(spread.clone()),
            cycle_time: Some(spread),
            cycle_latency: None,
        }],
        real_time: "SCHED_FIFO 80".into(),
        settings_problems: Vec::new(),
        uptime_s: 9,
    }
}

fn logs(from: Option<u64>, level: Option<Level>) -> Vec<LogEntry> {
    [(100, Level::Info, "started"), (101, Level::Warning, "late")]
        .into_iter()
        .filter(|(id, severity, _)| *id >= from.unwrap_or(0) && level.is_none_or(|level| *severity >= level))
        .map(|(id, level, message)| LogEntry {
            id,
            time_ms: 1_769_947_200_000,
            level,
            message: message.into(),
        })
        .collect()
}
