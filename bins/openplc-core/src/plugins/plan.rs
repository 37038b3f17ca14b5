//! Which plugins work with a program, and with what configuration.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use openplc_settings::plugins::Entry;
use openplc_wire::communication;
use openplc_wire::image::is_name;
use serde::Deserialize;
use serde_json::value::RawValue;

/// Plugins that come with the runtime.
const OWN: [&str; 2] = [MODBUS_SLAVE, "modbus_master"];
const MODBUS_SLAVE: &str = "modbus_slave";
/// Where it listens when its configuration does not say.
const MODBUS_PORT: u64 = 502;
/// Ports below are for the privileged.
const FIRST_UNPRIVILEGED_PORT: u64 = 1024;
/// Largest configuration of the administrator's, in bytes: what an upload may bring.
const MAX_CONFIGURATION: u64 = 10 << 20;

/// The part that a plugin has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// It works, with this configuration.
    Enabled(String),
    /// Its configuration, or `plugins.conf`, says that it shall not work.
    Disabled,
    /// The administrator's configuration cannot be read, for this reason.
    Unreadable(String),
    /// The program configures it, and there is no such plugin here.
    Unknown,
}

impl Part {
    /// What is to be said of one that does not work against expectation.
    pub fn complaint(&self, name: &str) -> Option<String> {
        match self {
            Self::Enabled(_) | Self::Disabled => None,
            Self::Unreadable(why) => Some(format!("Plugin {name} does not work: {why}")),
            Self::Unknown => Some(format!(
                "The program configures plugin {name}, which this runtime does not have: the program runs without it"
            )),
        }
    }
}

/// The part of every plugin that the program (`conf`) or the administrator (`entries`) names. The program's configuration comes
/// first; absence in it ends its own plugins, not those that the administrator has enabled.
pub fn plan(conf: Option<&BTreeMap<String, String>>, entries: &[Entry]) -> BTreeMap<String, Part> {
    let mut parts: BTreeMap<String, Part> = entries
        .iter()
        .map(|entry| (entry.name.clone(), of_administrator(entry)))
        .collect();
    // To where a program may connect is not for the program to say.
    let of_program = conf.into_iter().flatten();
    for (name, configuration) in of_program.filter(|(name, _)| *name != communication::PLUGIN) {
        let known = OWN.contains(&name.as_str()) || parts.contains_key(name);
        let part = if !known || !is_name(name) {
            Part::Unknown
        } else if is_switched_off(configuration) {
            Part::Disabled
        } else {
            Part::Enabled(configuration.clone())
        };
        parts.insert(name.clone(), part);
    }
    parts
}

fn of_administrator(entry: &Entry) -> Part {
    if !entry.enabled {
        return Part::Disabled;
    }
    let Some(path) = &entry.configuration else {
        return Part::Enabled(String::new());
    };
    match read(path) {
        Ok(configuration) if is_switched_off(&configuration) => Part::Disabled,
        Ok(configuration) => Part::Enabled(configuration),
        Err(why) => Part::Unreadable(why),
    }
}

fn read(path: &Path) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("{} cannot be read: {error}", path.display());
    let mut text = String::new();
    let file = File::open(path).map_err(failed)?;
    let length = file
        .take(MAX_CONFIGURATION + 1)
        .read_to_string(&mut text)
        .map_err(failed)?;
    if length as u64 > MAX_CONFIGURATION {
        return Err(format!(
            "{} is longer than {MAX_CONFIGURATION} bytes",
            path.display()
        ));
    }
    Ok(text)
}

/// The port below 1024 where a plugin of ours listens with this configuration, if it does. The plugin may not open it, and nor may we.
pub fn privileged_port(name: &str, configuration: &str) -> Option<u64> {
    let document = Document::read(configuration).filter(|_| name == MODBUS_SLAVE)?;
    let network = document.network_configuration.and_then(Document::of);
    let port = match network.and_then(|network| network.port) {
        None => MODBUS_PORT,
        Some(port) => serde_json::from_str(port.get()).ok()?,
    };
    (1..FIRST_UNPRIVILEGED_PORT).contains(&port).then_some(port)
}

/// What is looked at in a configuration, or in a part of it. The rest may be large, and is not taken apart: a tree of it would take
/// many times its size in memory.
#[derive(Default, Deserialize)]
struct Document<'a> {
    #[serde(borrow)]
    enabled: Option<&'a RawValue>,
    #[serde(borrow)]
    server: Option<&'a RawValue>,
    #[serde(borrow)]
    network_configuration: Option<&'a RawValue>,
    #[serde(borrow)]
    port: Option<&'a RawValue>,
}

