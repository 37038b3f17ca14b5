//! The bundled example programs: builds one, starts it and shows its values, so that a newcomer sees a PLC at work.

use std::collections::BTreeMap;
use std::io::{Cursor, Write};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use nix::ifaddrs::getifaddrs;
use openplc_wire::control::Level;
use openplc_wire::deploy::{Deployer, Event, Wishes};
use openplc_wire::memory_file;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::console::{Console, Priority};
use crate::live_values;
use crate::places::Places;
use crate::spawn::find_program;

/// Path below `examples/` and content of each file.
const FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/examples.rs"));
/// The file that only a STruC++ program has, and the folder of headers that all such programs need.
const STRUCPP: (&str, &str) = ("generated.hpp", "strucpp_runtime");
/// The same of MatIEC programs.
const MATIEC: (&str, &str) = ("Config0.c", "lib");

/// One example.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    name: String,
    /// Folder of the headers that it shares with others.
    shared: &'static str,
}

impl Example {
    /// The example of this name.
    ///
    /// # Errors
    /// When there is none; the message names those that exist.
    pub fn find(name: &str) -> Result<Self> {
        let examples: BTreeMap<&str, &'static str> = FILES
            .iter()
            .filter_map(|(path, _)| {
                let (name, file) = path.split_once('/')?;
                let (_, shared) = [STRUCPP, MATIEC]
                    .into_iter()
                    .find(|(marker, _)| *marker == file)?;
                Some((name, shared))
            })
            .collect();
        let Some(shared) = examples.get(name) else {
            let names: Vec<_> = examples.into_keys().collect();
            bail!(
                "There is no example {name}. The examples are: {}",
                names.join(", ")
            );
        };
        Ok(Self {
            name: name.to_owned(),
            shared,
        })
    }

    /// Deploys the example and shows its values, on a thread of its own. `address` is where the API listens.
    pub fn start(self, console: Arc<Console>, places: &Places, address: SocketAddr) {
        let deployer = Deployer {
            compile_socket: places.compile_socket(),
            core_socket: places.core_socket(),
        };
        std::thread::spawn(move || {
            if let Err(error) = self.run(&console, &deployer, address) {
                console.say(Priority::ERROR, &format!("Example {}: {error:#}", self.name));
            }
        });
    }

    fn run(&self, console: &Console, deployer: &Deployer, address: SocketAddr) -> Result<()> {
        let upload = memory_file::sealed("example", &self.zip()?).context("Cannot make its zip")?;
        let deployed = deployer.deploy(&upload, Wishes::default(), &mut |event| match event {
            Event::Identified { program, generation } => {
                let text = format!(
                    "Example {}: program {} ({generation})",
                    self.name,
                    program.short()
                );
                console.say(Priority::INFO, &text);
            }
            Event::Log { level, line } => {
                console.say(priority(level), &format!("Example {}: {line}", self.name))
            }
        })?;
        console.say(Priority::INFO, &format!("Example {}: running", self.name));
        console.note(&next_steps(address));
        live_values::show(console, &deployer.core_socket, &deployed.program);
        Ok(())
    }

    /// The bundle as an Editor sends it.
    fn zip(&self) -> Result<Vec<u8>> {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (path, content) in FILES {
            let entry = match path.split_once('/') {
                Some((folder, _)) if folder == self.shared => path,
                Some((folder, rest)) if folder == self.name => rest,
                _ => continue,
            };
            zip.start_file(entry, options)
                .and_then(|()| Ok(zip.write_all(content)?))
                .context("Cannot pack it")?;
        }
        Ok(zip.finish().context("Cannot pack it")?.into_inner())
    }
}

fn priority(level: Level) -> Priority {
    match level {
        Level::Error => Priority::ERROR,
        Level::Warning => Priority::WARNING,
        Level::Info | Level::Debug => Priority::INFO,
    }
}

fn next_steps(address: SocketAddr) -> String {
    let reachable = if address.ip().is_unspecified() {
        let mut addresses: Vec<String> = own_addresses().iter().map(ToString::to_string).collect();
        addresses.push("localhost".into());
        addresses.join(" or ")
    } else {
        address.ip().to_string()
    };
    let port = address.port();
    let editor = if port == 8443 {
        format!(
            "  In the OpenPLC Editor: Device > Configuration, board \"OpenPLC Runtime v4\", address {reachable}, Connect."
        )
    } else {
        format!(
            "  The OpenPLC Editor connects to port 8443 only; this runtime listens on {reachable}, port {port}."
        )
    };
    let host = if port == 8443 {
        String::new()
    } else {
        format!(" --host localhost:{port}")
    };
    let client =
        find_program("openplcctl").map_or_else(|_| "openplcctl".into(), |path| path.display().to_string());
    format!(
        "\n{editor}\n  From a shell:  {client}{host} login --create\n                 {client}{host} status --watch\n  \
         To stop:       Ctrl-C\n"
    )
}

/// IPv4 addresses under which others may reach this host.
fn own_addresses() -> Vec<IpAddr> {
    let interfaces = getifaddrs().map(Iterator::collect::<Vec<_>>).unwrap_or_default();
    interfaces
        .iter()
        .filter_map(|interface| Some(IpAddr::from(interface.address?.as_sockaddr_in()?.ip())))
        .filter(|address| !address.is_loopback())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blink_is_packed_as_the_editor_does() {
        let zip = Example::find("blink").unwrap().zip().unwrap();
        let mut archive = zip::ZipArchive::new(Cursor::new(zip)).unwrap();
        for name in ["Config0.c", "Res0.c", "debug.c", "glueVars.c", "lib/iec_types.h"] {
            let entry = archive.by_name(name).unwrap();
            assert_eq!(entry.compression(), CompressionMethod::Stored, "{name}");
        }
        assert!(archive.by_name("blink/Config0.c").is_err());
    }

    #[test]
    fn a_program_of_todays_editors_has_its_own_headers() {
        let zip = Example::find("parallel").unwrap().zip().unwrap();
        let mut archive = zip::ZipArchive::new(Cursor::new(zip)).unwrap();
        for name in ["generated.hpp", "strucpp_runtime/include/debug_dispatch.hpp"] {
            assert!(archive.by_name(name).is_ok(), "{name}");
        }
        assert!(archive.by_name("lib/iec_types.h").is_err());
    }

    #[test]
    fn an_unknown_example_is_answered_with_the_known_ones() {
        let error = Example::find("nothing").unwrap_err().to_string();
        assert!(error.contains("blink") && error.contains("parallel"), "{error}");
        for folder in ["lib", "strucpp_runtime", "plugins"] {
            assert!(Example::find(folder).is_err(), "{folder}");
            assert!(!error.contains(folder), "{error}");
        }
    }
}
