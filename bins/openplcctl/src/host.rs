//! Address and port of a runtime.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

const PORT: u16 = 8443;

/// A runtime, as the user names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Host {
    name: String,
    port: u16,
}

impl Default for Host {
    fn default() -> Self {
        Self {
            name: "127.0.0.1".into(),
            port: PORT,
        }
    }
}

impl Host {
    /// Name or address, without brackets.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Port.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl FromStr for Host {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text
            .strip_prefix("https://")
            .unwrap_or(text)
            .trim_end_matches('/');
        let error = || format!("{text} is no address: write NAME, ADDRESS, NAME:PORT or [IPV6]:PORT");
        let (name, port) = if text.parse::<Ipv6Addr>().is_ok() {
            (text, None)
        } else if let Some((address, rest)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            address.parse::<Ipv6Addr>().map_err(|_| error())?;
            (
                address,
                if rest.is_empty() {
                    None
                } else {
                    Some(rest.strip_prefix(':').ok_or_else(error)?)
                },
            )
        } else {
            text.split_once(':')
                .map_or((text, None), |(name, port)| (name, Some(port)))
        };
        let allowed = |c: char| c.is_alphanumeric() || ".-_:".contains(c);
        if name.is_empty() || !name.chars().all(allowed) {
            return Err(error());
        }
        let port = port.map_or(Ok(PORT), str::parse).map_err(|_| error())?;
        Ok(Self {
            name: name.to_lowercase(),
            port,
        })
    }
}

impl fmt::Display for Host {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.name.contains(':') {
            write!(out, "[{}]:{}", self.name, self.port)
        } else {
            write!(out, "{}:{}", self.name, self.port)
        }
    }
}

impl TryFrom<String> for Host {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Host> for String {
    fn from(host: Host) -> Self {
        host.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_understood_as_people_write_them() {
        for (text, expected) in [
            ("plc.local", "plc.local:8443"),
            ("PLC:18443", "plc:18443"),
            ("10.0.0.5", "10.0.0.5:8443"),
            ("https://10.0.0.5:8443/", "10.0.0.5:8443"),
            ("::1", "[::1]:8443"),
            ("[fe80::1]:9", "[fe80::1]:9"),
            ("[::1]", "[::1]:8443"),
        ] {
            assert_eq!(text.parse::<Host>().unwrap().to_string(), expected, "{text}");
        }
        for bad in [
            "",
            ":8443",
            "plc:",
            "plc:x",
            "plc:70000",
            "[::1",
            "[plc]:1",
            "a/b",
            "a b",
            "[::1]8",
        ] {
            assert!(bad.parse::<Host>().is_err(), "{bad}");
        }
    }
}
