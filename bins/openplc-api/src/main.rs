//! `openplc-api`: the HTTPS side of OpenPLC Runtime, to which the OpenPLC Editor and scripts speak.
#![forbid(unsafe_code)]

mod admission;
mod answers;
mod application;
mod body;
mod build_log;
mod certificate;
mod core_client;
mod debug_frame;
mod debug_socket;
mod deployment;
mod discovery;
mod gate;
mod left_overs;
mod metrics;
mod network_interfaces;
mod options;
mod origin;
mod password_work;
mod placed_stream;
mod places;
mod plc_status;
mod project;
mod reception;
mod retain_status;
mod routes;
mod serial_ports;
mod server;
mod stall_guard;
mod supervisor;
mod tls;

fn main() -> anyhow::Result<()> {
    let options = <options::Options as clap::Parser>::parse();
    let loaded = openplc_settings::load::<openplc_settings::api::Api>();
    openplc_logging::init("openplc-api", loaded.settings.log_level.word());
    server::run(&options, &loaded)
}
