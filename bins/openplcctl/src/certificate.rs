//! Trust in certificates as ssh trusts host keys: the first one is remembered, another one later is refused.

use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};
use tokio_rustls::rustls;
use tokio_rustls::rustls::DigitallySignedStruct;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};

/// Compares fingerprints, and nothing else of a certificate: its name and its end do not matter when it is this one.
#[derive(Debug)]
pub struct Fingerprints {
    provider: Arc<CryptoProvider>,
    expected: Option<String>,
    shown: Mutex<Option<String>>,
}

impl Fingerprints {
    /// Accepts only the certificate with the fingerprint `expected`; any certificate when there is none.
    pub fn new(provider: Arc<CryptoProvider>, expected: Option<String>) -> Self {
        Self {
            provider,
            expected,
            shown: Mutex::default(),
        }
    }

    /// The fingerprint that the host showed.
    pub fn shown(&self) -> Option<String> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// SHA-256 of the certificate, for people.
fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    let pairs: Vec<String> = Sha256::digest(certificate)
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect();
    format!("SHA256:{}", pairs.join(":"))
}

impl ServerCertVerifier for Fingerprints {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let shown = fingerprint(certificate);
        let accepted = self.expected.as_ref().is_none_or(|expected| *expected == shown);
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = Some(shown);
        if accepted {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(rustls::CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verify(expected: Option<&str>, certificate: &[u8]) -> (bool, Option<String>) {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let fingerprints = Fingerprints::new(provider, expected.map(str::to_owned));
        let name = ServerName::try_from("plc").unwrap();
        let verdict = fingerprints.verify_server_cert(&certificate.into(), &[], &name, &[], UnixTime::now());
        (verdict.is_ok(), fingerprints.shown())
    }

    #[test]
    fn only_the_remembered_certificate_is_accepted() {
        let (accepted, shown) = verify(None, b"first");
        assert!(accepted);
        assert_eq!(verify(shown.as_deref(), b"first"), (true, shown.clone()));
        let (accepted, other) = verify(shown.as_deref(), b"second");
        assert!(!accepted);
        assert_ne!(other, shown);
    }
}
