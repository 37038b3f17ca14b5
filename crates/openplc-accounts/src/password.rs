//! Password hashes as Werkzeug writes them: `pbkdf2:sha256:ITERATIONS$SALT$HEX` over password and pepper.

use pbkdf2::pbkdf2_hmac;
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::secrets::hex;

/// Rounds of a new hash.
const ITERATIONS: u32 = 600_000;
/// Rounds that are accepted in a stored hash: fewer protect nothing, more would hold up the processor.
const ACCEPTED: std::ops::RangeInclusive<u32> = 1_000..=5_000_000;
/// Characters in a new salt, each of 64 possible.
const SALT: usize = 16;
/// Letters of a salt.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The hash of `password` with a fresh salt. Takes a tenth of a second and more.
pub fn hash(password: &str, pepper: &str) -> Result<String, getrandom::Error> {
    let mut salt = [0; SALT];
    getrandom::fill(&mut salt)?;
    let salt: String = salt
        .iter()
        .map(|byte| char::from(ALPHABET[usize::from(byte % 64)]))
        .collect();
    let digest = digest(password, pepper, salt.as_bytes(), ITERATIONS);
    Ok(format!("pbkdf2:sha256:{ITERATIONS}${salt}${}", hex(&digest)))
}

/// Whether `password` is the one of `stored`. Takes as long when there is no stored hash, or none that can be read.
pub fn verify(stored: Option<&str>, password: &str, pepper: &str) -> bool {
    let parsed = stored.and_then(parse);
    let (iterations, salt, expected) = parsed.unwrap_or((ITERATIONS, "no such account", ""));
    let actual = hex(&digest(password, pepper, salt.as_bytes(), iterations));
    parsed.is_some() & bool::from(actual.as_bytes().ct_eq(expected.to_ascii_lowercase().as_bytes()))
}

fn parse(stored: &str) -> Option<(u32, &str, &str)> {
    let (method, rest) = stored.split_once('$')?;
    let (salt, digest) = rest.split_once('$')?;
    let iterations = method.strip_prefix("pbkdf2:sha256:")?.parse().ok()?;
    ACCEPTED
        .contains(&iterations)
        .then_some((iterations, salt, digest))
}

fn digest(password: &str, pepper: &str, salt: &[u8], iterations: u32) -> [u8; 32] {
    let mut digest = [0; 32];
    pbkdf2_hmac::<Sha256>(
        &[password.as_bytes(), pepper.as_bytes()].concat(),
        salt,
        iterations,
        &mut digest,
    );
    digest
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Python: `hashlib.pbkdf2_hmac("sha256", b"secret" + b"pepper", b"saltsaltsaltsalt", N).hex()`.
    const FOREIGN: &str = "pbkdf2:sha256:1000$saltsaltsaltsalt$f8e1375c93fcb845b23a36aac5e337b1cedffe602666de1167943843461675d4";
    const FOREIGN_600K: &str = "pbkdf2:sha256:600000$saltsaltsaltsalt$98302b780a6d6bbfeae0c781c69331508dc824454d29f9e84af036f2b635e537";

    #[test]
    fn hashes_of_werkzeug_verify() {
        for stored in [FOREIGN, FOREIGN_600K] {
            assert!(verify(Some(stored), "secret", "pepper"));
            assert!(!verify(Some(stored), "secreT", "pepper"));
            assert!(!verify(Some(stored), "secret", "other pepper"));
        }
    }

    #[test]
    fn a_new_hash_verifies_and_has_the_stored_form() {
        let stored = hash("größe", "pepper").unwrap();
        let parts: Vec<_> = stored.split('$').collect();
        assert_eq!(
            (parts[0], parts[1].len(), parts[2].len()),
            ("pbkdf2:sha256:600000", 16, 64)
        );
        assert!(verify(Some(&stored), "größe", "pepper"));
        assert_ne!(
            stored,
            hash("größe", "pepper").unwrap(),
            "each hash has its own salt"
        );
    }

    #[test]
    fn what_is_no_sound_hash_verifies_nothing() {
        let digest = FOREIGN.rsplit('$').next().unwrap();
        for stored in [
            String::new(),
            "plain".into(),
            "pbkdf2:sha256:1000$salt".into(),
            format!("pbkdf2:md5:1000$saltsaltsaltsalt${digest}"),
            format!("pbkdf2:sha256:1$saltsaltsaltsalt${digest}"),
            format!("pbkdf2:sha256:4000000000$saltsaltsaltsalt${digest}"),
            "pbkdf2:sha256:1000$saltsaltsaltsalt$".into(),
        ] {
            assert!(!verify(Some(&stored), "secret", "pepper"), "{stored}");
        }
        assert!(!verify(None, "secret", "pepper"));
    }
}
