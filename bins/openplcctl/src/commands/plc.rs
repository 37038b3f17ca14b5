//! Starting and stopping.

use std::time::Duration;

use serde::Deserialize;
use serde_json::json;

use super::Output;
use super::status::fetch;
use crate::client::Client;
use crate::failure::Failure;

/// How often, and after which pause, a busy PLC is asked again.
const ATTEMPTS: u32 = 33;
const PAUSE: Duration = Duration::from_millis(150);

#[derive(Deserialize)]
struct Commanded {
    status: Option<String>,
    message: Option<String>,
}

/// Starts the PLC; one that runs already is fine, except for a cold start.
///
/// # Errors
/// When it cannot be started.
pub async fn start(client: &mut Client, output: Output, cold: bool) -> Result<(), Failure> {
    let path = if cold {
        "/api/cold-start-plc"
    } else {
        "/api/start-plc"
    };
    let answer = command(client, path).await?;
    match answer.status.as_deref().unwrap_or_default() {
        word if cold && word.contains("ALREADY_RUNNING") => {
            return Err(Failure::Refused("The PLC is running: stop it first".into()));
        }
        word if word.contains(":OK") => output.result("Started", &json!({ "state": "RUNNING" })),
        word if word.contains("ALREADY_RUNNING") => {
            output.result("It was running already", &json!({ "state": "RUNNING" }));
        }
        word => return Err(refusal(word, answer.message)),
    }
    Ok(())
}

/// Stops the PLC; one that does not run is fine.
///
/// # Errors
/// When it cannot be stopped.
pub async fn stop(client: &mut Client, output: Output) -> Result<(), Failure> {
    let answer = command(client, "/api/stop-plc").await?;
    match answer.status.as_deref().unwrap_or_default() {
        word if word.contains(":OK") => output.result("Stopped", &json!({ "state": "STOPPED" })),
        word => match fetch(client).await?.state() {
            state @ ("STOPPED" | "EMPTY" | "ERROR") => {
                output.result(
                    &format!("It was not running ({state})"),
                    &json!({ "state": state }),
                );
            }
            _ => return Err(refusal(word, answer.message)),
        },
    }
    Ok(())
}

async fn command(client: &mut Client, path: &str) -> Result<Commanded, Failure> {
    let mut attempts = 1;
    loop {
        let answer: Commanded = client.get(path).await?.document()?;
        let busy = answer.status.as_ref().is_some_and(|word| word.contains("BUSY"));
        if !busy || attempts == ATTEMPTS {
            return Ok(answer);
        }
        attempts += 1;
        tokio::time::sleep(PAUSE).await;
    }
}

fn refusal(word: &str, message: Option<String>) -> Failure {
    Failure::Refused(message.unwrap_or_else(|| format!("The runtime answered {}", word.trim())))
}
