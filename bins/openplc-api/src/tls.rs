//! TLS, and which certificate is shown.
//!
//! An administrator's certificate comes first: that of the settings, which by default is `STATE_DIRECTORY/tls/cert.pem` with
//! its key in `tls/key.pem`. When it cannot be used, the error is logged and our own self-signed one is shown, so that the plant stays within reach; the
//! files of the administrator are never changed. Our own is `STATE_DIRECTORY/cert.pem` and `key.pem`; files under these
//! names that were not made here are used and never changed either. Files that change are taken up within the hour.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use anyhow::Context;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{self, ServerConfig};

use openplc_settings::api::Tls;

use crate::certificate;

/// How often the files are looked at again.
const REFRESH: Duration = Duration::from_secs(60 * 60);

/// The certificate in use.
#[derive(Debug)]
pub struct Certificates {
    directory: PathBuf,
    theirs: Tls,
    current: RwLock<Arc<CertifiedKey>>,
}

impl Certificates {
    /// Chooses a certificate from the state directory, and makes one when there is none.
    pub fn open(directory: &Path, theirs: &Tls) -> anyhow::Result<Arc<Self>> {
        let current = RwLock::new(Arc::new(choose(directory, theirs)?));
        Ok(Arc::new(Self {
            directory: directory.to_owned(),
            theirs: theirs.clone(),
            current,
        }))
    }

    /// What accepts TLS connections.
    pub fn acceptor(self: &Arc<Self>) -> anyhow::Result<TlsAcceptor> {
        let resolver: Arc<dyn ResolvesServerCert> = Arc::<Self>::clone(self);
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(resolver);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        // Tickets keep what a resumed session needs at the client.
        config.ticketer = ring::Ticketer::new()?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    /// Renews and rereads the files from time to time. Never returns.
    pub async fn keep_fresh(self: Arc<Self>) {
        loop {
            tokio::time::sleep(REFRESH).await;
            match choose(&self.directory, &self.theirs) {
                Ok(chosen) => {
                    *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(chosen)
                }
                Err(error) => tracing::error!("the certificate could not be renewed: {error:#}"),
            }
        }
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(
            &self.current.read().unwrap_or_else(PoisonError::into_inner),
        ))
    }
}

fn choose(directory: &Path, theirs: &Tls) -> anyhow::Result<CertifiedKey> {
    // A path of the settings is relative to the directory, or absolute.
    let (certificate, key) = (directory.join(&theirs.certificate), directory.join(&theirs.key));
    if certificate.exists() || key.exists() || *theirs != Tls::default() {
        match load(&certificate, &key) {
            Ok(chosen) => return Ok(chosen),
            Err(error) => tracing::error!(
                "The certificate {} cannot be used; the self-signed one is shown instead: {error:#}. It must hold the \
                 certificate and its chain, {} its key without a passphrase, both in PEM and readable by this service",
                certificate.display(),
                key.display()
            ),
        }
    }
    let (certificate, key) = (directory.join("cert.pem"), directory.join("key.pem"));
    certificate::ensure(&certificate, &key).and_then(|()| load(&certificate, &key)).or_else(|error| {
        tracing::error!(
            "The certificate of this installation cannot be used; another is shown until the next start: {error:#}. \
             Repair {0} and {1}, or remove both to have new ones made",
            certificate.display(),
            key.display()
        );
        let (certificate, key) = certificate::temporary()?;
        certified(certificate.as_bytes(), key.as_bytes())
    })
}

fn load(certificate: &Path, key: &Path) -> anyhow::Result<CertifiedKey> {
    let read = |path: &Path| std::fs::read(path).with_context(|| path.display().to_string());
    certified(&read(certificate)?, &read(key)?)
        .with_context(|| format!("{} with {}", certificate.display(), key.display()))
}

/// A certificate, its chain, and its key, from PEM.
fn certified(chain: &[u8], key: &[u8]) -> anyhow::Result<CertifiedKey> {
    let chain = CertificateDer::pem_slice_iter(chain)
        .collect::<Result<Vec<_>, _>>()
        .context("no certificate")?;
    anyhow::ensure!(!chain.is_empty(), "no certificate");
    let key = PrivateKeyDer::from_pem_slice(key).context("no key")?;
    let certified = CertifiedKey::new(chain, ring::sign::any_supported_type(&key)?);
    match certified.keys_match() {
        // Some kinds of key cannot be compared; rustls then says so and nothing is wrong.
        Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => Ok(certified),
        Err(error) => Err(error).context("the key is not that of the certificate"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write_pair(directory: &Path) -> Vec<u8> {
        std::fs::create_dir_all(directory).unwrap();
        let pair = rcgen::generate_simple_self_signed(["plant.example".to_owned()]).unwrap();
        std::fs::write(directory.join("cert.pem"), pair.cert.pem()).unwrap();
        std::fs::write(directory.join("key.pem"), pair.signing_key.serialize_pem()).unwrap();
        pair.cert.der().to_vec()
    }

    #[test]
    fn the_certificate_of_an_administrator_comes_first() {
        let directory = tempfile::tempdir().unwrap();
        let own = choose(directory.path(), &Tls::default()).unwrap().cert[0].to_vec();
        let theirs = write_pair(&directory.path().join("tls"));
        assert_ne!(own, theirs);
        assert_eq!(
            choose(directory.path(), &Tls::default()).unwrap().cert[0].to_vec(),
            theirs
        );
    }

    #[test]
    fn an_unusable_one_leaves_the_plant_within_reach_and_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let own = choose(directory.path(), &Tls::default()).unwrap().cert[0].to_vec();
        let tls = directory.path().join("tls");
        write_pair(&tls);
        let other = tempfile::tempdir().unwrap();
        write_pair(other.path());
        std::fs::copy(other.path().join("key.pem"), tls.join("key.pem")).unwrap();
        for broken in [None, Some("no key")] {
            if let Some(text) = broken {
                std::fs::write(tls.join("key.pem"), text).unwrap();
            }
            let before = std::fs::read(tls.join("key.pem")).unwrap();
            assert_eq!(
                choose(directory.path(), &Tls::default()).unwrap().cert[0].to_vec(),
                own
            );
            assert_eq!(std::fs::read(tls.join("key.pem")).unwrap(), before);
        }
    }

    #[test]
    fn a_broken_one_of_our_own_does_so_too() {
        let directory = tempfile::tempdir().unwrap();
        choose(directory.path(), &Tls::default()).unwrap();
        let certificate = directory.path().join("cert.pem");
        std::fs::write(&certificate, "half a certif").unwrap();
        assert_eq!(choose(directory.path(), &Tls::default()).unwrap().cert.len(), 1);
        assert_eq!(std::fs::read_to_string(&certificate).unwrap(), "half a certif");
    }
}
