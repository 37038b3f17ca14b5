//! Passwords that were found right a moment ago, for clients that must show theirs with every request: they cost one hash,
//! not one each time.
//!
//! Of a password a digest is kept, in memory only, under a key that ends with the process. The digest covers the stored
//! hash too: with another password, or another account of the same number, it does not fit any more.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::database::Stored;

type Digest = [u8; 32];

/// Digests of right passwords, by the number of the account.
pub struct Recognition {
    keyed: Hmac<Sha256>,
    digests: Mutex<HashMap<i64, Digest>>,
}

impl Recognition {
    pub fn new() -> Result<Self, getrandom::Error> {
        // As long as a block of the hash.
        let mut key = [0; 64];
        getrandom::fill(&mut key)?;
        Ok(Self {
            keyed: Hmac::new(&key.into()),
            digests: Mutex::default(),
        })
    }

    /// Whether this password was remembered for this account as it is now.
    pub fn knows(&self, stored: &Stored, password: &str) -> bool {
        let digests = self.digests.lock().unwrap_or_else(PoisonError::into_inner);
        let known = digests.get(&stored.user.id);
        known.is_some_and(|known| known.ct_eq(&self.digest(stored, password)).into())
    }

    /// Remembers a password that is right.
    pub fn remember(&self, stored: &Stored, password: &str) {
        let digest = self.digest(stored, password);
        let mut digests = self.digests.lock().unwrap_or_else(PoisonError::into_inner);
        digests.insert(stored.user.id, digest);
    }

    fn digest(&self, stored: &Stored, password: &str) -> Digest {
        let hash = stored.password_hash.as_deref().unwrap_or_default();
        self.keyed
            .clone()
            .chain_update((hash.len() as u64).to_le_bytes())
            .chain_update(hash)
            .chain_update(password)
            .finalize()
            .into_bytes()
            .into()
    }
}
