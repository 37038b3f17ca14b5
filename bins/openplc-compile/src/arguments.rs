//! Command line.

use clap::Parser;

/// Builds one PLC program. Started for each connection to the compile socket, with the connection as standard input.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Arguments {
    /// Longest time that a build may take, in seconds, whatever compile.toml says.
    #[arg(long, value_name = "SECONDS")]
    pub time_limit: Option<u64>,
    /// Be the guard of a build whose work folder this is.
    #[arg(long, hide = true, value_name = "FOLDER")]
    pub guard: Option<std::path::PathBuf>,
}
