//! The C interface of OpenPLC Runtime v4 to its plugins, `plugin_runtime_args_t`: existing native and Python plugins find what they
//! expect, in a process of their own ([`open`]), backed by the shared process image, or in the scan itself ([`InScan`]).
//!
//! A plugin sees pointer tables into memory of this process. [`lock::image_lock`] copies the published image there;
//! `image_unlock` compares and writes what the plugin has changed into its journal, as do the `journal_write_…` functions. So
//! nothing that a plugin does reaches the scan but by the journal. A plugin in the scan has no such wall around it.
//!
//! include/openplc_plugin.h is the same for C. This crate must not know when a plugin works, nor which ones there are.

mod arguments;
mod attached;
mod control;
mod functions;
mod hooks;
mod in_scan;
mod local_image;
mod lock;
mod log;
mod overlay;

pub use arguments::Arguments;
pub use control::{Host, is_open, open};
pub use functions::{Level, image_lock, image_unlock};
pub use hooks::{Hooks, NotLoaded, c_text};
pub use in_scan::{Engine, InScan, NotInitialised, ProcessImage};
