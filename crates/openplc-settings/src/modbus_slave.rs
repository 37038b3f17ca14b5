//! `modbus-slave.toml`: what Modbus TCP clients may do.

mod clients;

use std::time::Duration;

use openplc_modbus::function;
use toml::de::DeValue;

use crate::section::integer;
use crate::{Section, Settings};

pub use clients::AllowedClients;

/// The whole file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModbusSlave {
    /// Whether clients may only read.
    pub read_only: bool,
    /// Function codes that are answered, in ascending order.
    pub function_codes: Vec<u8>,
    /// Who may connect.
    pub clients: AllowedClients,
    /// Most clients at a time.
    pub max_clients: usize,
    /// Most of them from one address.
    pub max_clients_per_address: usize,
    /// After how long without a request a client is disconnected; zero: never.
    pub idle_timeout: Duration,
    /// How long the rest of a request may take, and the client to read an answer.
    pub request_timeout: Duration,
}

impl Default for ModbusSlave {
    fn default() -> Self {
        Self {
            read_only: false,
            function_codes: function::ALL.into(),
            clients: AllowedClients::All,
            max_clients: 128,
            max_clients_per_address: 64,
            idle_timeout: Duration::from_secs(10 * 60),
            request_timeout: Duration::from_secs(5),
        }
    }
}

impl Settings for ModbusSlave {
    const FILE: &'static str = "modbus-slave.toml";

    fn read(&mut self, file: &mut Section<'_>) {
        file.switch("read-only", &mut self.read_only);
        let accepted = format!("\"all\" or a list of function codes out of {:?}", function::ALL);
        file.value(
            "function-codes",
            &accepted,
            "\"all\"",
            &mut self.function_codes,
            function_codes,
        );
        let accepted =
            "\"all\" or a list of addresses and networks such as [\"192.168.1.20\", \"10.0.0.0/8\"]";
        file.value("clients", accepted, "\"all\"", &mut self.clients, clients::read);
        // Each takes an open file, of which the process may have 1024.
        file.number("max-clients", 1..=512, &mut self.max_clients);
        file.number(
            "max-clients-per-address",
            1..=512,
            &mut self.max_clients_per_address,
        );
        let day = Duration::from_secs(24 * 60 * 60);
        file.duration("idle-timeout", Duration::ZERO..=day, &mut self.idle_timeout);
        let times = Duration::from_millis(100)..=Duration::from_secs(60);
        file.duration("request-timeout", times, &mut self.request_timeout);
    }
}

fn function_codes(value: &DeValue<'_>) -> Option<Vec<u8>> {
    if value.as_str() == Some("all") {
        return Some(function::ALL.into());
    }
    let codes = value.as_array()?.iter();
    let known = |code: &u8| function::ALL.contains(code);
    let codes: Option<Vec<u8>> = codes.map(|code| integer(code.get_ref()).filter(known)).collect();
    let mut codes = codes?;
    codes.sort_unstable();
    codes.dedup();
    Some(codes)
}
