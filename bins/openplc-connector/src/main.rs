//! `openplc-connector`: connects the communication blocks of programs, which have no network of their own, to where the
//! administrator allows it.
//!
//! It makes a connection, hands the socket to the core, and has no part in what passes over it.
#![forbid(unsafe_code)]

mod allowed;
mod connect;
mod daemon;

fn main() -> std::process::ExitCode {
    openplc_plugin::run(
        openplc_wire::communication::PLUGIN,
        "openplc-connector",
        daemon::run,
    )
}
