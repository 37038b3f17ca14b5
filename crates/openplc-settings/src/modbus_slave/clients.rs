//! Addresses and networks of clients.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use toml::de::DeValue;

/// Who may connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AllowedClients {
    /// Everybody.
    All,
    /// These.
    Only(Vec<Network>),
}

/// An address, or all whose first bits are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl AllowedClients {
    /// Whether this address may connect. An IPv4 address that is written as one of IPv6 is to be given as the former.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match self {
            Self::All => true,
            Self::Only(networks) => networks.iter().any(|network| network.contains(address)),
        }
    }
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Some(most), |bits| bits.parse().ok())?;
        (bits <= most).then_some(Self { address, bits })
    }

    fn contains(self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let mask = u32::MAX
                    .checked_shl(Ipv4Addr::BITS - u32::from(self.bits))
                    .unwrap_or(0);
                (network.to_bits() ^ address.to_bits()) & mask == 0
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let mask = u128::MAX
                    .checked_shl(Ipv6Addr::BITS - u32::from(self.bits))
                    .unwrap_or(0);
                (network.to_bits() ^ address.to_bits()) & mask == 0
            }
            _ => false,
        }
    }
}

/// `"all"` or a list of texts.
pub(super) fn read(value: &DeValue<'_>) -> Option<AllowedClients> {
    if value.as_str() == Some("all") {
        return Some(AllowedClients::All);
    }
    let networks = value.as_array()?.iter();
    let networks: Option<_> = networks
        .map(|network| Network::parse(network.get_ref().as_str()?))
        .collect();
    networks.map(AllowedClients::Only)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_contains_what_begins_alike() {
        for (network, inside, outside) in [
            ("192.168.1.20", "192.168.1.20", "192.168.1.21"),
            ("192.168.1.0/24", "192.168.1.255", "192.168.2.0"),
            ("10.1.0.0/9", "10.127.0.1", "10.128.0.1"),
            ("fd00::/8", "fd12::1", "fe80::1"),
            ("::1", "::1", "127.0.0.1"),
        ] {
            let network = Network::parse(network).unwrap();
            assert!(network.contains(inside.parse().unwrap()), "{network:?}");
            assert!(!network.contains(outside.parse().unwrap()), "{network:?}");
        }
        assert!(
            Network::parse("0.0.0.0/0")
                .unwrap()
                .contains(IpAddr::from([9, 9, 9, 9]))
        );
        for wrong in [
            "",
            "1.2.3",
            "1.2.3.4/33",
            "::/129",
            "1.2.3.4/-1",
            "plc",
            "1.2.3.4/",
        ] {
            assert_eq!(Network::parse(wrong), None, "{wrong}");
        }
    }
}
