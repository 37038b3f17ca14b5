//! What the core says about retained variables.

use serde::{Deserialize, Serialize};

/// How the values of the current program came to be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// No program was started yet, or it has no retained variables.
    #[default]
    None,
    /// With what was retained.
    Warm,
    /// With initial values, as commanded.
    Cold,
}

/// What became of retained values when the current program was started.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restored {
    /// How many variables had their values again.
    pub restored: usize,
    /// Variables of another type than before, which can hold the value.
    pub converted: Vec<String>,
    /// Variables that are gone, or of another type that cannot hold the value.
    pub dropped: Vec<String>,
    /// Variables that were not stored: they began with their initial values.
    pub added: Vec<String>,
    /// When the values had been taken, in ms since 1970.
    pub taken_ms: u64,
    /// Names and types of the variables that were stored, in one number.
    pub layout: u32,
}

/// What is on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Store {
    /// Bytes of the file.
    pub file_bytes: u64,
    /// When the newest values in it were taken, in ms since 1970.
    pub taken_ms: u64,
    /// Ms since the values on disk and those of the program were last known to be the same.
    pub age_ms: u64,
}

/// Everything about retained variables.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetainStatus {
    /// How the current program was started.
    pub start: Start,
    /// Retained variables of the current program, each with its type.
    pub variables: Vec<(String, String)>,
    /// Bytes of their values.
    pub values_bytes: usize,
    /// Names and types of the variables in one number.
    pub layout: u32,
    /// Ms between two looks at the values.
    pub interval_ms: u64,
    /// What was restored; absent where nothing was stored and after a cold start.
    pub restored: Option<Restored>,
    /// Absent where nothing was ever stored.
    pub store: Option<Store>,
    /// Why values cannot be retained at the moment.
    pub problem: Option<String>,
}
