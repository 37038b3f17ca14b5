//! `openplc-core`: keeps PLC programs and executes them in scan cycles. It is told what to do over its control socket.
#![forbid(unsafe_code)]

mod code_at_work;
mod communication;
mod confinement;
mod connection;
mod daemon;
mod debug_variables;
mod fault_history;
mod fault_location;
mod figures;
mod foreign_threads;
mod housekeeping;
mod image_server;
mod in_scan_plugin;
mod last_end;
mod line_budget;
mod loaded;
mod located_points;
mod log_ids;
mod log_ring;
mod machine;
mod plugins;
mod process_image;
mod program_log;
mod program_output;
mod python_blocks;
mod python_process;
mod python_script;
mod real_time;
mod retention;
mod scan;
mod server;
mod store;
mod trial;
mod view;
mod watchdog;

fn main() -> std::process::ExitCode {
    daemon::main()
}
