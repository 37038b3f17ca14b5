//! Measures how late this computer starts the scans of a task, with the scan engine's own loop: how suitable it is for a
//! wished period, and why it is not.
//!
//! It needs no runtime to be installed or running, and changes nothing on the computer.
#![forbid(unsafe_code)]

mod arguments;
mod computer;
mod drawing;
mod load;
mod measurement;
mod report;
mod run;
mod verdict;

fn main() -> std::process::ExitCode {
    run::run()
}
