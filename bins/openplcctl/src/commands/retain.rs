//! What is retained.

use openplc_wire::retain::{RetainStatus, Start};
use serde::Deserialize;

use super::Output;
use crate::client::Client;
use crate::failure::Failure;
use crate::screen;

#[derive(Deserialize)]
struct Document {
    runtime: Option<RetainStatus>,
    error: Option<String>,
}

/// Shows which variables are retained, what is on disk, and what became of the values at the last start.
///
/// # Errors
/// When it is not told.
pub async fn retain(client: &mut Client, output: Output) -> Result<(), Failure> {
    let document: Document = client.get("/api/retain-status").await?.document()?;
    let Some(status) = document.runtime else {
        let why = document.error.unwrap_or_else(|| "the runtime is too old".into());
        return Err(Failure::Refused(format!("What is retained is not known: {why}")));
    };
    if output.json {
        screen::line(&serde_json::to_string(&status).map_err(anyhow::Error::from)?);
    } else {
        lines(&status).iter().for_each(|line| screen::line(line));
    }
    Ok(())
}

fn lines(status: &RetainStatus) -> Vec<String> {
    let mut rows = Vec::new();
    let mut row = |name: &str, value: String| rows.push(vec![name.to_owned(), value]);
    row(
        "Variables",
        match status.variables.len() {
            0 => "none: the program declares none with RETAIN".to_owned(),
            count => format!(
                "{count} of {} bytes, looked at every {} ms",
                status.values_bytes, status.interval_ms
            ),
        },
    );
    if let Some(problem) = &status.problem {
        row("Problem", problem.clone());
    }
    row(
        "Stored",
        status.store.as_ref().map_or("nothing yet".to_owned(), |store| {
            format!(
                "{} bytes on disk, as they were {} ms ago",
                store.file_bytes, store.age_ms
            )
        }),
    );
    row("Start", start(status));
    if let Some(restored) = &status.restored {
        let counts = [
            ("Converted", &restored.converted),
            ("Dropped", &restored.dropped),
            ("New", &restored.added),
        ];
        for (name, names) in counts.into_iter().filter(|(_, names)| !names.is_empty()) {
            row(name, names.join(", "));
        }
    }
    let mut lines = screen::table(&rows);
    if !status.variables.is_empty() {
        let variables: Vec<_> = status
            .variables
            .iter()
            .map(|(name, iec_type)| vec![name.clone(), iec_type.clone()])
            .collect();
        lines.push(String::new());
        lines.extend(screen::table(&variables));
    }
    lines
}

fn start(status: &RetainStatus) -> String {
    match (status.start, &status.restored) {
        (Start::None, _) => "nothing to retain".to_owned(),
        (Start::Cold, _) => "cold: from initial values, as commanded".to_owned(),
        (Start::Warm, None) => "from initial values: nothing was stored".to_owned(),
        (Start::Warm, Some(restored)) => format!(
            "{} restored, {} converted, {} dropped, {} new",
            restored.restored,
            restored.converted.len(),
            restored.dropped.len(),
            restored.added.len()
        ),
    }
}

#[cfg(test)]
mod tests {
    use openplc_wire::retain::{Restored, Store};

    use super::*;

    #[test]
    fn dropped_variables_are_named() {
        let status = RetainStatus {
            start: Start::Warm,
            variables: vec![("CONFIG0.A".into(), "INT".into())],
            values_bytes: 2,
            interval_ms: 100,
            restored: Some(Restored {
                restored: 1,
                dropped: vec!["CONFIG0.B".into(), "CONFIG0.C".into()],
                ..Restored::default()
            }),
            store: Some(Store {
                file_bytes: 12288,
                taken_ms: 1,
                age_ms: 7,
            }),
            ..RetainStatus::default()
        };
        let text = lines(&status).join("\n");
        for part in [
            "1 of 2 bytes, looked at every 100 ms",
            "12288 bytes on disk, as they were 7 ms ago",
            "1 restored, 0 converted, 2 dropped, 0 new",
            "CONFIG0.B, CONFIG0.C",
            "CONFIG0.A  INT",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        assert!(!text.contains("Converted "), "{text}");
    }
}
