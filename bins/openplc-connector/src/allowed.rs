//! Where programs may connect to: `communication.json` of the administrator.
//!
//! It is read where only the administrator writes. What the core publishes as a plugin's configuration could come from a program,
//! which runs in the core.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;

use serde::Deserialize;
use thiserror::Error;

/// The whole file: `{"allow": ["192.168.1.0/24:502", "10.0.0.7:5000-5010", "10.1.0.0/16:*"]}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Configuration {
    allow: Vec<String>,
}

/// Name of the file.
const FILE: &str = "communication.json";

/// Why the file cannot be used.
#[derive(Debug, Error)]
pub enum ConfigurationError {
    #[error("the folder of the settings is not known: start it by systemd or openplc-launcher")]
    NoFolder,
    #[error("{} cannot be read: {error}", path.display())]
    File { path: PathBuf, error: io::Error },
    #[error("communication.json is no JSON of the form {{\"allow\": [\"192.168.1.0/24:502\"]}}: {0}")]
    Form(#[from] serde_json::Error),
    #[error(
        "communication.json: {0:?} is no IPv4 address with a port, such as 192.168.1.7:502, 192.168.1.0/24:5000-5010 or 10.0.0.0/8:*"
    )]
    Target(String),
}

/// Every place that is allowed.
#[derive(Debug, PartialEq, Eq)]
pub struct Allowed(Vec<Target>);

#[derive(Debug, PartialEq, Eq)]
struct Target {
    network: Ipv4Addr,
    /// Bits of an address that belong to the network.
    mask: u32,
    ports: RangeInclusive<u16>,
}

impl Allowed {
    /// What the administrator's file says.
    ///
    /// # Errors
    /// As [`Self::parse`], and where there is no file.
    pub fn load() -> Result<Self, ConfigurationError> {
        let folder = openplc_settings::directory().ok_or(ConfigurationError::NoFolder)?;
        let path = folder.join(FILE);
        let text = fs::read_to_string(&path).map_err(|error| ConfigurationError::File { path, error })?;
        Self::parse(&text)
    }

    /// What the configuration's text says.
    ///
    /// # Errors
    /// Where any of it is not understood: half a list might be less than what a plant needs.
    pub fn parse(text: &str) -> Result<Self, ConfigurationError> {
        let configuration: Configuration = serde_json::from_str(text)?;
        let targets = configuration.allow.into_iter().map(|text| {
            text.parse()
                .map_err(|NoTarget| ConfigurationError::Target(text.chars().take(60).collect()))
        });
        Ok(Self(targets.collect::<Result<_, _>>()?))
    }

    /// Whether `address` is among them.
    pub fn contains(&self, address: SocketAddrV4) -> bool {
        self.0.iter().any(|target| target.contains(address))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

#[derive(Debug)]
struct NoTarget;

impl From<std::num::ParseIntError> for NoTarget {
    fn from(_: std::num::ParseIntError) -> Self {
        Self
    }
}

impl FromStr for Target {
    type Err = NoTarget;

    fn from_str(text: &str) -> Result<Self, NoTarget> {
        let (place, ports) = text.trim().rsplit_once(':').ok_or(NoTarget)?;
        let (network, bits) = match place.split_once('/') {
            Some((network, bits)) => (network, bits.parse()?),
            None => (place, 32_u32),
        };
        let mask = match bits {
            0 => 0,
            1..=32 => u32::MAX << (32 - bits),
            _ => return Err(NoTarget),
        };
        let ports = match ports.split_once('-') {
            _ if ports == "*" => 1..=u16::MAX,
            Some((first, last)) => first.parse()?..=last.parse()?,
            None => {
                let port = ports.parse()?;
                port..=port
            }
        };
        if ports.is_empty() || *ports.start() == 0 {
            return Err(NoTarget);
        }
        let network = network.parse().map_err(|_| NoTarget)?;
        Ok(Self { network, mask, ports })
    }
}

impl Target {
    fn contains(&self, address: SocketAddrV4) -> bool {
        let network = |address: Ipv4Addr| address.to_bits() & self.mask;
        network(*address.ip()) == network(self.network) && self.ports.contains(&address.port())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(allow: &str, address: &str) -> bool {
        let text = format!(r#"{{"allow": [{allow:?}]}}"#);
        Allowed::parse(&text).unwrap().contains(address.parse().unwrap())
    }

    #[test]
    fn networks_and_ranges_of_ports_are_understood() {
        assert!(allows("192.168.1.7:502", "192.168.1.7:502"));
        assert!(!allows("192.168.1.7:502", "192.168.1.8:502"));
        assert!(!allows("192.168.1.7:502", "192.168.1.7:503"));
        assert!(allows("192.168.1.77/24:502", "192.168.1.1:502"));
        assert!(!allows("192.168.1.0/24:502", "192.168.2.1:502"));
        assert!(allows("10.0.0.0/8:*", "10.255.0.1:1"));
        assert!(allows("0.0.0.0/0:5000-5010", "8.8.8.8:5010"));
        assert!(!allows("0.0.0.0/0:5000-5010", "8.8.8.8:5011"));
        assert!(
            !Allowed::parse(r#"{"allow": []}"#)
                .unwrap()
                .contains("127.0.0.1:1".parse().unwrap())
        );
    }

    #[test]
    fn what_is_not_understood_is_refused_as_a_whole() {
        for text in [
            "",
            "[]",
            "{}",
            r#"{"allow": ["1.2.3.4:1"], "deny": []}"#,
            r#"{"allow": [5]}"#,
        ] {
            assert!(
                matches!(Allowed::parse(text), Err(ConfigurationError::Form(_))),
                "{text}"
            );
        }
        for target in [
            "",
            "1.2.3.4",
            "1.2.3:5",
            "1.2.3.4/33:5",
            "1.2.3.4:0",
            "1.2.3.4:6-5",
            "plc.local:5",
            "[::1]:5",
        ] {
            let text = format!(r#"{{"allow": ["1.2.3.4:1", {target:?}]}}"#);
            let error = Allowed::parse(&text).unwrap_err();
            assert!(error.to_string().contains(&format!("{target:?}")), "{error}");
        }
    }
}
