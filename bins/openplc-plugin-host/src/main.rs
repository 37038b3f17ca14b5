//! `openplc-plugin-host NAME`: runs the plugin NAME of `plugins.conf` in a process of its own.
#![forbid(unsafe_code)]

mod confinement;
mod daemon;
mod interpreter;
mod native;
mod program;

fn main() -> std::process::ExitCode {
    daemon::main()
}
