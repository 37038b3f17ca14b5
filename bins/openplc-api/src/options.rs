//! Command line and environment.

use std::path::PathBuf;

use clap::Parser;

/// HTTPS API of OpenPLC Runtime.
///
/// Takes the TCP listener from its supervisor (LISTEN_FDS): openplc-api.socket under systemd, openplc-launcher
/// elsewhere, or `systemd-socket-activate -l 8443` for a try.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Options {
    /// Control socket of openplc-core.
    #[arg(long, value_name = "PATH", default_value = openplc_wire::CORE_SOCKET)]
    pub core_socket: PathBuf,
    /// Socket on which a supervisor starts builds.
    #[arg(long, value_name = "PATH", default_value = openplc_wire::COMPILE_SOCKET)]
    pub compile_socket: PathBuf,
    /// Directory of accounts, secrets and certificate.
    #[arg(long, value_name = "PATH", env = "STATE_DIRECTORY")]
    pub state_directory: PathBuf,
    /// End after this many seconds without a connection or a build, whatever api.toml says; 0: never. The socket unit
    /// starts the API again at the next connection; nobody notices.
    #[arg(long, value_name = "SECONDS")]
    pub exit_when_idle: Option<u64>,
}
