//! The log of the runtime.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::Output;
use crate::arguments::Severity;
use crate::client::Client;
use crate::failure::Failure;
use crate::screen;

const REFRESH: Duration = Duration::from_millis(500);

#[derive(Deserialize)]
struct Logs {
    #[serde(rename = "runtime-logs")]
    entries: Vec<Entry>,
}

#[derive(Deserialize, Serialize)]
struct Entry {
    id: u64,
    timestamp: String,
    level: String,
    message: String,
}

/// Shows what is kept of it, and on request what comes.
///
/// # Errors
/// When it is not given.
pub async fn logs(client: &mut Client, output: Output, follow: bool, level: Severity) -> Result<(), Failure> {
    let mut next = 0;
    loop {
        let path = format!("/api/runtime-logs?id={next}&level={}", level.word());
        let logs: Logs = client.get(&path).await?.document()?;
        for entry in &logs.entries {
            next = next.max(entry.id + 1);
            if output.json {
                screen::line(&serde_json::to_string(entry).map_err(anyhow::Error::from)?);
            } else {
                screen::line(&text(entry));
            }
        }
        if !follow {
            return Ok(());
        }
        tokio::time::sleep(REFRESH).await;
    }
}

fn text(entry: &Entry) -> String {
    let time = match entry.timestamp.parse::<Timestamp>() {
        Ok(time) => time
            .to_zoned(TimeZone::system())
            .strftime("%Y-%m-%d %H:%M:%S")
            .to_string(),
        Err(_) => entry.timestamp.clone(),
    };
    format!("{time} {:7} {}", entry.level, entry.message)
}
