//! `openplc-modbus-master`: brings values of Modbus devices into the process image, and outputs to them.
#![forbid(unsafe_code)]

mod bus;
mod configuration;
mod daemon;
mod device;
mod health;
mod job;
mod line;
mod outputs;
mod phase;
mod plan;
mod serial_line;
mod tcp_line;
mod values;

fn main() -> std::process::ExitCode {
    openplc_plugin::run("modbus_master", "openplc-modbus-master", daemon::run)
}
