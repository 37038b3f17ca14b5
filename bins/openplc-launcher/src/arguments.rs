//! The command line.

use std::ffi::OsString;
use std::net::{SocketAddr, SocketAddrV4};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Runs OpenPLC Runtime where there is no systemd.
///
/// Starts the scan engine, the API and one build process per upload, restarts what fails, and prints their logs. Stop it
/// with Ctrl-C or SIGTERM; a further signal skips whatever it is waiting for.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
pub struct Arguments {
    /// Folder for accounts, programs and sockets [default: as root /run/runtime if it is a mounted volume, else
    /// /var/lib/openplc-runtime; as another user $XDG_STATE_HOME/openplc-runtime]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Folder of the settings files api.toml, compile.toml and core.toml [default: with --data DIR, DIR/etc; else as root
    /// /etc/openplc-runtime; as another user $XDG_CONFIG_HOME/openplc-runtime]
    #[arg(long, value_name = "DIR")]
    pub config: Option<PathBuf>,
    /// Address and port of the API [default: port 8443 on every IPv4 and IPv6 address]
    #[arg(long, value_name = "ADDR:PORT")]
    pub listen: Option<SocketAddr>,
    /// IPv4 address and UDP port at which Editors that look for runtimes are answered [default: port 33333 on every
    /// address; with --listen they are not answered]
    #[arg(long, value_name = "ADDR:PORT")]
    pub discovery: Option<SocketAddrV4>,
    /// Build and start a bundled example program, replacing the current program, and show its live values
    #[arg(long, value_name = "NAME")]
    pub example: Option<String>,
    #[command(subcommand)]
    pub internal: Option<Internal>,
}

/// What the launcher calls itself with.
#[derive(Debug, Subcommand)]
pub enum Internal {
    /// Give up privileges, then execute a program.
    #[command(hide = true)]
    Confine(Confinement),
    /// Take over the accounts of an OpenPLC Runtime v4 as the user that runs this, then end. For openplc-accounts-import.service.
    #[command(hide = true)]
    ImportAccounts {
        /// Its data folder.
        from: PathBuf,
        /// The API's state directory.
        to: PathBuf,
    },
}

/// How a process is confined before its program starts.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Confinement {
    /// User to run as; the present one when absent.
    #[arg(long)]
    pub user: Option<String>,
    /// Keep CAP_SYS_NICE and raise the limits for real-time scheduling and locked memory.
    #[arg(long)]
    pub real_time: bool,
    /// End at once, instead of being asked to, when the launcher dies.
    #[arg(long)]
    pub expendable: bool,
    /// Use the network, also ports below 1024 where the launcher may.
    #[arg(long)]
    pub network: bool,
    /// Program and arguments.
    #[arg(last = true, required = true)]
    pub command: Vec<OsString>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn completions_are_those_of_the_command_line() {
        openplc_completions::check(&<Arguments as clap::CommandFactory>::command());
    }
}
