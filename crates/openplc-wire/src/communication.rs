//! What the core asks of the plugin that connects communication blocks: `openplc-connector`.
//!
//! The core has no network, and while a program is loaded it cannot make a socket. It therefore hands [`CONNECT`] with
//! [`Connect`] as parameters to the plugin [`PLUGIN`]; the answer is `{}` with the connected socket as descriptor, or
//! `{"error": text}`.

use std::net::SocketAddrV4;

use serde::{Deserialize, Serialize};

/// Name of the plugin.
pub const PLUGIN: &str = "communication";
/// The command that connects.
pub const CONNECT: &str = "connect";

/// Where to connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Connect {
    /// Address and port of the other side.
    pub address: SocketAddrV4,
    /// How to reach it.
    pub protocol: Protocol,
}

/// Protocols of communication blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// A stream of bytes.
    Tcp,
    /// Datagrams.
    Udp,
}

impl Protocol {
    /// Its name, for people.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
        }
    }
}
