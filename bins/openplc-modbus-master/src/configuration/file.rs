//! The file as it is written.

use std::fmt;
use std::num::NonZeroU16;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};

use super::{OnFailure, Parity};

/// Where devices listen when the file does not say. It is not 0, which is checked when this is compiled.
const PORT: NonZeroU16 = NonZeroU16::new(502).unwrap();

/// One element of the array.
#[derive(Deserialize)]
pub struct File {
    #[serde(default = "no_name")]
    pub name: String,
    pub config: Config,
}

/// How a device is reached.
#[derive(Deserialize, Clone, Copy, Default, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// The only one of Editors 4.1.0 and 4.1.1, which do not say it.
    #[default]
    Tcp,
    Rtu,
}

#[derive(Deserialize)]
#[serde(default)]
pub struct Config {
    pub transport: Transport,
    pub host: String,
    pub port: NonZeroU16,
    pub serial_port: Option<String>,
    pub baud_rate: u32,
    pub parity: Parity,
    pub stop_bits: u8,
    pub data_bits: u8,
    pub timeout_ms: u64,
    pub slave_id: u8,
    pub io_points: Vec<IoPoint>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            transport: Transport::default(),
            host: "127.0.0.1".into(),
            port: PORT,
            serial_port: None,
            baud_rate: 9600,
            parity: Parity::None,
            stop_bits: 1,
            data_bits: 8,
            timeout_ms: 1000,
            slave_id: 1,
            io_points: Vec::new(),
        }
    }
}

#[derive(Deserialize)]
pub struct IoPoint {
    pub fc: u8,
    #[serde(default)]
    pub offset: Offset,
    pub iec_location: String,
    #[serde(default = "one")]
    pub len: u32,
    #[serde(default = "a_second")]
    pub cycle_time_ms: u64,
    #[serde(default)]
    pub error_handling: OnFailure,
}

/// Number of the first coil or register. The Editor writes a text.
pub enum Offset {
    Number(u64),
    Text(String),
}

// Serde's own way for either of two would first make a tree of whatever is there.
impl<'de> Deserialize<'de> for Offset {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl Visitor<'_> for Either {
            type Value = Offset;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a number or a text")
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Offset, E> {
                Ok(Offset::Number(number))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Offset, E> {
                Ok(Offset::Text(text.to_owned()))
            }
        }

        deserializer.deserialize_any(Either)
    }
}

impl Default for Offset {
    fn default() -> Self {
        Self::Number(0)
    }
}

fn no_name() -> String {
    "device".into()
}

fn one() -> u32 {
    1
}

fn a_second() -> u64 {
    1000
}
