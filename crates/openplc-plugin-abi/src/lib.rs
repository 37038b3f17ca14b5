//! The C interface of OpenPLC Runtime v4 to its plugins, `plugin_runtime_args_t`, in a process of its own: existing native and
//! Python plugins find what they expect, backed by the shared process image.
//!
//! A plugin sees pointer tables into memory of this process. [`lock::image_lock`] copies the published image there;
//! `image_unlock` compares and writes what the plugin has changed into its journal, as do the `journal_write_…` functions. So
//! nothing that a plugin does reaches the scan but by the journal.
//!
//! include/openplc_plugin.h is the same for C. This crate must not know how a plugin is loaded.

mod arguments;
mod control;
mod functions;
mod local_image;
mod lock;
mod log;
mod overlay;

pub use arguments::Arguments;
pub use control::{Host, is_open, open};
pub use functions::{image_lock, image_unlock};
