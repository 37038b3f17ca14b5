//! `openplc-modbus-slave`: Modbus TCP clients read and write the process image.
#![forbid(unsafe_code)]

mod address_map;
mod clients;
mod configuration;
mod connection;
mod counters;
mod daemon;
mod device;
mod listener;
mod pending_writes;
mod points;
mod policy;
mod server;

fn main() -> std::process::ExitCode {
    let inherited = listener::inherited();
    let work = |plugin: &openplc_plugin::Plugin| daemon::run(plugin, inherited);
    openplc_plugin::run("modbus_slave", "openplc-modbus-slave", work)
}
