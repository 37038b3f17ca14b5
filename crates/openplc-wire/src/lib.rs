//! What the processes of the runtime say to each other, and how it is framed on their Unix sockets.
//!
//! Three conversations exist: [`control`] between any client and the core on `/run/runtime/plc_runtime.socket`,
//! [`build`] between the API (or the launcher) and one build worker on `/run/runtime/compile.socket`, and [`image`]
//! between a plugin and the core on `/run/runtime/image.socket`. All use the frames of [`frame`]; [`transport`] carries them
//! over a blocking Unix stream together with file descriptors.
//! `docs/control-protocol.md` is the specification.
//!
//! This crate must not know what a program does with its variables, nor how HTTP or the Editor speaks.
#![forbid(unsafe_code)]

pub mod build;
pub mod communication;
pub mod control;
pub mod deploy;
pub mod figures;
pub mod frame;
pub mod image;
pub mod manifest;
pub mod memory_file;
pub mod plugins;
pub mod retain;
pub mod transport;

/// Where the core listens for control clients when nothing else is said.
pub const CORE_SOCKET: &str = "/run/runtime/plc_runtime.socket";
/// Where a supervisor listens for builds when nothing else is said.
pub const COMPILE_SOCKET: &str = "/run/runtime/compile.socket";
/// Where the core hands out the process image when nothing else is said.
pub const IMAGE_SOCKET: &str = "/run/runtime/image.socket";
/// Where the core puts the configuration of each plugin that shall work, as `NAME.json`, when nothing else is said.
pub const PLUGIN_FOLDER: &str = "/run/runtime/plugins";
/// Environment variable that says another place than [`PLUGIN_FOLDER`].
pub const PLUGIN_FOLDER_VARIABLE: &str = "OPENPLC_PLUGIN_FOLDER";
/// Environment variable that says another place than [`IMAGE_SOCKET`], to plugins.
pub const IMAGE_SOCKET_VARIABLE: &str = "OPENPLC_IMAGE_SOCKET";
/// Where Python environments of plugins are when nothing else is said.
pub const VENV_FOLDER: &str = "/var/lib/openplc-runtime/venvs";
/// Environment variable that says another place than [`VENV_FOLDER`].
pub const VENV_FOLDER_VARIABLE: &str = "OPENPLC_VENV_FOLDER";
