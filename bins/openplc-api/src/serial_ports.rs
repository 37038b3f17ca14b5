//! Serial ports of this machine, for the Editor's Modbus RTU dialog.

use std::fs;
use std::path::Path;

use serde::Serialize;

/// Names of ports that can be wired to a device.
const PREFIXES: [&str; 8] = [
    "ttyS", "ttyUSB", "ttyXRUSB", "ttyACM", "ttyAMA", "ttymxc", "ttyAP", "rfcomm",
];

/// One port.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct SerialPort {
    device: String,
    description: String,
}

/// The ports that `tty_class`, usually `/sys/class/tty`, lists, in the order of their names.
pub fn list(tty_class: &Path) -> Vec<SerialPort> {
    let mut ports: Vec<SerialPort> = fs::read_dir(tty_class)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| port(&entry.file_name().into_string().ok()?, &entry.path()))
        .collect();
    ports.sort_by(|a, b| a.device.cmp(&b.device));
    ports
}

fn port(name: &str, entry: &Path) -> Option<SerialPort> {
    if !PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
        return None;
    }
    // The kernel lists places for chips that are not there; their type is 0.
    if read(&entry.join("type")).is_some_and(|kind| kind == "0") {
        return None;
    }
    let device = entry.join("device").canonicalize().ok()?;
    // A USB adapter describes itself in the directory of its USB device, a level or two above the port's.
    let product = device
        .ancestors()
        .skip(1)
        .take(3)
        .find_map(|directory| read(&directory.join("product")));
    Some(SerialPort {
        device: format!("/dev/{name}"),
        description: product.unwrap_or_else(|| name.to_owned()),
    })
}

fn read(path: &Path) -> Option<String> {
    Some(fs::read_to_string(path).ok()?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn real_ports_are_listed_with_what_they_call_themselves() {
        let root = tempfile::tempdir().unwrap();
        let usb = root.path().join("devices/usb1/1-1");
        let class = root.path().join("class");
        for directory in [
            usb.join("1-1:1.0/ttyUSB0"),
            root.path().join("devices/serial8250"),
        ] {
            fs::create_dir_all(directory).unwrap();
        }
        fs::write(usb.join("product"), "FT232R USB UART\n").unwrap();
        for (name, kind, device) in [
            ("ttyUSB0", None, usb.join("1-1:1.0/ttyUSB0")),
            ("ttyS0", Some("4\n"), root.path().join("devices/serial8250")),
            ("ttyS1", Some("0\n"), root.path().join("devices/serial8250")),
            ("tty1", None, root.path().join("devices/serial8250")),
        ] {
            fs::create_dir_all(class.join(name)).unwrap();
            symlink(device, class.join(name).join("device")).unwrap();
            if let Some(kind) = kind {
                fs::write(class.join(name).join("type"), kind).unwrap();
            }
        }
        let found = list(&class);
        let expected =
            [("/dev/ttyS0", "ttyS0"), ("/dev/ttyUSB0", "FT232R USB UART")].map(|(device, description)| {
                SerialPort {
                    device: device.into(),
                    description: description.into(),
                }
            });
        assert_eq!(found, expected);
    }

    #[test]
    fn a_machine_without_ports_has_none() {
        assert_eq!(list(Path::new("/nonexistent")), []);
    }
}
