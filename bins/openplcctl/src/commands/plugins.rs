//! Plugins of the runtime.

use openplc_wire::plugins::PluginStatus;
use serde::Deserialize;
use serde_json::Value;

use super::Output;
use crate::client::Client;
use crate::failure::Failure;
use crate::screen;

#[derive(Deserialize)]
struct Document {
    plugins: Vec<PluginStatus>,
}

/// Shows every plugin that the program or the administrator names.
///
/// # Errors
/// When the runtime does not tell.
pub async fn plugins(client: &mut Client, output: Output) -> Result<(), Failure> {
    let Document { plugins } = client.get("/api/plugins").await?.document()?;
    if output.json {
        screen::line(&serde_json::to_string(&plugins).map_err(anyhow::Error::from)?);
    } else if plugins.is_empty() {
        screen::line("Neither the program nor plugins.conf names a plugin.");
    } else {
        lines(&plugins).iter().for_each(|line| screen::line(line));
    }
    Ok(())
}

fn lines(plugins: &[PluginStatus]) -> Vec<String> {
    let head = [
        "PLUGIN", "STATE", "PROCESS", "STARTS", "WRITES", "REFUSED", "DROPPED",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for plugin in plugins {
        let writes = &plugin.writes;
        rows.push(vec![
            plugin.name.clone(),
            plugin.state.as_str().to_owned(),
            plugin.process.map_or("-".into(), |process| process.to_string()),
            plugin.attached.to_string(),
            writes.applied.to_string(),
            (writes.invalid + writes.forbidden + writes.corrupt).to_string(),
            writes.dropped.to_string(),
        ]);
    }
    let mut lines = screen::table(&rows);
    for plugin in plugins {
        if let Some(error) = &plugin.last_error {
            lines.push(format!("{}: last error: {error}", plugin.name));
        }
        if let Some(figures) = plugin.statistics.as_ref().and_then(figures) {
            lines.push(format!("{}: {figures}", plugin.name));
        }
    }
    lines
}

/// The plugin's own figures in one line, where they have the form that the Editor shows.
fn figures(statistics: &Value) -> Option<String> {
    let figures: Vec<String> = statistics["fields"]
        .as_array()?
        .iter()
        .filter_map(|field| {
            let value = match &field["value"] {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let unit = field["unit"]
                .as_str()
                .map_or(String::new(), |unit| format!(" {unit}"));
            Some(format!("{} {value}{unit}", field["label"].as_str()?))
        })
        .collect();
    (!figures.is_empty()).then(|| figures.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use openplc_wire::plugins::{PluginState, WriteCounters};
    use serde_json::json;

    #[test]
    fn state_counters_errors_and_figures_are_shown() {
        let plugin = PluginStatus {
            name: "mine".into(),
            state: PluginState::Missing,
            process: None,
            attached: 3,
            last_error: Some("no device".into()),
            writes: WriteCounters {
                applied: 12,
                invalid: 1,
                forbidden: 2,
                ..WriteCounters::default()
            },
            statistics: Some(json!({ "label": "Mine", "fields": [
                { "label": "Clients", "value": 2 }, { "label": "Delay", "value": 1.5, "unit": "ms" },
            ] })),
        };
        let lines = lines(&[plugin]);
        let words: Vec<&str> = lines[1].split_whitespace().collect();
        assert_eq!(words, ["mine", "missing", "-", "3", "12", "3", "0"]);
        assert_eq!(lines[2], "mine: last error: no device");
        assert_eq!(lines[3], "mine: Clients 2, Delay 1.5 ms");
    }
}
