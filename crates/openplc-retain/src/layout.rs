//! Names, types and order of the retained variables of one program.

use std::collections::HashSet;

use thiserror::Error;

use crate::bytes::Bytes;

/// Most retained variables of one program.
pub const MAX_LEAVES: usize = 1 << 16;
/// Longest name of a program, a variable or a type, in bytes.
pub const MAX_NAME: usize = 1024;
/// Most bytes of all values of one program.
pub const MAX_VALUES: usize = 16 << 20;
/// Most bytes of one value.
const MAX_VALUE: u32 = 1 << 16;

/// One retained value of an elementary type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// IEC path, upper case.
    pub name: String,
    /// IEC elementary type, upper case.
    pub iec_type: String,
    /// Bytes of its value.
    pub size: u32,
}

/// The retained variables of a program, in the order of their values. Names are unique.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    program: String,
    representation: String,
    leaves: Vec<Leaf>,
    values: usize,
}

/// A layout that breaks a rule.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
#[error("{0}")]
pub struct InvalidLayout(&'static str);

impl Layout {
    /// A layout. `program` is the program's identity; `representation` says how its generation stores times and strings,
    /// which are handed on as they are only between equal ones.
    ///
    /// # Errors
    /// [`InvalidLayout`]: too many or too long, an empty or huge value, or a name twice.
    pub fn new(program: &str, representation: &str, leaves: Vec<Leaf>) -> Result<Self, InvalidLayout> {
        if leaves.len() > MAX_LEAVES {
            return Err(InvalidLayout("too many retained variables"));
        }
        let mut names = HashSet::with_capacity(leaves.len());
        let mut values = 0_usize;
        for leaf in &leaves {
            if leaf.name.len() > MAX_NAME || leaf.iec_type.len() > MAX_NAME {
                return Err(InvalidLayout("a name is too long"));
            }
            if leaf.size == 0 || leaf.size > MAX_VALUE {
                return Err(InvalidLayout("a value is empty or too large"));
            }
            if !names.insert(leaf.name.as_str()) {
                return Err(InvalidLayout("a name is there twice"));
            }
            values += leaf.size as usize;
        }
        if values > MAX_VALUES {
            return Err(InvalidLayout("the values are too large"));
        }
        if program.len() > MAX_NAME || representation.len() > MAX_NAME {
            return Err(InvalidLayout("a name is too long"));
        }
        Ok(Self {
            program: program.to_owned(),
            representation: representation.to_owned(),
            leaves,
            values,
        })
    }

    /// Identity of the program.
    #[must_use]
    pub fn program(&self) -> &str {
        &self.program
    }

    /// How times and strings are stored.
    #[must_use]
    pub fn representation(&self) -> &str {
        &self.representation
    }

    /// The variables in the order of their values.
    #[must_use]
    pub fn leaves(&self) -> &[Leaf] {
        &self.leaves
    }

    /// Bytes of all values.
    #[must_use]
    pub fn values_length(&self) -> usize {
        self.values
    }

    /// Number by which people tell layouts apart: names, types and sizes, whatever the program.
    #[must_use]
    pub fn fingerprint(&self) -> u32 {
        let mut hash = crc32fast::Hasher::new();
        for leaf in &self.leaves {
            hash.update(leaf.name.as_bytes());
            hash.update(&[0]);
            hash.update(leaf.iec_type.as_bytes());
            hash.update(&leaf.size.to_le_bytes());
        }
        hash.finalize()
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        text(&mut bytes, &self.program);
        text(&mut bytes, &self.representation);
        bytes.extend((self.leaves.len() as u32).to_le_bytes());
        for leaf in &self.leaves {
            text(&mut bytes, &leaf.name);
            text(&mut bytes, &leaf.iec_type);
            bytes.extend(leaf.size.to_le_bytes());
        }
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut bytes = Bytes(bytes);
        let (program, representation) = (bytes.text()?, bytes.text()?);
        let count = bytes.u32()? as usize;
        if count > MAX_LEAVES {
            return None;
        }
        // Grows with what is really there: a count in rubbish must not reserve memory.
        let mut leaves = Vec::new();
        for _ in 0..count {
            leaves.push(Leaf {
                name: bytes.text()?.to_owned(),
                iec_type: bytes.text()?.to_owned(),
                size: bytes.u32()?,
            });
        }
        bytes.0.is_empty().then_some(())?;
        Self::new(program, representation, leaves).ok()
    }
}

/// At most [`MAX_NAME`] bytes, which [`Layout::new`] has checked.
fn text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend((text.len() as u16).to_le_bytes());
    bytes.extend(text.as_bytes());
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub fn layout(program: &str, leaves: &[(&str, &str, u32)]) -> Layout {
        let leaves = leaves
            .iter()
            .map(|(name, iec_type, size)| Leaf {
                name: (*name).into(),
                iec_type: (*iec_type).into(),
                size: *size,
            })
            .collect();
        Layout::new(program, "MatIEC", leaves).unwrap()
    }

    #[test]
    fn a_layout_comes_back_as_it_was() {
        let layout = layout("abc", &[("A.B[1]", "INT", 2), ("S", "STRING", 127)]);
        assert_eq!(Layout::decode(&layout.encode()), Some(layout.clone()));
        assert_eq!(layout.values_length(), 129);
    }

    #[test]
    fn rules_are_kept() {
        let leaf = |name: &str, size| Leaf {
            name: name.into(),
            iec_type: "INT".into(),
            size,
        };
        for (why, leaves) in [
            ("twice", vec![leaf("A", 2), leaf("A", 2)]),
            ("empty", vec![leaf("A", 0)]),
            ("large", vec![leaf("A", u32::MAX)]),
            ("long", vec![leaf(&"A".repeat(2000), 2)]),
        ] {
            assert!(Layout::new("p", "", leaves).is_err(), "{why}");
        }
    }
}
