//! State and timing.

use std::time::Duration;

use openplc_wire::control::ProgramSummary;
use openplc_wire::figures::TaskStatistics;
use serde::{Deserialize, Serialize};

use super::Output;
use crate::client::Client;
use crate::failure::Failure;
use crate::figures;
use crate::screen::{self, Screen};

const REFRESH: Duration = Duration::from_secs(1);

/// What the runtime says about itself.
#[derive(Debug, Deserialize)]
pub struct Status {
    status: String,
    runtime: Option<Runtime>,
}

#[derive(Debug, Deserialize, Serialize)]
struct Runtime {
    error: Option<String>,
    #[serde(default)]
    errors: u64,
    #[serde(default)]
    tasks: Vec<TaskStatistics>,
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
    #[serde(flatten)]
    runtime: Option<&'a Runtime>,
}

impl Status {
    /// The state in one word, such as `RUNNING`.
    pub fn state(&self) -> &str {
        self.status.trim().trim_start_matches("STATUS:")
    }

    fn tasks(&self) -> &[TaskStatistics] {
        self.runtime.as_ref().map_or(&[], |runtime| &runtime.tasks)
    }
}

/// Asks for it.
///
/// # Errors
/// When it is not given.
pub async fn fetch(client: &mut Client) -> Result<Status, Failure> {
    fetch_from(client, "/api/status?include_stats=true").await
}

async fn fetch_with_histograms(client: &mut Client) -> Result<Status, Failure> {
    fetch_from(client, "/api/status?include_stats=true&include_histograms=true").await
}

async fn fetch_from(client: &mut Client, path: &str) -> Result<Status, Failure> {
    let status: Status = client.get(path).await?.document()?;
    if status.runtime.is_none() && status.status.contains(' ') {
        return Err(Failure::Refused(format!(
            "{}. The scan engine (openplc-core) is not there: look at the log of the host",
            status.status
        )));
    }
    Ok(status)
}

/// Shows it, once or on and on until it is interrupted.
///
/// # Errors
/// When it is not given.
pub async fn status(client: &mut Client, output: Output, watch: bool) -> Result<(), Failure> {
    if !watch {
        let status = fetch_with_histograms(client).await?;
        if output.json {
            screen::line(&document(&status)?);
        } else {
            screen::lines(&lines(&status));
        }
        return Ok(());
    }
    // An interruption is noticed between two pictures, never within one: it leaves the terminal as it was.
    tokio::select! {
        result = show_on_and_on(client, output) => result,
        interrupted = tokio::signal::ctrl_c() => {
            interrupted.map_err(|error| anyhow::Error::from(error).context("Cannot wait for an interruption"))?;
            Ok(())
        }
    }
}

async fn show_on_and_on(client: &mut Client, output: Output) -> Result<(), Failure> {
    let mut screen = Screen::new();
    loop {
        let status = fetch_with_histograms(client).await?;
        if output.json {
            screen::line(&document(&status)?);
        } else if let Some(size) = screen.size() {
            let mut lines = lines(&status);
            for task in status.tasks() {
                lines.extend(figures::histograms(task, size.columns));
            }
            screen.show(&lines);
        } else {
            screen::line(&one_line(&status));
        }
        tokio::time::sleep(REFRESH).await;
    }
}

fn document(status: &Status) -> Result<String, Failure> {
    let document = Document {
        state: status.state(),
        runtime: status.runtime.as_ref(),
    };
    Ok(serde_json::to_string(&document).map_err(anyhow::Error::from)?)
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
        if runtime.errors > 0 {
            row(
                "Errors",
                format!("{} since the scan engine started", runtime.errors),
            );
        }
        if let Some(uptime) = runtime.uptime_s {
            row("Up", duration(uptime));
        }
    }
    let mut lines = screen::table(&rows);
    for task in status.tasks() {
        lines.push(String::new());
        lines.extend(figures::lines(task));
    }
    lines
}

fn one_line(status: &Status) -> String {
    let mut text = status.state().to_owned();
    for task in status.tasks() {
        text += &format!("  {}", figures::one_line(task));
    }
    text
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
