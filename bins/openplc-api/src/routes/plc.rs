//! Commands to the PLC and questions about it.

use std::path::Path;
use std::sync::Arc;

use hyper::StatusCode;
use jiff::Timestamp;
use openplc_accounts::Session;
use openplc_wire::control::{self, Level, LogEntry, Refusal};
use openplc_wire::figures::Detail;
use openplc_wire::frame::Kind;
use serde_json::{Value, json};

use super::{Request, plugins};
use crate::answers::{self, Answer};
use crate::application::Application;
use crate::core_client::CoreError;
use crate::{debug_socket, plc_status, retain_status, serial_ports};

/// What the Editor shows while the core is away.
const NO_RESPONSE: &str = "No response from runtime";

/// A word after `/api/` that is asked with GET.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    Start,
    ColdStart,
    Stop,
    Status,
    Ping,
    Logs,
    CompilationStatus,
    SerialPorts,
    RetainStatus,
    Switch,
    Variables,
}

impl Command {
    pub fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "start-plc" => Self::Start,
            "cold-start-plc" => Self::ColdStart,
            "stop-plc" => Self::Stop,
            "status" => Self::Status,
            "ping" => Self::Ping,
            "runtime-logs" => Self::Logs,
            "compilation-status" => Self::CompilationStatus,
            "serial-ports" => Self::SerialPorts,
            "retain-status" => Self::RetainStatus,
            "switch" => Self::Switch,
            "variables" => Self::Variables,
            _ => return None,
        })
    }
}

pub async fn command(
    application: &Arc<Application>,
    request: &Request<'_>,
    session: &Session,
    command: Command,
) -> Answer {
    match command {
        Command::Start => control(application, session, &control::Request::Start, "START").await,
        Command::ColdStart => control(application, session, &control::Request::ColdStart, "COLD_START").await,
        Command::Stop => control(application, session, &control::Request::Stop, "STOP").await,
        Command::Status => status(application, request).await,
        Command::Ping => ping(application).await,
        Command::Logs => logs(application, request).await,
        Command::CompilationStatus => answers::ok(&*application.builds.shown().build()),
        Command::SerialPorts => {
            answers::ok(&json!({ "ports": serial_ports::list(Path::new("/sys/class/tty")) }))
        }
        Command::RetainStatus => retain_status(application).await,
        Command::Switch => answers::ok(&json!({ "switchPosition": "unknown" })),
        Command::Variables => variables(application).await,
    }
}

/// Starts or stops the PLC. The answer is 200 in any case: the Editor reads the word.
async fn control(
    application: &Application,
    session: &Session,
    request: &control::Request,
    verb: &str,
) -> Answer {
    let document = match application.core.ask(request).await {
        Ok(control::Answer::Done) => json!({ "status": format!("{verb}:OK") }),
        Ok(control::Answer::Refused { reason, message }) => {
            let word = match reason {
                Refusal::Busy => "COMMAND:BUSY".to_owned(),
                Refusal::AlreadyRunning => format!("{verb}:ERROR_ALREADY_RUNNING"),
                _ => format!("{verb}:ERROR"),
            };
            json!({ "status": word, "message": message })
        }
        other => unexpected(other),
    };
    let outcome = document["status"].as_str().unwrap_or_default();
    let user = &session.user.username;
    tracing::info!(
        user,
        command = verb,
        outcome,
        "{user:?} commanded {verb}: {outcome}"
    );
    answers::ok(&document)
}

async fn status(application: &Application, request: &Request<'_>) -> Answer {
    let wanted = |name: &str| {
        request
            .parameter(name)
            .is_some_and(|value| value.eq_ignore_ascii_case("true") || value == "1")
    };
    let with_figures = wanted("include_stats");
    let detail = match (with_figures, wanted("include_histograms")) {
        (false, _) => Detail::Totals,
        (true, false) => Detail::Percentiles,
        (true, true) => Detail::Histograms,
    };
    let answer = application.core.ask(&control::Request::Status { detail }).await;
    answers::ok(&match answer {
        Ok(control::Answer::Status(mut status)) => {
            let own = application.settings_problems.iter().cloned();
            status.settings_problems.extend(own);
            let plugins = if with_figures {
                plugins::figures(application).await
            } else {
                None
            };
            plc_status::document(&status, with_figures, plugins)
        }
        other => unexpected(other),
    })
}

