//! `api.toml`: the HTTPS API.

use std::path::PathBuf;
use std::time::Duration;

use crate::{LogLevel, Section, Settings};

/// The whole file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Api {
    /// How much the API logs.
    pub log_level: LogLevel,
    /// After how long without a connection and a build the process ends; zero: never.
    pub exit_when_idle: Duration,
    /// For how long a login is valid.
    pub session_lifetime: Duration,
    /// Most connections at a time.
    pub max_connections: usize,
    /// What version Editors are told when they connect.
    pub announced_version: AnnouncedVersion,
    /// Section `[discovery]`.
    pub discovery: Discovery,
    /// Section `[tls]`.
    pub tls: Tls,
}

/// What every answer says in its header `X-OpenPLC-Runtime-Version`. Editors before 4.2.1 connect to exactly `v4` only;
/// later ones connect to every `v4…`, but hide their user management from anything that is not at least 4.1.9.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AnnouncedVersion {
    /// `v4`: every Editor connects.
    #[default]
    Generation,
    /// The whole version: for installations without Editors before 4.2.1.
    Full,
}

/// Section `[discovery]`: Editors that look for runtimes in the local network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discovery {
    /// Whether they are answered.
    pub answer: bool,
    /// Whether the answer names the stored project, to everybody on the network.
    pub project: bool,
}

/// Section `[tls]`: a certificate in place of the self-signed one. Relative paths begin in the state directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// Certificate with its chain, as PEM.
    pub certificate: PathBuf,
    /// Its key without a passphrase, as PEM.
    pub key: PathBuf,
}

impl Default for Api {
    fn default() -> Self {
        Self {
            log_level: LogLevel::default(),
            exit_when_idle: Duration::from_secs(10 * 60),
            // A working day, because the Editor 4.1 cannot renew a session while it uploads.
            session_lifetime: Duration::from_secs(8 * 60 * 60),
            max_connections: 256,
            announced_version: AnnouncedVersion::default(),
            discovery: Discovery::default(),
            tls: Tls::default(),
        }
    }
}

impl Default for Discovery {
    fn default() -> Self {
        Self {
            answer: true,
            project: false,
        }
    }
}

impl Default for Tls {
    fn default() -> Self {
        Self {
            certificate: "tls/cert.pem".into(),
            key: "tls/key.pem".into(),
        }
    }
}

impl Settings for Api {
    const FILE: &'static str = "api.toml";

    fn read(&mut self, file: &mut Section<'_>) {
        self.log_level.read(file);
        let day = Duration::from_secs(24 * 60 * 60);
        file.duration("exit-when-idle", Duration::ZERO..=day, &mut self.exit_when_idle);
        let minute = Duration::from_secs(60);
        file.duration("session-lifetime", minute..=365 * day, &mut self.session_lifetime);
        // Each takes an open file, of which the process may have 1024, and some memory of the unit's 512 MiB.
        file.number("max-connections", 16..=480, &mut self.max_connections);
        let versions = [
            ("v4", AnnouncedVersion::Generation),
            ("full", AnnouncedVersion::Full),
        ];
        file.word("announced-version", &versions, &mut self.announced_version);
        file.section("discovery", |section| {
            section.switch("answer", &mut self.discovery.answer);
            section.switch("project", &mut self.discovery.project);
        });
        file.section("tls", |section| {
            section.path("certificate", &mut self.tls.certificate);
            section.path("key", &mut self.tls.key);
        });
    }
}
