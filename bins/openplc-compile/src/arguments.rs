//! Command line.

use std::time::Duration;

use clap::Parser;

/// Builds one PLC program. Started for each connection to the compile socket, with the connection as standard input.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Arguments {
    /// Longest time that a build may take, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 900)]
    time_limit: u64,
    /// Be the guard of a build whose work folder this is.
    #[arg(long, hide = true, value_name = "FOLDER")]
    pub guard: Option<std::path::PathBuf>,
}

impl Arguments {
    /// Longest time that a build may take.
    pub fn time_limit(&self) -> Duration {
        Duration::from_secs(self.time_limit)
    }
}
