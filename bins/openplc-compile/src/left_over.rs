//! Objects that an earlier build of the same user has left: what did not change is not compiled again.
//!
//! An object is found by a digest of everything that decides it: compiler, options, all headers and its source. So it is the
//! one that compiling again would make.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

/// Digest of everything that decides an object.
pub type Key = [u8; 32];

/// Most bytes of all objects.
pub const MOST_BYTES: u64 = 64 << 20;
/// Most bytes of the file that they travel in.
pub const MOST_FILE: u64 = MOST_BYTES + 8;
/// Most objects.
const MOST_OBJECTS: usize = 10_000;
const MAGIC: &[u8; 8] = b"OPLCOBJ1";

/// Objects by what decides them.
#[derive(Debug, Default)]
pub struct LeftOver(HashMap<Key, Vec<u8>>);

/// The digest of these parts, in this order.
pub fn key<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Key {
    let mut digest = Sha256::new();
    for part in parts {
        // Lengths go in too, so that no two lists of parts look alike.
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    digest.finalize().into()
}

impl LeftOver {
    /// Reads what [`Self::encode`] wrote; nothing where it is anything else.
    pub fn decode(bytes: &[u8]) -> Self {
        let mut objects = HashMap::new();
        let Some(mut rest) = bytes.strip_prefix(MAGIC) else {
            return Self::default();
        };
        while let Some((head, behind)) = rest.split_at_checked(40) {
            let (Ok(key), Ok(length)) = (<Key>::try_from(&head[..32]), <[u8; 8]>::try_from(&head[32..]))
            else {
                break;
            };
            let length = usize::try_from(u64::from_le_bytes(length)).unwrap_or(usize::MAX);
            let Some((object, behind)) = behind.split_at_checked(length) else {
                break;
            };
            objects.insert(key, object.to_vec());
            rest = behind;
        }
        // A list that is cut off is no list.
        Self(if rest.is_empty() { objects } else { HashMap::new() })
    }

    /// The object for this key.
    pub fn find(&self, key: &Key) -> Option<&[u8]> {
        self.0.get(key).map(Vec::as_slice)
    }

    /// Adds an object, unless there are too many.
    pub fn add(&mut self, key: Key, object: Vec<u8>) {
        if self.0.len() < MOST_OBJECTS {
            self.0.insert(key, object);
        }
    }

    /// Everything in bytes; `None` when there is nothing or too much.
    pub fn encode(&self) -> Option<Vec<u8>> {
        let total: u64 = self.0.values().map(|object| object.len() as u64 + 40).sum();
        if self.0.is_empty() || total > MOST_BYTES {
            return None;
        }
        let mut bytes = MAGIC.to_vec();
        for (key, object) in &self.0 {
            bytes.extend(key);
            bytes.extend((object.len() as u64).to_le_bytes());
            bytes.extend(object);
        }
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_come_back_and_rubbish_does_not() {
        let mut left_over = LeftOver::default();
        assert!(left_over.encode().is_none());
        let (one, two) = (key([&b"one"[..]]), key([&b"two"[..]]));
        assert_ne!(key([&b"ab"[..], b"c"]), key([&b"a"[..], b"bc"]));
        left_over.add(one, vec![1, 2, 3]);
        left_over.add(two, Vec::new());
        let bytes = left_over.encode().unwrap();
        let again = LeftOver::decode(&bytes);
        assert_eq!(again.find(&one), Some(&[1, 2, 3][..]));
        assert_eq!(again.find(&two), Some(&[][..]));
        assert_eq!(again.find(&[0; 32]), None);
        for length in 0..bytes.len() {
            let cut = LeftOver::decode(&bytes[..length]);
            assert!(cut.find(&one).is_none_or(|object| object == [1, 2, 3]));
        }
        assert!(
            LeftOver::decode(&[bytes, vec![0; 41]].concat())
                .find(&one)
                .is_none()
        );
        let mut huge = MAGIC.to_vec();
        huge.extend([0xFF; 40]);
        assert!(LeftOver::decode(&huge).0.is_empty());
    }
}
