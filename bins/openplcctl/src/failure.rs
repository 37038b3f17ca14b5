//! Why a command did not succeed, and the exit code that says so to scripts.

use thiserror::Error;

use crate::host::Host;

/// Everything that ends a command.
#[derive(Debug, Error)]
pub enum Failure {
    /// The runtime, or this computer, refused.
    #[error("{0}")]
    Refused(String),
    /// No answer of the host.
    #[error("Cannot reach {host}: {reason}\n{hint}")]
    Unreachable {
        /// The host.
        host: Host,
        /// What happened.
        reason: String,
        /// What to do.
        hint: &'static str,
    },
    /// The session is missing or has ended.
    #[error("{reason}\nLog in with: openplcctl login --host {host}")]
    NotLoggedIn {
        /// The host.
        host: Host,
        /// What happened.
        reason: String,
    },
    /// The host shows another certificate than before.
    #[error(
        "The certificate of {host} has changed. Either it was renewed, or somebody stands between you and the PLC.\n  \
         remembered  {remembered}\n  shown now   {shown}\n\
         On the PLC, this shows the right one: openssl x509 -noout -fingerprint -sha256 -in cert.pem (in the API's folder)\n\
         If they are the same, accept it with: openplcctl login --host {host} --accept-certificate"
    )]
    CertificateChanged {
        /// The host.
        host: Host,
        /// Fingerprint at the first use.
        remembered: String,
        /// Fingerprint now.
        shown: String,
    },
}

impl Failure {
    /// The exit code; 2 is clap's.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Refused(_) => 1,
            Self::Unreachable { .. } => 3,
            Self::NotLoggedIn { .. } => 4,
            Self::CertificateChanged { .. } => 5,
        }
    }
}

/// Something on this computer failed.
impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Refused(format!("{error:#}"))
    }
}
