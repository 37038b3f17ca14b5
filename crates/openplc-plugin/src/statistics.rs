//! Figures of a plugin, as the Editor shows them.

use serde::Serialize;
use serde_json::Value;

/// Bytes that are needed besides title and figures.
const FRAME: usize = 100;

/// Figures of a plugin.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Statistics {
    /// Title.
    pub label: String,
    /// In the order in which they are shown.
    pub fields: Vec<Field>,
}

impl Statistics {
    /// As JSON of no more than `bytes` bytes: where there are more figures, the last ones are left out and counted.
    pub(crate) fn document(&self, bytes: usize) -> Value {
        // A structure of texts and numbers always becomes JSON.
        let document = serde_json::to_value(self).unwrap_or_default();
        if document.to_string().len() <= bytes {
            return document;
        }
        let size = |field: &Field| serde_json::to_string(field).map_or(bytes, |text| text.len() + 1);
        let mut room = bytes.saturating_sub(self.label.len() + FRAME);
        let fit = |field: &&Field| room.checked_sub(size(field)).map(|left| room = left).is_some();
        let mut fields: Vec<Field> = self.fields.iter().take_while(fit).cloned().collect();
        fields.push(Field::new("Not shown", self.fields.len() - fields.len()));
        let label = self.label.clone();
        serde_json::to_value(Self { label, fields }).unwrap_or_default()
    }
}

/// One figure.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Field {
    /// What it is.
    pub label: String,
    /// A number or a text.
    pub value: Value,
    /// Its unit, for example `ms`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

impl Field {
    /// A figure without a unit.
    pub fn new(label: impl Into<String>, value: impl Into<Value>) -> Self {
        Self {
            label: label.into(),
            value: value.into(),
            unit: None,
        }
    }

    /// A figure with a unit.
    pub fn with_unit(label: impl Into<String>, value: impl Into<Value>, unit: impl Into<String>) -> Self {
        Self {
            unit: Some(unit.into()),
            ..Self::new(label, value)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_without_room_are_counted() {
        let statistics = |count: u64| Statistics {
            label: "Devices".into(),
            fields: (0..count)
                .map(|number| Field::new(format!("Device {number} \"µ\""), "answers"))
                .collect(),
        };
        let few = statistics(10).document(8192);
        assert_eq!(few["fields"].as_array().map(Vec::len), Some(10));
        let many = statistics(1000).document(8192);
        let length = many.to_string().len();
        assert!((7900..=8192).contains(&length), "{length}");
        let fields = many["fields"].as_array().unwrap();
        let last = fields.last().unwrap();
        assert_eq!(last["label"], "Not shown");
        assert_eq!(last["value"], 1000 - (fields.len() as u64 - 1));
    }
}
