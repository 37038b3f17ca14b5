//! `openplc-api`: the HTTPS side of OpenPLC Runtime, to which the OpenPLC Editor and scripts speak.
#![forbid(unsafe_code)]

mod answers;
mod application;
mod body;
mod build_log;
mod certificate;
mod core_client;
mod debug_frame;
mod debug_socket;
mod deployment;
mod gate;
mod options;
mod password_work;
mod places;
mod plc_status;
mod routes;
mod serial_ports;
mod server;
mod stall_guard;
mod supervisor;
mod tls;

fn main() -> anyhow::Result<()> {
    openplc_logging::init("openplc-api");
    server::run(&<options::Options as clap::Parser>::parse())
}
