//! A plugin's side of OpenPLC Runtime, for plugins that are programs of their own, written in Rust.
//!
//! A plugin is a process that brings values from the world into the process image and back: a driver or a protocol server. The
//! core (`openplc-core`) publishes the plugin's configuration as `/run/runtime/plugins/NAME.json` when the PLC starts, and
//! removes it when the PLC stops; a `.path` unit of systemd, or the launcher, starts the plugin when the file is there. This
//! crate does the rest: it connects to the core and connects again when it was away, shows the published process image,
//! writes into the plugin's journal, carries log lines, statistics and commands, and says when it is time to leave.
//!
//! # How to use it
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use openplc_plugin::{Address, Field, Plugin, Statistics, Write};
//!
//! fn main() -> std::process::ExitCode {
//!     // Before any other thread is started: it blocks SIGTERM, and logs from here on.
//!     openplc_plugin::run("blinker", "openplc-blinker", work)
//! }
//!
//! fn work(plugin: &Plugin) -> Result<(), Box<dyn std::error::Error>> {
//!     // The text of conf/blinker.json. It never changes while the plugin runs.
//!     let configuration: serde_json::Value = serde_json::from_str(plugin.configuration())?;
//!     tracing::info!("Blinking as {configuration} says"); // into the journal, and the log that the Editor shows
//!     plugin.on_command(|command| serde_json::json!({ "you asked": command.command }));
//!
//!     let input: Address = "%IW0".parse()?;
//!     let output: Address = "%QX0.0".parse()?;
//!     let (mut publication, mut count) = (0, 0);
//!     // Ends when the configuration has gone or changed, or on SIGTERM.
//!     while !plugin.is_leaving() {
//!         // One scan's values, never torn. Fails while the core is away: take outputs for off then.
//!         match plugin.read(|view| (view.value(output), view.moment().state)) {
//!             Ok((value, state)) => tracing::debug!("{output} is {value:?}, PLC {state:?}"),
//!             Err(error) => tracing::debug!("{error}"),
//!         }
//!         // Takes effect at the beginning of the next scan, all of it together.
//!         count += 1;
//!         if let Ok(ticket) = plugin.write(&[Write { address: input, value: count & 0xFFFF }]) {
//!             // Only who has to confirm a write to somebody else waits for it.
//!             let _taken = plugin.wait_until_taken(&ticket, Duration::from_secs(1));
//!         }
//!         plugin.set_statistics(&Statistics {
//!             label: "Blinker".into(),
//!             fields: vec![Field::new("Writes", count)],
//!         });
//!         // Until the next scan's values are there, at most so long.
//!         publication = plugin.wait_for_publication(publication, Duration::from_millis(500)).unwrap_or(0);
//!     }
//!     // Outputs have their safe values now (in `read`): drivers send them to their devices once more, then end.
//!     Ok(())
//! }
//! ```
//!
//! * A [`Plugin`] is a handle: clone it, use it on any thread. `read`, `write`, `is_taken` and all others but those named
//!   `wait_…` take microseconds and never wait, so that asynchronous code may call them; [`Plugin::next_publication_in`]
//!   says for how long to sleep instead.
//! * `work` returns `Ok` when it is leaving, and an error that says what failed and what to do otherwise; the plugin is then
//!   started again, later each time. A plugin that cannot bind a port or reach a device should try again by itself, and say
//!   so once: see [`Plugin::report_failure`].
//! * A plugin that has not ended five seconds after [`Plugin::is_leaving`] became true is ended.
//! * When the core ends, `read` and `write` fail with [`Unavailable::Detached`] until it is back; the plugin stays.
//! * The environment may say other places: `OPENPLC_IMAGE_SOCKET`, `OPENPLC_PLUGIN_FOLDER`. The launcher sets both.
//!
//! What a plugin may write: inputs, outputs and memory, as in OpenPLC Runtime v4. A value written to an output or to memory holds
//! until the program assigns another one. docs/process-image.md tells the rules, docs/plugins.md all about plugins.
//!
//! This crate must not know any protocol or device.
#![forbid(unsafe_code)]

mod commands;
mod configuration;
mod link;
mod log_queue;
mod plugin;
mod run;
mod session;
mod statistics;
mod status_line;

pub use commands::{Command, Reply};
pub use configuration::Configuration;
pub use openplc_image::{Address, AddressError, Area, Layout, Moment, PlcState, Table, View, Width, Write};
pub use plugin::{Plugin, Ticket, Unavailable, WriteFailure};
pub use run::{Started, run, start};
pub use statistics::{Field, Statistics};

#[cfg(test)]
mod tests;
