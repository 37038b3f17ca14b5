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

/// Makes `cert.pem` and `key.pem` at these paths unless they are there and usable for a while, or not ours to replace.
pub fn ensure(certificate: &Path, key: &Path) -> anyhow::Result<()> {
    if certificate.exists() && key.exists() && !is_due(certificate)? {
        return Ok(());
    }
    let names = host_names();
    let (certificate_pem, key_pem) = make(&names)?;
    // The key first: a certificate without its key would be taken for somebody's mistake.
    secret_file::write(key, key_pem.as_bytes()).with_context(|| key.display().to_string())?;
    secret_file::write(certificate, certificate_pem.as_bytes())
        .with_context(|| certificate.display().to_string())?;
    tracing::info!(certificate = %certificate.display(), names = %names.join(" "), "self-signed certificate made");
    Ok(())
}

/// Whether the certificate at `path` was made here and ends soon.
fn is_due(path: &Path) -> anyhow::Result<bool> {
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
    Ok(ours && UNIX_EPOCH + Duration::from_secs(ends) < SystemTime::now() + RENEWAL)
}

/// A self-signed certificate and its key, both as PEM.
fn make(names: &[String]) -> anyhow::Result<(String, String)> {
    let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
    let mut parameters = CertificateParams::new(names)?;
    let mut subject = DistinguishedName::new();
    subject.push(DnType::OrganizationName, ORGANISATION);
    subject.push(
        DnType::CommonName,
        names.first().map_or("localhost", String::as_str),
    );
    parameters.distinguished_name = subject;
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    // A device without a clock of its own starts in the past.
    parameters.not_before = UNIX_EPOCH.into();
    parameters.not_after = (SystemTime::now() + LIFETIME).into();
    let certificate = parameters.self_signed(&key)?;
    Ok((certificate.pem(), key.serialize_pem()))
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

    #[test]
    fn a_certificate_of_ours_is_renewed_before_it_ends() {
        let directory = tempfile::tempdir().unwrap();
        let (certificate, key) = (
            directory.path().join("cert.pem"),
            directory.path().join("key.pem"),
        );
        ensure(&certificate, &key).unwrap();
        let first = std::fs::read(&certificate).unwrap();
        ensure(&certificate, &key).unwrap();
        assert_eq!(
            std::fs::read(&certificate).unwrap(),
            first,
            "a certificate that lasts is kept"
        );

        std::fs::write(&certificate, ending_soon(ORGANISATION)).unwrap();
        ensure(&certificate, &key).unwrap();
        assert!(!is_due(&certificate).unwrap());
    }

    #[test]
    fn a_certificate_of_somebody_else_is_kept_whatever_its_state() {
        let directory = tempfile::tempdir().unwrap();
        let (certificate, key) = (
            directory.path().join("cert.pem"),
            directory.path().join("key.pem"),
        );
        let theirs = ending_soon("Plant operator");
        std::fs::write(&certificate, &theirs).unwrap();
        std::fs::write(&key, "their key").unwrap();
        ensure(&certificate, &key).unwrap();
        assert_eq!(std::fs::read_to_string(&certificate).unwrap(), theirs);
        std::fs::write(&certificate, "no certificate").unwrap();
        assert!(ensure(&certificate, &key).is_err());
        assert_eq!(std::fs::read_to_string(&certificate).unwrap(), "no certificate");
    }

    #[test]
    fn the_certificate_names_this_host() {
        let names = host_names();
        for name in ["localhost", "127.0.0.1", "::1"] {
            assert!(names.iter().any(|known| known == name), "{name} in {names:?}");
        }
    }

    fn ending_soon(organisation: &str) -> String {
        let mut parameters = CertificateParams::new(["localhost".to_owned()]).unwrap();
        parameters
            .distinguished_name
            .push(DnType::OrganizationName, organisation);
        parameters.not_after = (SystemTime::now() + RENEWAL / 2).into();
        parameters
            .self_signed(&KeyPair::generate().unwrap())
            .unwrap()
            .pem()
    }
}
