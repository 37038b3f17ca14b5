//! The conversation of a plugin with the core on `/run/runtime/image.socket`.
//!
//! The plugin sends one [`Attach`], the core answers with one [`Attached`]. From then on they meet in shared memory, and the
//! connection only shows that both are there: whoever closes it leaves. The core closes it when it replaces the image by one of
//! another size; the plugin then connects again.

use serde::{Deserialize, Serialize};

/// Longest message in bytes.
pub const MAX_MESSAGE: usize = 4096;

/// What a plugin says first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attach {
    /// The plugin's name.
    pub plugin: String,
}

/// What the core answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Attached {
    /// With two descriptors: the published image, to be mapped for reading, and the plugin's journal, for writing too.
    Done,
    /// The core closes the connection.
    Refused {
        /// Why.
        message: String,
    },
}
