//! Figures of a plugin, as the Editor shows them.

use serde::Serialize;
use serde_json::Value;

/// Figures of a plugin.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Statistics {
    /// Title.
    pub label: String,
    /// In the order in which they are shown.
    pub fields: Vec<Field>,
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
