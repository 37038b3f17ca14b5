//! Command line client of OpenPLC Runtime: everything that people and scripts do with a PLC, over the public API.
#![forbid(unsafe_code)]

mod answer;
mod arguments;
mod certificate;
mod client;
mod commands;
mod failure;
mod figures;
mod histogram;
mod host;
mod memory;
mod names;
mod password;
mod progress;
mod run;
mod screen;
mod variables;

fn main() -> std::process::ExitCode {
    run::run()
}
