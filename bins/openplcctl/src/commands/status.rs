//! State and timing.

use std::time::Duration;

use openplc_wire::control::ProgramSummary;
use serde::{Deserialize, Serialize};

use super::Output;
use crate::client::Client;
use crate::failure::Failure;
use crate::screen::{self, Screen};

const REFRESH: Duration = Duration::from_secs(1);

/// What the runtime says about itself.
#[derive(Debug, Deserialize)]
pub struct Status {
    status: String,
    timing_stats: Option<Timing>,
    runtime: Option<Runtime>,
}

#[derive(Debug, Deserialize)]
struct Timing {
    #[serde(default)]
    tasks: Vec<Task>,
}

/// Figures of a task; times in microseconds.
#[derive(Debug, Deserialize, Serialize)]
struct Task {
    name: String,
    scan_count: u64,
    overruns: u64,
    scan_time_min: Option<f64>,
    scan_time_avg: Option<f64>,
    scan_time_max: Option<f64>,
    cycle_time_min: Option<f64>,
    cycle_time_avg: Option<f64>,
    cycle_time_max: Option<f64>,
    cycle_latency_min: Option<f64>,
    cycle_latency_avg: Option<f64>,
    cycle_latency_max: Option<f64>,
}

#[derive(Debug, Deserialize, Serialize)]
struct Runtime {
    error: Option<String>,
    program: Option<ProgramSummary>,
    real_time: Option<String>,
    #[serde(default)]
    settings_problems: Vec<String>,
    uptime_s: Option<u64>,
}

/// The form for scripts.
#[derive(Serialize)]
struct Document<'a> {
    state: &'a str,
    tasks: &'a [Task],
    #[serde(flatten)]
    runtime: Option<&'a Runtime>,
}

impl Status {
    /// The state in one word, such as `RUNNING`.
    pub fn state(&self) -> &str {
        self.status.trim().trim_start_matches("STATUS:")
    }

    fn tasks(&self) -> &[Task] {
        self.timing_stats.as_ref().map_or(&[], |timing| &timing.tasks)
    }
}

/// Asks for it.
///
/// # Errors
/// When it is not given.
pub async fn fetch(client: &mut Client) -> Result<Status, Failure> {
    let status: Status = client.get("/api/status?include_stats=true").await?.document()?;
    if status.timing_stats.is_none() && status.status.contains(' ') {
        return Err(Failure::Refused(format!(
            "{}. The scan engine (openplc-core) is not there: look at the log of the host",
            status.status
        )));
    }
    Ok(status)
}

/// Shows it, once or on and on.
///
/// # Errors
/// When it is not given.
pub async fn status(client: &mut Client, output: Output, watch: bool) -> Result<(), Failure> {
    let mut screen = Screen::new();
    loop {
        let status = fetch(client).await?;
        if output.json {
            let document = Document {
                state: status.state(),
                tasks: status.tasks(),
                runtime: status.runtime.as_ref(),
            };
            let text = serde_json::to_string(&document).map_err(anyhow::Error::from)?;
            screen::line(&text);
        } else if watch && !screen.is_terminal() {
            screen::line(&one_line(&status));
        } else {
            screen.show(&lines(&status));
        }
        if !watch {
            return Ok(());
        }
        tokio::time::sleep(REFRESH).await;
    }
}

fn lines(status: &Status) -> Vec<String> {
    let mut rows = vec![vec!["State".to_owned(), status.state().to_owned()]];
    let mut row = |name: &str, value: String| rows.push(vec![name.to_owned(), value]);
    if let Some(runtime) = &status.runtime {
        if let Some(error) = &runtime.error {
            row("Error", error.clone());
        }
        if let Some(program) = &runtime.program {
            row(
                "Program",
                format!(
                    "{} ({}, MD5 {})",
                    program.program.short(),
                    program.generation,
                    program.md5
                ),
            );
        }
        if let Some(real_time) = &runtime.real_time {
            row("Real time", real_time.clone());
        }
        for problem in &runtime.settings_problems {
            row("Settings", problem.clone());
        }
        if let Some(uptime) = runtime.uptime_s {
            row("Up", duration(uptime));
        }
    }
    let mut lines = screen::table(&rows);
    if !status.tasks().is_empty() {
        let cells = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>();
        let mut rows = vec![cells(&[
            "Task",
            "Scans",
            "Overruns",
            "Scan µs",
            "Cycle µs",
            "Latency µs  (least/mean/greatest)",
        ])];
        rows.extend(status.tasks().iter().map(|task| {
            vec![
                task.name.clone(),
                task.scan_count.to_string(),
                task.overruns.to_string(),
                spread(task.scan_time_min, task.scan_time_avg, task.scan_time_max),
                spread(task.cycle_time_min, task.cycle_time_avg, task.cycle_time_max),
                spread(
                    task.cycle_latency_min,
                    task.cycle_latency_avg,
                    task.cycle_latency_max,
                ),
            ]
        }));
        lines.push(String::new());
        lines.extend(screen::table(&rows));
    }
    lines
}

fn one_line(status: &Status) -> String {
    let mut text = status.state().to_owned();
    for task in status.tasks() {
        let scan = spread(task.scan_time_min, task.scan_time_avg, task.scan_time_max);
        text += &format!(
            "  {}: {} scans, {} overruns, {scan} µs",
            task.name, task.scan_count, task.overruns
        );
    }
    text
}

fn spread(least: Option<f64>, mean: Option<f64>, greatest: Option<f64>) -> String {
    match (least, mean, greatest) {
        (Some(least), Some(mean), Some(greatest)) => format!("{least:.1}/{mean:.1}/{greatest:.1}"),
        _ => "-".to_owned(),
    }
}

fn duration(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, _, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_is_one_word() {
        for text in ["STATUS:RUNNING\n", "RUNNING", "STATUS:RUNNING"] {
            let status = Status {
                status: text.into(),
                timing_stats: None,
                runtime: None,
            };
            assert_eq!(status.state(), "RUNNING");
        }
    }

    #[test]
    fn durations_are_for_people() {
        let cases = [
            (59, "59 s"),
            (61, "1 min 1 s"),
            (7260, "2 h 1 min"),
            (90_000, "1 d 1 h"),
        ];
        for (seconds, text) in cases {
            assert_eq!(duration(seconds), text);
        }
    }
}
