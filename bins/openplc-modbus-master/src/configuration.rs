//! `modbus_master.json`, as the Editor writes it: an array of devices. Keys that are not known here are ignored.
//!
//! The file is a stranger's. It is read device by device, and its length, the devices, their values and the mistakes that are told have
//! limits, so that whatever is in it the master stays far from the memory that it may have.

mod file;
mod point;

use std::fmt;
use std::time::Duration;

use openplc_plugin::Layout;
use openplc_text::{excerpt, is_visible};
use serde::Deserializer;
use serde::de::{SeqAccess, Visitor};
use serde_json::value::RawValue;
use thiserror::Error;

pub use point::{OnFailure, Point, parts};

use file::{File, Transport};

/// Largest file, in bytes: thousands of points.
const MAX_BYTES: usize = 1 << 20;
/// Most devices ...
const MAX_DEVICES: usize = 1000;
/// ... and most values in their points: of each of them some fifty bytes are kept.
const MAX_VALUES: u32 = 1 << 18;
/// Mistakes that are told.
const MAX_MISTAKES: usize = 20;
/// Longest texts of strangers that are shown, in characters.
const MAX_NAME: usize = 64;
const MAX_TEXT: usize = 300;
/// Longest name of a computer or path of a serial port, in bytes.
const MAX_PLACE: usize = 255;

/// The file cannot be used at all.
#[derive(Debug, Error)]
pub enum ConfigurationError {
    /// It is too large.
    #[error("modbus_master.json has {0} bytes, and {MAX_BYTES} are the most that are read")]
    TooLong(usize),
    /// It is no JSON, or something else than a list of devices.
    #[error("modbus_master.json cannot be used: {0}")]
    NoDevices(String),
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
    fn new(key: impl AsRef<str>, why: impl AsRef<str>) -> Self {
        Self {
            key: excerpt(key.as_ref(), MAX_TEXT),
            why: excerpt(why.as_ref(), MAX_TEXT),
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

impl Device {
    /// How many values are exchanged with it.
    fn values(&self) -> u32 {
        self.points
            .iter()
            .fold(0, |sum, point| sum.saturating_add(point.count))
    }
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
    /// Mistakes, the first of them: a device that has one is left out, as half of it may be worse than nothing.
    pub mistakes: Vec<Mistake>,
    /// Devices that are left out for mistakes beyond these.
    pub more_mistakes: usize,
}

impl Configuration {
    /// Reads the text of the file, for an image of this layout.
    ///
    /// # Errors
    /// [`ConfigurationError`].
    pub fn parse(text: &str, layout: &Layout) -> Result<Self, ConfigurationError> {
        if text.len() > MAX_BYTES {
            return Err(ConfigurationError::TooLong(text.len()));
        }
        let mut json = serde_json::Deserializer::from_str(text);
        let configuration = json
            .deserialize_seq(Devices { layout })
            .and_then(|configuration| json.end().map(|()| configuration));
        configuration.map_err(|error| ConfigurationError::NoDevices(excerpt(&error.to_string(), MAX_TEXT)))
    }
}

/// Reads devices, one after the other.
struct Devices<'a> {
    layout: &'a Layout,
}

impl<'de> Visitor<'de> for Devices<'_> {
    type Value = Configuration;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array of devices")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Configuration, A::Error> {
        let mut found = Configuration::default();
        let mut values = 0;
        let mut number = 0;
        while let Some(element) = elements.next_element::<&RawValue>()? {
            let room = (found.devices.len() < MAX_DEVICES).then_some(MAX_VALUES - values);
            match device(element, self.layout, room) {
                Ok(device) => {
                    values += device.values();
                    found.devices.push(device);
                }
                Err(Mistake { key, why }) if found.mistakes.len() < MAX_MISTAKES => {
                    let key = format!("[{number}].{key}");
                    found.mistakes.push(Mistake { key, why });
                }
                Err(_) => found.more_mistakes += 1,
            }
            number += 1;
        }
        Ok(found)
    }
}

/// A device. There is `room` for so many values of it, or not for another device at all.
fn device(element: &RawValue, layout: &Layout, room: Option<u32>) -> Result<Device, Mistake> {
    let room = room.ok_or_else(|| {
        let why = format!("there are {MAX_DEVICES} devices already, the most that are asked");
        Mistake::new("config", why)
    })?;
    let mut json = serde_json::Deserializer::from_str(element.get());
    let File { name, config } = serde_path_to_error::deserialize(&mut json)
        .map_err(|error| Mistake::new(error.path().to_string(), reason(error.inner())))?;
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
            host: Some(config.host)
                .filter(|host| is_place(host))
                .ok_or_else(|| Mistake::new("config.host", "must be the name or address of a computer"))?,
            port: config.port.get(),
        },
        Transport::Rtu => Place::Serial(SerialSettings {
            port: config
                .serial_port
                .filter(|port| is_place(port))
                .ok_or_else(|| Mistake::new("config.serial_port", "must be a path such as /dev/ttyUSB0"))?,
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
    let device = Device {
        name: excerpt(&name, MAX_NAME),
        place,
        unit: config.slave_id,
        timeout: Duration::from_millis(config.timeout_ms),
        points: points.collect::<Result<_, _>>()?,
    };
    if device.values() > room {
        let why = format!("with these there are more than {MAX_VALUES} values, the most that are exchanged");
        return Err(Mistake::new("config.io_points", why));
    }
    Ok(device)
}

/// Whether people can see what this names.
fn is_place(text: &str) -> bool {
    let visible = |character| is_visible(character) && character != ' ';
    (1..=MAX_PLACE).contains(&text.len()) && text.chars().all(visible)
}

/// What is wrong. Where is told by the key: lines would be counted from the beginning of the device.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&place).unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests;
