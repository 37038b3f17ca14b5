//! Network interfaces of this machine, which the Editor offers for a fieldbus.

use std::fs;
use std::path::Path;

use serde::Serialize;

/// What the kernel calls Ethernet (ARPHRD_ETHER).
const ETHERNET: &str = "1";

/// One interface.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct NetworkInterface {
    name: String,
    description: String,
}

/// The Ethernet interfaces that `net_class`, usually `/sys/class/net`, lists, in the order of their names. None where the sandbox
/// of this process hides them.
pub fn list(net_class: &Path) -> Vec<NetworkInterface> {
    let mut interfaces: Vec<NetworkInterface> = fs::read_dir(net_class)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| interface(entry.file_name().into_string().ok()?, &entry.path()))
        .collect();
    interfaces.sort_by(|a, b| a.name.cmp(&b.name));
    interfaces
}

fn interface(name: String, entry: &Path) -> Option<NetworkInterface> {
    let read = |file: &str| Some(fs::read_to_string(entry.join(file)).ok()?.trim().to_owned());
    (read("type")? == ETHERNET).then_some(())?;
    let address = read("address").unwrap_or_default();
    let state = read("operstate").unwrap_or_else(|| "unknown".into());
    Some(NetworkInterface {
        name,
        description: format!("Ethernet {address} ({state})"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ethernet_is_listed_and_the_loopback_is_not() {
        let root = tempfile::tempdir().unwrap();
        for (name, kind) in [
            ("eth1", "1\n"),
            ("eth0", "1\n"),
            ("lo", "772\n"),
            ("can0", "280\n"),
        ] {
            fs::create_dir(root.path().join(name)).unwrap();
            fs::write(root.path().join(name).join("type"), kind).unwrap();
        }
        fs::write(root.path().join("eth0/address"), "02:00:00:00:00:01\n").unwrap();
        fs::write(root.path().join("eth0/operstate"), "up\n").unwrap();
        let found: Vec<_> = list(root.path())
            .into_iter()
            .map(|interface| (interface.name, interface.description))
            .collect();
        assert_eq!(
            found[0],
            ("eth0".into(), "Ethernet 02:00:00:00:00:01 (up)".into())
        );
        assert_eq!((found.len(), found[1].0.as_str()), (2, "eth1"));
    }

    #[test]
    fn what_cannot_be_seen_is_not_there() {
        assert_eq!(list(Path::new("/nonexistent")), []);
    }
}
