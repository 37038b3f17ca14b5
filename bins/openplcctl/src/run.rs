//! From the command line to a command, and from its outcome to an exit code.

use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use serde_json::json;
use tokio::runtime::Builder;

use crate::arguments::{Arguments, Command};
use crate::client::Client;
use crate::commands::{self, Output};
use crate::failure::Failure;
use crate::memory::Memory;
use crate::screen;

/// Runs the program.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let json = arguments.json;
    match execute(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if json {
                let document = json!({ "error": failure.to_string(), "code": failure.exit_code() });
                screen::complain(&document.to_string());
            } else {
                screen::complain(&format!("openplcctl: {failure}"));
            }
            ExitCode::from(failure.exit_code())
        }
    }
}

fn execute(arguments: Arguments) -> Result<(), Failure> {
    let memory = Memory::of_user()?;
    let named = match &arguments.command {
        Command::Login(login) => login.runtime.clone().or(arguments.host),
        _ => arguments.host,
    };
    let host = match named {
        Some(host) => host,
        None => memory.last_host()?.unwrap_or_default(),
    };
    let output = Output { json: arguments.json };
    let mut client = Client::new(host, memory, arguments.accept_certificate)?;
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .context("Cannot start")?;
    runtime.block_on(dispatch(arguments.command, &mut client, output))
}

async fn dispatch(command: Command, client: &mut Client, output: Output) -> Result<(), Failure> {
    match command {
        Command::Login(login) => commands::session::login(client, output, login).await,
        Command::Logout => commands::session::logout(client, output).await,
        Command::ForgetHost => commands::session::forget(client, output),
        Command::Upload(upload) => commands::upload::upload(client, output, upload).await,
        Command::Status { watch } => commands::status::status(client, output, watch).await,
        Command::Start { cold } => commands::plc::start(client, output, cold).await,
        Command::Retain => commands::retain::retain(client, output).await,
        Command::Users(what) => commands::users::users(client, output, what).await,
        Command::Project { output: file } => commands::project::project(client, output, file).await,
        Command::Plugins => commands::plugins::plugins(client, output).await,
        // It concerns no host.
        Command::Venv(what) => commands::venv::venv(what, output),
        Command::Stop => commands::plc::stop(client, output).await,
        Command::Logs { follow, level } => commands::logs::logs(client, output, follow, level).await,
        Command::Vars { filter } => commands::values::vars(client, output, filter.as_deref()).await,
        Command::Watch { names } => commands::values::watch(client, output, &names).await,
        Command::Force { name, value } => commands::values::force(client, output, &name, &value).await,
        Command::Release { name } => commands::values::release(client, output, &name).await,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
        let parse = |words: &[&str]| Arguments::try_parse_from([&["openplcctl"], words].concat()).is_ok();
        assert!(parse(&["login", "--create", "--user", "anna", "plc.local:8443"]));
        assert!(parse(&["login", "--host", "plc.local"]));
        assert!(parse(&["force", "level", "-5", "--json"]));
        assert!(!parse(&["--host", "a b", "status"]));
        assert!(!parse(&["watch"]));
    }
}