async fn retain_status(application: &Application) -> Answer {
    answers::ok(&match application.core.ask(&control::Request::Retain).await {
        Ok(control::Answer::Retain(status)) => retain_status::document(&status),
        other => {
            unexpected(other);
            json!({ "error": "No retain status from runtime" })
        }
    })
}

async fn ping(application: &Application) -> Answer {
    answers::ok(&match application.core.ask(&control::Request::Ping).await {
        Ok(control::Answer::Done) => json!({ "status": "PING:OK" }),
        other => unexpected(other),
    })
}

/// Log entries. Parameters that cannot be read are ignored, as they always were.
async fn logs(application: &Application, request: &Request<'_>) -> Answer {
    let from = request.parameter("id").and_then(|value| value.parse().ok());
    let level = request.parameter("level").and_then(level);
    let entries = match application
        .core
        .ask(&control::Request::Logs { from, level })
        .await
    {
        Ok(control::Answer::Logs { entries }) => entries,
        other => {
            unexpected(other);
            Vec::new()
        }
    };
    let entries: Vec<Value> = entries.iter().map(log_entry).collect();
    answers::ok(&json!({ "runtime-logs": entries }))
}

fn level(word: &str) -> Option<Level> {
    match word.to_ascii_uppercase().as_str() {
        "DEBUG" => Some(Level::Debug),
        "INFO" => Some(Level::Info),
        "WARN" | "WARNING" => Some(Level::Warning),
        "ERROR" => Some(Level::Error),
        _ => None,
    }
}

fn log_entry(entry: &LogEntry) -> Value {
    let time = i64::try_from(entry.time_ms)
        .ok()
        .and_then(|time| Timestamp::from_millisecond(time).ok());
    json!({
        "id": entry.id,
        "timestamp": time.unwrap_or(Timestamp::UNIX_EPOCH).strftime("%Y-%m-%dT%H:%M:%S%.3f+00:00").to_string(),
        "level": entry.level.as_str(),
        "message": entry.message,
    })
}

async fn variables(application: &Application) -> Answer {
    match application.core.ask(&control::Request::Variables).await {
        Ok(control::Answer::Variables { program, variables }) => {
            answers::ok(&json!({ "program": program, "variables": variables }))
        }
        other => {
            unexpected(other);
            answers::error(StatusCode::SERVICE_UNAVAILABLE, NO_RESPONSE)
        }
    }
}

pub async fn debug_command(
    application: &Arc<Application>,
    request: &mut Request<'_>,
    session: &Session,
) -> Result<Answer, Answer> {
    let document = request.body.json(&request.parts.headers).await?;
    application.confirm(session)?;
    let Some(command) = document["command"].as_str() else {
        return Err(answers::message(
            StatusCode::BAD_REQUEST,
            "command must be a text of hexadecimal digits",
        ));
    };
    Ok(answers::ok(
        &debug_socket::respond(application, Some(command), &mut Kind::Debug).await,
    ))
}

/// What is shown when the core did not answer what was asked; why goes to the log.
fn unexpected(result: Result<control::Answer, CoreError>) -> Value {
    match result {
        Ok(answer) => tracing::warn!("openplc-core gave an answer that was not asked for: {answer:?}"),
        Err(error) => tracing::debug!("No answer of openplc-core: {error}"),
    }
    json!({ "status": NO_RESPONSE })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_entries_have_the_editors_form() {
        let entry = LogEntry {
            id: 17,
            time_ms: 1_769_947_200_250,
            level: Level::Warning,
            message: "m".into(),
        };
        let expected = json!({
            "id": 17, "timestamp": "2026-02-01T12:00:00.250+00:00", "level": "WARNING", "message": "m",
        });
        assert_eq!(log_entry(&entry), expected);
        assert!(
            log_entry(&LogEntry {
                time_ms: u64::MAX,
                ..entry
            })["timestamp"]
                .is_string()
        );
    }
}
