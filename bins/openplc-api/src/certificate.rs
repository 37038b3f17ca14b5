//! The certificate that this installation makes for itself.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use openplc_accounts::secret_file;
use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose,
};
use x509_parser::prelude::{FromDer, X509Certificate};

/// Marks a certificate as made here: any other belongs to somebody else and is never replaced.
const ORGANISATION: &str = "OpenPLC Runtime self-signed";
/// A device in a machine is not visited each year, and a new certificate makes clients ask again whom they trust.
const LIFETIME: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);
/// Renewed when less than this is left.
const RENEWAL: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Makes or renews the certificate at these paths where that is needed and it is ours to do so. A key that is there is
/// used again, so that clients which remember it go on to trust.
pub fn ensure(certificate: &Path, key: &Path) -> anyhow::Result<()> {
    if certificate.exists() && !is_replaceable(certificate, key.exists())? {
        return Ok(());
    }
    let key_pair = if key.exists() {
        let text = std::fs::read_to_string(key).with_context(|| key.display().to_string())?;
        KeyPair::from_pem(&text).with_context(|| key.display().to_string())?
    } else {
        let key_pair = new_key()?;
        secret_file::write(key, key_pair.serialize_pem().as_bytes())
            .with_context(|| key.display().to_string())?;
        key_pair
    };
    let text = make(&key_pair)?;
    secret_file::write(certificate, text.as_bytes()).with_context(|| certificate.display().to_string())?;
    tracing::info!("Self-signed certificate made: {}", certificate.display());
    Ok(())
}

/// A certificate and its key, as PEM, for this process only.
pub fn temporary() -> anyhow::Result<(String, String)> {
    let key = new_key()?;
    Ok((make(&key)?, key.serialize_pem()))
}

/// Whether the certificate at `path` was made here and is of no more use: it ends soon or has no key.
fn is_replaceable(path: &Path, has_key: bool) -> anyhow::Result<bool> {
    let text = std::fs::read(path).with_context(|| path.display().to_string())?;
    let (_, pem) = x509_parser::pem::parse_x509_pem(&text).with_context(|| path.display().to_string())?;
    let (_, certificate) =
        X509Certificate::from_der(&pem.contents).with_context(|| path.display().to_string())?;
    let ours = certificate.subject() == certificate.issuer()
        && certificate
            .subject()
            .iter_organization()
            .any(|name| name.as_str() == Ok(ORGANISATION));
    let ends = u64::try_from(certificate.validity().not_after.timestamp()).unwrap_or(0);
    let ends_soon = UNIX_EPOCH + Duration::from_secs(ends) < SystemTime::now() + RENEWAL;
    Ok(ours && (ends_soon || !has_key))
}

fn new_key() -> anyhow::Result<KeyPair> {
    Ok(KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?)
}

/// A self-signed certificate as PEM.
fn make(key: &KeyPair) -> anyhow::Result<String> {
    let names = host_names();
    let mut subject = DistinguishedName::new();
    subject.push(DnType::OrganizationName, ORGANISATION);
    subject.push(
        DnType::CommonName,
        names.first().map_or("localhost", String::as_str),
    );
    let mut parameters = CertificateParams::new(names)?;
    parameters.distinguished_name = subject;
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    // A device without a clock of its own starts in the past.
    parameters.not_before = UNIX_EPOCH.into();
    parameters.not_after = (SystemTime::now() + LIFETIME).into();
    Ok(parameters.self_signed(key)?.pem())
}

/// Names and addresses by which this host may be called.
fn host_names() -> Vec<String> {
    let host = nix::unistd::gethostname()
        .ok()
        .and_then(|name| name.into_string().ok());
    let addresses = nix::ifaddrs::getifaddrs()
        .into_iter()
        .flatten()
        .filter_map(|interface| {
            let address = interface.address?;
            if let Some(address) = address.as_sockaddr_in() {
                Some(address.ip().to_string())
            } else {
                // A link-local address means nothing without its interface.
                let address = address.as_sockaddr_in6()?.ip();
                (!address.is_unicast_link_local()).then(|| address.to_string())
            }
        });
    let fixed = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let others: BTreeSet<String> = fixed.into_iter().chain(addresses).collect();
    // A host name that is no DNS name could not be put into a certificate.
    let host = host.filter(|host| {
        !others.contains(host)
            && host
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte))
    });
    host.into_iter().chain(others).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;
    use tempfile::TempDir;

    struct Files {
        _directory: TempDir,
        certificate: PathBuf,
        key: PathBuf,
    }

    impl Files {
        fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let (certificate, key) = (
                directory.path().join("cert.pem"),
                directory.path().join("key.pem"),
            );
            Self {
                _directory: directory,
                certificate,
                key,
            }
        }

        fn ensure(&self) -> anyhow::Result<()> {
            ensure(&self.certificate, &self.key)
        }

        fn read(&self) -> (String, String) {
            (
                std::fs::read_to_string(&self.certificate).unwrap(),
                std::fs::read_to_string(&self.key).unwrap(),
            )
        }
    }

    /// A certificate that ends soon.
    fn old(organisation: &str, key: &KeyPair) -> String {
        let mut parameters = CertificateParams::new(["localhost".to_owned()]).unwrap();
        parameters
            .distinguished_name
            .push(DnType::OrganizationName, organisation);
        parameters.not_after = (SystemTime::now() + RENEWAL / 2).into();
        parameters.self_signed(key).unwrap().pem()
    }

    #[test]
    fn ours_is_kept_while_it_lasts_and_renewed_with_the_same_key() {
        let files = Files::new();
        files.ensure().unwrap();
        let first = files.read();
        files.ensure().unwrap();
        assert_eq!(files.read(), first);

        let key = KeyPair::from_pem(&first.1).unwrap();
        std::fs::write(&files.certificate, old(ORGANISATION, &key)).unwrap();
        files.ensure().unwrap();
        assert!(!is_replaceable(&files.certificate, true).unwrap());
        assert_eq!(files.read().1, first.1);
    }

    #[test]
    fn ours_without_its_key_is_made_again() {
        let files = Files::new();
        files.ensure().unwrap();
        std::fs::remove_file(&files.key).unwrap();
        files.ensure().unwrap();
        let (certificate, key) = files.read();
        let (_, pem) = x509_parser::pem::parse_x509_pem(certificate.as_bytes()).unwrap();
        let parsed = pem.parse_x509().unwrap();
        assert_eq!(
            parsed.public_key().subject_public_key.data,
            rcgen::PublicKeyData::der_bytes(&KeyPair::from_pem(&key).unwrap())
        );
    }

    #[test]
    fn what_belongs_to_somebody_else_is_kept_whatever_its_state() {
        let files = Files::new();
        let theirs = old("Plant operator", &KeyPair::generate().unwrap());
        std::fs::write(&files.certificate, &theirs).unwrap();
        files.ensure().unwrap();
        assert!(!files.key.exists());
        std::fs::write(&files.key, "their key").unwrap();
        files.ensure().unwrap();
        assert_eq!(files.read(), (theirs, "their key".into()));
        std::fs::write(&files.certificate, "no certificate").unwrap();
        assert!(files.ensure().is_err());
        std::fs::remove_file(&files.certificate).unwrap();
        assert!(files.ensure().is_err(), "a key that cannot be read may be theirs");
        assert_eq!(std::fs::read_to_string(&files.key).unwrap(), "their key");
    }

    #[test]
    fn the_certificate_names_this_host() {
        let names = host_names();
        for name in ["localhost", "127.0.0.1", "::1"] {
            assert!(names.iter().any(|known| known == name), "{name} in {names:?}");
        }
    }
}
