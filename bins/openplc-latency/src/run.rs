//! From the command line to a report.

use std::io::{IsTerminal, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Parser;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::SignalFd;
use openplc_engine::statistics::Reader;

use crate::arguments::{Arguments, Internal, Wish};
use crate::computer::{Computer, stolen_time};
use crate::drawing::{duration, grouped};
use crate::load::{self, Load};
use crate::measurement::Measurement;
use crate::report::Report;
use crate::verdict::Verdict;

const NOT_SUITABLE: u8 = 1;
const NOT_MEASURED: u8 = 3;
/// How often progress is shown.
const PROGRESS: Duration = Duration::from_secs(1);
/// A load needs a moment to become one.
const LOAD_GROWS: Duration = Duration::from_millis(500);
/// The kernel counts stolen time in this unit, ms.
const STOLEN_UNIT: u64 = 10;

/// The process: the measurement, or the load that it starts.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match arguments.internal {
        Some(Internal::KeepBusy) => load::keep_busy()
            .context("keeping the computer busy")
            .map(|()| ExitCode::SUCCESS),
        None => measure_and_report(&arguments),
    };
    result.unwrap_or_else(|error| {
        eprintln!("openplc-latency: {error:#}");
        ExitCode::from(NOT_MEASURED)
    })
}

fn measure_and_report(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let report = measure(&arguments.wish)?;
    let text = if arguments.json {
        report.json()?
    } else {
        report.text()
    };
    // Whoever closes the pipe early has read enough.
    let _ = writeln!(std::io::stdout(), "{text}");
    Ok(match report.verdict() {
        Verdict::Suitable | Verdict::Tight => ExitCode::SUCCESS,
        Verdict::Unsuitable => ExitCode::from(NOT_SUITABLE),
    })
}

fn measure(wish: &Wish) -> anyhow::Result<Report> {
    // Blocked before there is a second thread, so that only the descriptor receives them.
    let ending = SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM]);
    ending.thread_block().context("blocking SIGINT")?;
    let ending = SignalFd::new(&ending).context("waiting for SIGINT")?;
    let computer = Computer::examine(Path::new("/"));
    let mut load = wish
        .load
        .then(Load::start)
        .transpose()
        .context("starting the load")?;
    if load.is_some() {
        wait(&ending, LOAD_GROWS)?;
    }
    let stolen = stolen_time();
    let measurement = Measurement::start(wish).with_context(|| match wish.cpu {
        Some(cpu) => {
            format!("starting to measure on CPU {cpu} (computers count from 0; is it there and allowed?)")
        }
        None => "starting to measure".to_owned(),
    })?;
    let begin = Instant::now();
    while begin.elapsed() < wish.duration {
        let left = wish.duration.saturating_sub(begin.elapsed());
        if wait(&ending, left.min(PROGRESS))? {
            break;
        }
        show_progress(&measurement.figures, begin.elapsed(), wish.duration);
        if load.as_mut().is_some_and(|load| !load.is_running()) {
            anyhow::bail!("the load ended early: is there no memory or disk space left?");
        }
    }
    let (granted, reader) = measurement.end();
    let stolen = stolen_time().saturating_sub(stolen);
    drop(load);
    show_progress_ended();
    let (figures, histograms) = reader.read_with_histograms();
    Ok(Report {
        period: u64::try_from(wish.period.as_nanos())?,
        priority: wish.priority,
        cpu: wish.cpu,
        load: wish.load,
        granted,
        computer,
        stolen_ms: stolen * STOLEN_UNIT,
        figures,
        histograms,
    })
}

/// Waits, and says whether the user wants to end.
fn wait(ending: &SignalFd, time: Duration) -> anyhow::Result<bool> {
    let time = PollTimeout::try_from(time.as_millis())?;
    let mut descriptors = [PollFd::new(ending.as_fd(), PollFlags::POLLIN)];
    match poll(&mut descriptors, time) {
        Ok(ready) => Ok(ready > 0),
        Err(nix::Error::EINTR) => Ok(false),
        Err(error) => Err(error).context("waiting"),
    }
}

fn show_progress(figures: &Reader, elapsed: Duration, of: Duration) {
    if !std::io::stderr().is_terminal() {
        return;
    }
    let figures = figures.read();
    eprint!(
        "\r\x1b[K{} s of {} s: {} scans, mean {}, latest {}, {} missed",
        elapsed.as_secs(),
        of.as_secs(),
        grouped(figures.scans),
        duration(figures.latency.mean().unwrap_or(0.0) as u64),
        duration(figures.latency.max),
        grouped(figures.skipped)
    );
}

fn show_progress_ended() {
    if std::io::stderr().is_terminal() {
        eprint!("\r\x1b[K");
    }
}