impl<'a> Document<'a> {
    /// Nothing where it is no object.
    fn read(text: &'a str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    fn of(part: &'a RawValue) -> Option<Self> {
        Self::read(part.get())
    }

    fn is_off(&self) -> bool {
        self.enabled.is_some_and(|enabled| enabled.get() == "false")
    }
}

/// Whether a configuration says that its plugin shall not work: the Editor writes `s7comm.json` with `server.enabled` false.
/// What is no JSON is for the plugin to complain about.
fn is_switched_off(configuration: &str) -> bool {
    let document = Document::read(configuration).unwrap_or_default();
    let parts = [document.server, document.network_configuration];
    let mut parts = parts.into_iter().flatten().filter_map(Document::of);
    document.is_off() || parts.any(|part| part.is_off())
}

#[cfg(test)]
mod tests {
    use super::*;
    use openplc_settings::plugins::parse;

    fn conf(files: &[(&str, &str)]) -> BTreeMap<String, String> {
        let pair = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
        files.iter().map(pair).collect()
    }

    #[test]
    fn a_configuration_in_the_program_enables_unless_it_says_no() {
        let parts = plan(
            Some(&conf(&[
                ("modbus_slave", "{\"network_configuration\":{}}"),
                ("modbus_master", "{\"enabled\": false}"),
                ("s7comm", "{}"),
            ])),
            &[],
        );
        assert!(matches!(&parts["modbus_slave"], Part::Enabled(text) if text.contains("network")));
        assert_eq!(parts["modbus_master"], Part::Disabled);
        assert_eq!(parts["s7comm"], Part::Unknown);
        assert!(parts["s7comm"].complaint("s7comm").unwrap().contains("s7comm"));
        assert!(is_switched_off("{\"server\":{\"enabled\":false}}"));
        assert!(is_switched_off(
            "{\"network_configuration\": {\"port\": 1, \"enabled\": false}}"
        ));
        assert!(is_switched_off("{\"server\": 7, \"enabled\": false}"));
        assert!(!is_switched_off(
            "{\"server\":{\"enabled\":true}, \"enabled\": 0}"
        ));
        assert!(!is_switched_off("no JSON"));
        assert!(!is_switched_off("[1]"));
    }

    #[test]
    fn only_a_port_below_1024_of_the_modbus_slave_is_privileged() {
        let port = |text: &str| privileged_port("modbus_slave", text);
        assert_eq!(port("{}"), Some(502));
        assert_eq!(port("{\"network_configuration\": {\"port\": 503}}"), Some(503));
        for other in ["1024", "0", "-1", "\"502\"", "5e300"] {
            assert_eq!(
                port(&format!("{{\"network_configuration\": {{\"port\": {other}}}}}")),
                None,
                "{other}"
            );
        }
        assert_eq!(port("no JSON"), None);
        assert_eq!(privileged_port("modbus_master", "{}"), None);
    }

    #[test]
    fn a_program_does_not_say_to_where_it_may_connect() {
        let sent = conf(&[("communication", "{\"allow\": [\"0.0.0.0/0:*\"]}")]);
        assert!(plan(Some(&sent), &[]).is_empty());
        let (entries, _) = parse(
            Path::new("/etc/plugins.conf"),
            "communication,openplc-connector,1,1\n",
        );
        let parts = plan(Some(&sent), &entries);
        assert_eq!(parts["communication"], Part::Enabled(String::new()));
    }

    #[test]
    fn what_the_administrator_has_enabled_outlives_uploads() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("mine.json"), "{\"mine\":1}").unwrap();
        let text = "mine,m.py,1,0,mine.json\noff,o.py,0,0\nbare,b.so,1,1\nlost,l.so,1,1,nowhere.json\n";
        let (entries, problems) = parse(&folder.path().join("plugins.conf"), text);
        assert!(problems.is_empty());
        let parts = plan(None, &entries);
        assert_eq!(parts["mine"], Part::Enabled("{\"mine\":1}".into()));
        assert_eq!(parts["off"], Part::Disabled);
        assert_eq!(parts["bare"], Part::Enabled(String::new()));
        assert!(matches!(&parts["lost"], Part::Unreadable(why) if why.contains("nowhere.json")));
        let parts = plan(
            Some(&conf(&[("mine", "{\"theirs\":2}"), ("off", "{}")])),
            &entries,
        );
        assert_eq!(parts["mine"], Part::Enabled("{\"theirs\":2}".into()));
        assert_eq!(
            parts["off"],
            Part::Enabled("{}".into()),
            "a program may bring it to work"
        );
    }
}
