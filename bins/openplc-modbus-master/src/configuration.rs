//! `modbus_master.json`, as the Editor writes it: an array of devices. Keys that are not known here are ignored.

mod file;
mod point;

use std::fmt;
use std::time::Duration;

use openplc_plugin::Layout;
use serde_json::Value;
use thiserror::Error;

pub use point::{OnFailure, Point, parts};

use file::{File, Transport};

/// The file cannot be used at all.
#[derive(Debug, Error)]
pub enum ConfigurationError {
    /// It is no JSON.
    #[error("modbus_master.json is no JSON: {0}")]
    Syntax(#[from] serde_json::Error),
    /// It is something else than a list of devices.
    #[error("modbus_master.json must be an array of devices")]
    NoArray,
}

/// Something in the file that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("modbus_master.json: {key}: {why}")]
pub struct Mistake {
    /// The key, with those around it.
    key: String,
    /// What it may be.
    why: String,
}

impl Mistake {
    fn new(key: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            why: why.into(),
        }
    }
}

/// A device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// What people call it.
    pub name: String,
    /// Where it is reached. Devices of which this is the same share one connection.
    pub place: Place,
    /// Its number there.
    pub unit: u8,
    /// How long it may take to answer.
    pub timeout: Duration,
    /// What is exchanged with it.
    pub points: Vec<Point>,
}

/// Where devices are reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A TCP server: the device itself, or a gateway to several.
    Tcp {
        /// Name or address.
        host: String,
        /// TCP port.
        port: u16,
    },
    /// A serial line.
    Serial(SerialSettings),
}

/// A serial line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SerialSettings {
    /// Path of the port, such as `/dev/ttyUSB0`.
    pub port: String,
    /// Bits in a second.
    pub baud_rate: u32,
    /// Parity.
    pub parity: Parity,
    /// 1 or 2.
    pub stop_bits: u8,
}

/// Parity of a serial line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
pub enum Parity {
    /// None.
    #[serde(rename = "N")]
    None,
    /// Even.
    #[serde(rename = "E")]
    Even,
    /// Odd.
    #[serde(rename = "O")]
    Odd,
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } => write!(formatter, "{host} port {port}"),
            Self::Serial(settings) => write!(formatter, "{}", settings.port),
        }
    }
}

/// The devices that can be used, and what is wrong with the others.
#[derive(Debug, Default)]
pub struct Configuration {
    /// Devices whose part of the file has no mistake.
    pub devices: Vec<Device>,
    /// Mistakes: a device that has one is left out, as half of it may be worse than nothing.
    pub mistakes: Vec<Mistake>,
}

impl Configuration {
    /// Reads the text of the file, for an image of this layout.
    ///
    /// # Errors
    /// [`ConfigurationError`].
    pub fn parse(text: &str, layout: &Layout) -> Result<Self, ConfigurationError> {
        let Value::Array(elements) = serde_json::from_str(text)? else {
            return Err(ConfigurationError::NoArray);
        };
        let mut configuration = Self::default();
        for (number, element) in elements.into_iter().enumerate() {
            match device(element, layout) {
                Ok(device) => configuration.devices.push(device),
                Err(Mistake { key, why }) => {
                    let key = format!("[{number}].{key}");
                    configuration.mistakes.push(Mistake { key, why });
                }
            }
        }
        Ok(configuration)
    }
}

fn device(element: Value, layout: &Layout) -> Result<Device, Mistake> {
    let File { name, config } = serde_path_to_error::deserialize(element)
        .map_err(|error| Mistake::new(error.path().to_string(), error.inner().to_string()))?;
    let units = match config.transport {
        Transport::Tcp => 0..=255,
        Transport::Rtu => 1..=247,
    };
    if !units.contains(&config.slave_id) {
        let why = format!("must be from {} to {}", units.start(), units.end());
        return Err(Mistake::new("config.slave_id", why));
    }
    if !(1..=60_000).contains(&config.timeout_ms) {
        return Err(Mistake::new("config.timeout_ms", "must be from 1 to 60000"));
    }
    let place = match config.transport {
        Transport::Tcp => Place::Tcp {
            host: config.host,
            port: config.port,
        },
        Transport::Rtu => Place::Serial(SerialSettings {
            port: config
                .serial_port
                .filter(|port| !port.is_empty())
                .ok_or_else(|| Mistake::new("config.serial_port", "is missing"))?,
            baud_rate: Some(config.baud_rate)
                .filter(|rate| (50..=4_000_000).contains(rate))
                .ok_or_else(|| Mistake::new("config.baud_rate", "must be from 50 to 4000000"))?,
            parity: config.parity,
            stop_bits: match (config.stop_bits, config.data_bits) {
                (stop_bits @ 1..=2, 8) => stop_bits,
                (_, 8) => return Err(Mistake::new("config.stop_bits", "must be 1 or 2")),
                _ => {
                    return Err(Mistake::new(
                        "config.data_bits",
                        "must be 8: Modbus RTU sends whole bytes",
                    ));
                }
            },
        }),
    };
    let points = config.io_points.into_iter().enumerate();
    let points = points.map(|(number, point)| {
        point::check(&point, layout).map_err(|Mistake { key, why }| {
            let key = format!("config.io_points[{number}].{key}");
            Mistake { key, why }
        })
    });
    Ok(Device {
        name,
        place,
        unit: config.slave_id,
        timeout: Duration::from_millis(config.timeout_ms),
        points: points.collect::<Result<_, _>>()?,
    })
}

#[cfg(test)]
mod tests;
