//! One build of one uploaded PLC program. The connection on standard input is the build; closing it cancels it.
#![forbid(unsafe_code)]

mod arguments;
mod build;
mod compiler;
mod conversation;
mod diagnostics;
mod ending;
mod guard;
mod jobs;
mod left_over;
mod linker;
mod matiec;
mod memory;
mod plan;
mod prelude;
mod result;
mod sandbox;
mod split;
mod stage;
mod strucpp;
mod toolchain;
mod worker;
mod workspace;

use std::process::ExitCode;

fn main() -> ExitCode {
    worker::run(&clap::Parser::parse())
}
