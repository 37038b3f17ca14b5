//! What the plugin says of itself in `systemctl status`.

use openplc_service::{NotifyState, ServiceManager};
use openplc_text::excerpt;
use serde_json::Value;

/// Longest line, in characters.
const LONGEST: usize = 400;

/// The line, as the service manager knows it.
#[derive(Default)]
pub(crate) struct StatusLine {
    manager: ServiceManager,
    said: String,
    figures: Option<String>,
    failure: Option<String>,
}

impl StatusLine {
    /// Nothing has been said yet.
    pub fn new() -> Self {
        Self {
            manager: ServiceManager::from_environment(),
            ..Self::default()
        }
    }

    /// The plugin is attached to the core.
    pub fn attached(&mut self) {
        self.manager.notify(&NotifyState::Ready);
        self.show();
    }

    /// The plugin has these figures now.
    pub fn figures(&mut self, document: &Value) {
        self.figures = describe(document);
        self.show();
    }

    /// Something went wrong, and the plugin goes on.
    pub fn failure(&mut self, message: &str) {
        self.failure = Some(message.to_owned());
        self.show();
    }

    /// What the plugin does instead of its work.
    pub fn say(&mut self, text: &str) {
        let line = text.replace(char::is_control, " ");
        let text = excerpt(&line, LONGEST);
        if text != self.said {
            self.manager.notify(&NotifyState::Status(&text));
            self.said = text;
        }
    }

    fn show(&mut self) {
        let figures = self.figures.as_deref().unwrap_or("Attached to the process image");
        let failure = self
            .failure
            .iter()
            .map(|failure| format!("; last error: {failure}"));
        let text = std::iter::once(figures.to_owned())
            .chain(failure)
            .collect::<String>();
        self.say(&text);
    }
}

/// Figures as one line: those of [`crate::Statistics`], or whatever an object has that is a text or a number.
fn describe(document: &Value) -> Option<String> {
    let figures: Vec<String> = match document["fields"].as_array() {
        Some(fields) => fields
            .iter()
            .filter_map(|field| figure(field["label"].as_str()?, &field["value"], field["unit"].as_str()))
            .collect(),
        None => document
            .as_object()?
            .iter()
            .filter_map(|(label, value)| figure(label, value, None))
            .collect(),
    };
    let figures = figures.join(", ");
    match document["label"].as_str() {
        Some(label) if document["fields"].is_array() => Some(format!("{label}: {figures}")),
        _ => Some(figures).filter(|figures| !figures.is_empty()),
    }
}

fn figure(label: &str, value: &Value, unit: Option<&str>) -> Option<String> {
    let value = match value {
        Value::String(text) => text.clone(),
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    let unit = unit.map(|unit| format!(" {unit}")).unwrap_or_default();
    Some(format!("{label} {value}{unit}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Field, Statistics};
    use serde_json::json;

    #[test]
    fn figures_become_one_line() {
        let statistics = Statistics {
            label: "Meter".into(),
            fields: vec![
                Field::new("Clients", 2),
                Field::with_unit("Last answer", 1.5, "ms"),
            ],
        };
        let document = serde_json::to_value(&statistics).unwrap();
        assert_eq!(
            describe(&document).unwrap(),
            "Meter: Clients 2, Last answer 1.5 ms"
        );
        let own = json!({ "cycles": 7, "state": "up", "more": {"a": 1} });
        assert_eq!(describe(&own).unwrap(), "cycles 7, state up");
        assert_eq!(describe(&json!("text")), None);
        assert_eq!(describe(&json!({})), None);
    }

    #[test]
    fn the_line_is_one_and_not_too_long() {
        let mut line = StatusLine::default();
        line.failure("one\ntwo\u{202e}");
        assert_eq!(
            line.said,
            "Attached to the process image; last error: one two\\u202e"
        );
        line.figures(&json!({ "text": "x".repeat(1000) }));
        assert_eq!(line.said.chars().count(), LONGEST);
    }
}
