//! The folder where supervisors wait for the configurations of plugins.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::PathBuf;

use openplc_wire::image::is_name;

/// Ending of a configuration.
const ENDING: &str = ".json";
/// Beginning of the name of a file that is being written; no plugin's name begins so.
const UNFINISHED: &str = ".";

/// The folder. It belongs to the group of the plugins, and so do files in it.
pub struct Folder(PathBuf);

impl Folder {
    /// The folder at `path`, which somebody else has made.
    pub fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// The configurations that are there, by the plugin's name. What cannot be read counts as empty, so that it differs from
    /// what is wanted.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn published(&self) -> io::Result<BTreeMap<String, String>> {
        let about = |error: io::Error| {
            io::Error::new(
                error.kind(),
                format!("{} cannot be read: {error}", self.0.display()),
            )
        };
        let mut published = BTreeMap::new();
        for file in fs::read_dir(&self.0).map_err(about)? {
            let file = file.map_err(about)?;
            let name = file.file_name().into_string().unwrap_or_default();
            let Some(name) = name.strip_suffix(ENDING).filter(|name| is_name(name)) else {
                continue;
            };
            let text = fs::read_to_string(file.path()).unwrap_or_default();
            published.insert(name.to_owned(), text);
        }
        Ok(published)
    }

    /// Puts a configuration there, whole at any time; returns whether it was another one, or none, before.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn put(&self, name: &str, configuration: &str) -> io::Result<bool> {
        let path = self.0.join(format!("{name}{ENDING}"));
        if fs::read_to_string(&path).is_ok_and(|text| text == configuration) {
            return Ok(false);
        }
        let unfinished = self.0.join(format!("{UNFINISHED}{name}"));
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o640)
            .open(&unfinished)?;
        // Whatever the mask of this process takes away: plugins read it as members of the group.
        file.set_permissions(Permissions::from_mode(0o640))?;
        file.write_all(configuration.as_bytes())?;
        fs::rename(&unfinished, &path)?;
        Ok(true)
    }

    /// Says by an empty file `NAME.PORT` that a plugin needs this port, which somebody else has to open; `None`: it needs none.
    /// To be said before its configuration comes and after it has gone.
    ///
    /// # Errors
    /// When the files cannot be made or removed.
    pub fn require_port(&self, name: &str, port: Option<u64>) -> io::Result<()> {
        let wanted = port.map(|port| format!("{name}.{port}"));
        for file in fs::read_dir(&self.0)? {
            let file = file?;
            let found = file.file_name().into_string().unwrap_or_default();
            let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
            let of_plugin = found
                .strip_prefix(name)
                .and_then(|rest| rest.strip_prefix('.'))
                .is_some_and(is_port);
            if of_plugin && wanted.as_ref() != Some(&found) {
                fs::remove_file(file.path())?;
            }
        }
        match wanted {
            Some(file) => fs::write(self.0.join(file), ""),
            None => Ok(()),
        }
    }

    /// Takes a configuration away.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.0.join(format!("{name}{ENDING}"))) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn a_configuration_is_replaced_only_by_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("one.json");
        let folder = Folder::new(folder.path().to_owned());
        assert!(folder.put("one", "{}").unwrap());
        let before = fs::metadata(&path).unwrap();
        assert_eq!(before.mode() & 0o777, 0o640);
        assert!(!folder.put("one", "{}").unwrap());
        assert_eq!(fs::metadata(&path).unwrap().ino(), before.ino());
        assert!(folder.put("one", "[]").unwrap());
        assert_eq!(
            folder.published().unwrap(),
            BTreeMap::from([("one".into(), "[]".into())])
        );
        folder.remove("one").unwrap();
        folder.remove("one").unwrap();
        assert!(folder.published().unwrap().is_empty());
    }

    #[test]
    fn a_plugin_has_one_port_or_none() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::new(place.path().to_owned());
        let files = || {
            let files = fs::read_dir(place.path()).unwrap();
            let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
            names.collect::<std::collections::BTreeSet<_>>()
        };
        folder.put("one", "{}").unwrap();
        folder.require_port("one", Some(502)).unwrap();
        folder.require_port("one.two", Some(502)).unwrap();
        assert_eq!(
            files(),
            ["one.502", "one.json", "one.two.502"].map(String::from).into()
        );
        folder.require_port("one", Some(503)).unwrap();
        assert_eq!(
            files(),
            ["one.503", "one.json", "one.two.502"].map(String::from).into()
        );
        folder.require_port("one", None).unwrap();
        assert_eq!(files(), ["one.json", "one.two.502"].map(String::from).into());
        assert_eq!(folder.published().unwrap().len(), 1);
    }
}
