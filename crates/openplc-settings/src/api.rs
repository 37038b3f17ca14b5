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
    /// Section `[tls]`.
    pub tls: Tls,
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
            tls: Tls::default(),
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
        file.section("tls", |section| {
            section.path("certificate", &mut self.tls.certificate);
            section.path("key", &mut self.tls.key);
        });
    }
}
