//! Runs OpenPLC Runtime where there is no systemd: in a container, or as an ordinary user in a folder of their own.
//!
//! It speaks systemd's protocols to its children (`LISTEN_FDS`, `NOTIFY_SOCKET`, `WATCHDOG_USEC`), so that they have one
//! code path for both. It knows nothing of HTTP, programs or scans.
#![forbid(unsafe_code)]

mod accounts_import;
mod arguments;
mod backoff;
mod builds;
mod children;
mod confine;
mod console;
mod example;
mod identity;
mod live_values;
mod log_stream;
mod memory_events;
mod notify;
mod orphans;
mod places;
mod plugins;
mod restrictions;
mod run;
mod service;
mod sockets;
mod spawn;
mod supervisor;
mod unit;

fn main() -> std::process::ExitCode {
    run::run()
}
