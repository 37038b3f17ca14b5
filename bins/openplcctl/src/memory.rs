//! What is remembered between commands: certificates and sessions, in `$XDG_STATE_HOME/openplcctl`, for nobody else to
//! read.

use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::host::Host;

/// A session with one host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// User who logged in.
    pub user: String,
    /// What the host gave for it.
    pub token: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Sessions {
    last: Option<Host>,
    hosts: BTreeMap<Host, Session>,
}

/// The folder.
#[derive(Debug)]
pub struct Memory {
    folder: PathBuf,
}

impl Memory {
    /// The present user's.
    ///
    /// # Errors
    /// When the user has no home.
    pub fn of_user() -> Result<Self> {
        let variable = |name: &str| {
            std::env::var_os(name)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
        };
        let state = variable("XDG_STATE_HOME")
            .or_else(|| variable("HOME").map(|home| home.join(".local/state")))
            .context("HOME is not set: there is no place to remember certificates and sessions")?;
        Ok(Self {
            folder: state.join("openplcctl"),
        })
    }

    /// The host last logged in to.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn last_host(&self) -> Result<Option<Host>> {
        Ok(self.sessions()?.last)
    }

    /// The session with this host.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn session(&self, host: &Host) -> Result<Option<Session>> {
        Ok(self.sessions()?.hosts.remove(host))
    }

    /// Remembers a session and its host as the last one.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn remember_session(&self, host: &Host, session: Session) -> Result<()> {
        let mut sessions = self.sessions()?;
        sessions.last = Some(host.clone());
        sessions.hosts.insert(host.clone(), session);
        self.write_sessions(&sessions)
    }

    /// Forgets the session with this host.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn forget_session(&self, host: &Host) -> Result<()> {
        let mut sessions = self.sessions()?;
        sessions.hosts.remove(host);
        self.write_sessions(&sessions)
    }

    /// The fingerprint of the certificate that this host showed first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn certificate(&self, host: &Host) -> Result<Option<String>> {
        let host = host.to_string();
        let known = self.known_hosts()?;
        Ok(known.lines().find_map(|line| {
            let (name, fingerprint) = line.split_once(' ')?;
            (name == host).then(|| fingerprint.trim().to_owned())
        }))
    }

    /// Remembers the certificate of this host in place of an earlier one, or none.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn remember_certificate(&self, host: &Host, fingerprint: Option<&str>) -> Result<()> {
        let host = host.to_string();
        let known = self.known_hosts()?;
        let mut lines: Vec<String> = known
            .lines()
            .filter(|line| line.split_once(' ').is_none_or(|(name, _)| name != host))
            .map(|line| format!("{line}\n"))
            .collect();
        lines.extend(fingerprint.map(|fingerprint| format!("{host} {fingerprint}\n")));
        self.write("known_hosts", lines.concat().as_bytes())
    }

    fn sessions(&self) -> Result<Sessions> {
        let text = self.read("sessions.json")?;
        if text.is_empty() {
            return Ok(Sessions::default());
        }
        let path = self.folder.join("sessions.json");
        serde_json::from_str(&text).with_context(|| format!("{} is damaged: remove it", path.display()))
    }

    fn write_sessions(&self, sessions: &Sessions) -> Result<()> {
        self.write("sessions.json", &serde_json::to_vec_pretty(sessions)?)
    }

    fn known_hosts(&self) -> Result<String> {
        self.read("known_hosts")
    }

    fn read(&self, name: &str) -> Result<String> {
        let path = self.folder.join(name);
        match fs::read_to_string(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
            other => other.with_context(|| format!("Cannot read {}", path.display())),
        }
    }

    /// Replaces the file as a whole; a temporary file is created with mode 0600.
    fn write(&self, name: &str, content: &[u8]) -> Result<()> {
        let path = self.folder.join(name);
        replace(&self.folder, &path, content).with_context(|| format!("Cannot write {}", path.display()))
    }
}

fn replace(folder: &Path, path: &Path, content: &[u8]) -> std::io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn memory() -> (Memory, tempfile::TempDir) {
        let home = tempfile::tempdir().unwrap();
        (
            Memory {
                folder: home.path().join("state/openplcctl"),
            },
            home,
        )
    }

    #[test]
    fn certificates_are_remembered_replaced_and_forgotten_by_host() {
        let (memory, _home) = memory();
        let (one, two): (Host, Host) = ("plc".parse().unwrap(), "plc:1".parse().unwrap());
        assert_eq!(memory.certificate(&one).unwrap(), None);
        memory.remember_certificate(&one, Some("SHA256:AA")).unwrap();
        memory.remember_certificate(&two, Some("SHA256:BB")).unwrap();
        memory.remember_certificate(&one, Some("SHA256:CC")).unwrap();
        assert_eq!(memory.certificate(&one).unwrap().as_deref(), Some("SHA256:CC"));
        memory.remember_certificate(&one, None).unwrap();
        assert_eq!(memory.certificate(&one).unwrap(), None);
        assert_eq!(memory.certificate(&two).unwrap().as_deref(), Some("SHA256:BB"));
    }

    #[test]
    fn sessions_are_remembered_by_host_and_private() {
        let (memory, _home) = memory();
        let host: Host = "[::1]:5".parse().unwrap();
        let session = Session {
            user: "anna".into(),
            token: "secret".into(),
        };
        memory.remember_session(&host, session.clone()).unwrap();
        assert_eq!(memory.last_host().unwrap(), Some(host.clone()));
        assert_eq!(memory.session(&host).unwrap(), Some(session));
        let mode = fs::metadata(memory.folder.join("sessions.json"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        memory.forget_session(&host).unwrap();
        assert_eq!(memory.session(&host).unwrap(), None);
        assert_eq!(memory.last_host().unwrap(), Some(host));
    }

    #[test]
    fn a_damaged_file_is_named() {
        let (memory, _home) = memory();
        memory.write("sessions.json", b"{").unwrap();
        assert!(
            memory
                .last_host()
                .unwrap_err()
                .to_string()
                .contains("sessions.json")
        );
    }
}
