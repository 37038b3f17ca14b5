//! What the administrator allows, `/etc/openplc-runtime/modbus-slave.toml`, in the form in which it is asked.

use openplc_modbus::function;
use openplc_settings::modbus_slave::ModbusSlave;

/// Which functions may be called.
#[derive(Debug, Clone)]
pub struct Policy {
    allowed: Vec<u8>,
}

impl Policy {
    /// What the settings say.
    pub fn new(settings: &ModbusSlave) -> Self {
        let allowed = settings.function_codes.iter().copied();
        Self {
            allowed: allowed
                .filter(|code| !settings.read_only || !function::writes(*code))
                .collect(),
        }
    }

    /// Whether requests of this function are answered.
    pub fn allows(&self, function: u8) -> bool {
        self.allowed.contains(&function)
    }
}
