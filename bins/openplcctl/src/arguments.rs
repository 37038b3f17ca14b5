//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::host::Host;

const AFTER: &str = "\
Names of variables: the end of the path is enough where it is unique, in upper or lower case; so is a located address.
For CONFIG0.RES0.INSTANCE0.BLINK at %QX0.0 write blink, instance0.blink or %QX0.0.

Exit codes:
  0  done
  1  refused or failed; the message says why
  2  the command line is wrong
  3  the host cannot be reached
  4  not logged in
  5  the certificate of the host has changed";

/// Controls an OpenPLC Runtime over its public API.
#[derive(Debug, Parser)]
#[command(version, after_help = AFTER)]
pub struct Arguments {
    /// Runtime to talk to [default: the one last logged in to, else 127.0.0.1:8443]
    #[arg(long, global = true, value_name = "ADDR[:PORT]", env = "OPENPLC_HOST")]
    pub host: Option<Host>,
    /// Print JSON: one document, or one a line where output goes on
    #[arg(long, global = true)]
    pub json: bool,
    /// Trust the certificate that the host shows now, in place of the one that was remembered
    #[arg(long, global = true)]
    pub accept_certificate: bool,
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Log in; the session is remembered for further commands
    Login(Login),
    /// End the session
    Logout,
    /// Upload a program.zip; the runtime builds and starts it
    Upload(Upload),
    /// Show state and timing
    Status {
        /// Go on showing them
        #[arg(long, short)]
        watch: bool,
    },
    /// Start the PLC
    Start {
        /// From initial values; what was retained is forgotten
        #[arg(long)]
        cold: bool,
    },
    /// Stop the PLC
    Stop,
    /// Show the log of the runtime
    Logs {
        /// Go on with what is logged from now on
        #[arg(long, short)]
        follow: bool,
        /// Least severity shown
        #[arg(long, value_enum, default_value_t = Severity::Debug)]
        level: Severity,
    },
    /// Show which variables are retained, and what was restored at the last start
    Retain,
    /// List variables and their values
    Vars {
        /// Only variables whose path, type or location contains this text
        filter: Option<String>,
    },
    /// Show the values of variables as they change
    Watch {
        /// Variables
        #[arg(required = true)]
        names: Vec<String>,
    },
    /// Force a variable to a value
    Force {
        /// Variable
        name: String,
        /// Value, for example TRUE, -5, 16#FF, 1.5, T#1s500ms, 'text'
        #[arg(allow_hyphen_values = true)]
        value: String,
    },
    /// End the forcing of a variable
    Release {
        /// Variable
        name: String,
    },
    /// Manage accounts
    #[command(subcommand)]
    Users(Users),
    /// Show which project is stored on the device, or save it
    Project {
        /// Save it as this zip
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Show the plugins, what they have written and what went wrong last
    Plugins,
    /// Manage Python environments of plugins on this computer
    #[command(subcommand)]
    Venv(Venv),
    /// Forget the certificate and the session of the host
    ForgetHost,
}

/// What to do with accounts.
#[derive(Debug, Subcommand)]
pub enum Users {
    /// List all accounts
    List,
    /// Create an account
    Add {
        /// Its name
        name: String,
        /// It may manage accounts, too
        #[arg(long)]
        admin: bool,
        /// Read the password from standard input
        #[arg(long)]
        password_stdin: bool,
    },
    /// Change a password; all sessions of the account end
    Password {
        /// Account; your own when absent
        name: Option<String>,
        /// Read the current password, if it is your own, and the new one from lines of standard input
        #[arg(long)]
        password_stdin: bool,
    },
    /// Change what an account may do
    Role {
        /// Account
        name: String,
        /// What it may do
        #[arg(value_enum)]
        role: Role,
    },
    /// Remove an account
    Remove {
        /// Account
        name: String,
    },
}

/// What an account may do.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Role {
    /// Everything
    Admin,
    /// Everything but manage the accounts of others
    User,
}

impl Role {
    /// The API's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::User => "user",
        }
    }
}

/// What to do with Python environments.
#[derive(Debug, Subcommand)]
pub enum Venv {
    /// Create the environment of a plugin
    Create {
        /// Name of the plugin
        name: String,
        /// Interpreter that the environment is for
        #[arg(long, value_name = "PATH", default_value = "/usr/bin/python3")]
        python: PathBuf,
    },
    /// Install packages into an environment
    Install {
        /// Name of the plugin
        name: String,
        /// File with a package a line
        #[arg(long, short, value_name = "FILE")]
        requirements: Option<PathBuf>,
        /// Packages, for example pymodbus==3.11.1
        #[arg(required_unless_present = "requirements")]
        packages: Vec<String>,
    },
    /// List environments
    List,
    /// Show the interpreter and the packages of an environment
    Info {
        /// Name of the plugin
        name: String,
    },
    /// Remove an environment
    Remove {
        /// Name of the plugin
        name: String,
    },
}

/// How to log in.
#[derive(Debug, Args)]
pub struct Login {
    /// Runtime to log in to
    #[arg(value_name = "HOST")]
    pub runtime: Option<Host>,
    /// User name; asked for when absent
    #[arg(long, short, env = "OPENPLC_USER")]
    pub user: Option<String>,
    /// Read the password from the first line of standard input; also taken from OPENPLC_PASSWORD, otherwise asked for
    #[arg(long)]
    pub password_stdin: bool,
    /// Create the first user of a new runtime, then log in
    #[arg(long)]
    pub create: bool,
}

/// What to upload and how.
#[derive(Debug, Args)]
pub struct Upload {
    /// The zip that the Editor makes
    pub file: PathBuf,
    /// Show the build log and wait until the program runs
    #[arg(long, short)]
    pub follow: bool,
    /// Build even if the program is unchanged
    #[arg(long)]
    pub clean: bool,
}

/// Severity of log lines.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Severity {
    /// Everything
    Debug,
    /// Normal operation
    Info,
    /// Somebody should look
    Warning,
    /// Something failed
    Error,
}

impl Severity {
    /// The API's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warning => "WARNING",
            Self::Error => "ERROR",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn completions_are_those_of_the_command_line() {
        openplc_completions::check(&<Arguments as clap::CommandFactory>::command());
    }
}
