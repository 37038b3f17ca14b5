//! How a program's retained variables came to have their values.

use std::sync::Arc;

use openplc_retain::Report;
use openplc_wire::retain::{Restored, Start};

use super::disk::Snapshot;

/// Longest list of names in one line of the log.
const NAMES: usize = 20;

/// How a program's values came to be.
#[derive(Debug, Clone, Default)]
pub struct Began {
    /// Warm or cold.
    pub start: Start,
    /// What became of the values that were kept.
    pub restored: Option<Restored>,
    /// Initial values that are to take the place of what was kept.
    pub initial: Option<Arc<Snapshot>>,
}

impl Began {
    /// With what was kept, which is nothing.
    pub fn with_nothing_stored() -> Self {
        Self {
            start: Start::Warm,
            ..Self::default()
        }
    }

    /// With values that were kept, `from` this moment.
    pub fn restored(report: Report, from: &Snapshot) -> Self {
        let restored = Restored {
            restored: report.restored,
            converted: report.converted,
            dropped: report.dropped,
            added: report.added,
            taken_ms: from.taken.unix_ms,
            layout: from.layout.fingerprint(),
        };
        Self {
            start: Start::Warm,
            restored: Some(restored),
            initial: None,
        }
    }

    /// With initial values, as commanded.
    pub fn anew(initial: Arc<Snapshot>) -> Self {
        Self {
            start: Start::Cold,
            restored: None,
            initial: Some(initial),
        }
    }

    /// Says so in one line.
    pub fn log(&self) {
        let Some(restored) = &self.restored else {
            let why = if self.start == Start::Cold {
                "as commanded"
            } else {
                "nothing was stored"
            };
            return tracing::info!("Retained variables begin with their initial values: {why}");
        };
        tracing::info!(
            "Retained variables: {} restored, {} converted{}, {} dropped{}, {} new{}",
            restored.restored,
            restored.converted.len(),
            names(&restored.converted),
            restored.dropped.len(),
            names(&restored.dropped),
            restored.added.len(),
            names(&restored.added),
        );
    }
}

/// ` (A, B and 7 more)`; nothing for none.
fn names(names: &[String]) -> String {
    match names.len() {
        0 => String::new(),
        count if count <= NAMES => format!(" ({})", names.join(", ")),
        count => format!(" ({} and {} more)", names[..NAMES].join(", "), count - NAMES),
    }
}
