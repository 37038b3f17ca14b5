//! The values of one moment as they lie in one of the two slots of a file.

use crate::bytes::Bytes;
use crate::file::Taken;

/// Bytes in front of the values: sequence, when they were taken, IEC time, layout, checksum.
pub(crate) const HEADER: usize = 32;

/// The values of one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Slot {
    /// Grows by one with every write; never 0.
    pub sequence: u64,
    pub taken: Taken,
    pub values: Vec<u8>,
}

/// The slot in bytes; `layout` is the checksum of the layout that it belongs to.
pub(crate) fn encode(sequence: u64, taken: Taken, layout: u32, values: &[u8], bytes: &mut Vec<u8>) {
    bytes.clear();
    bytes.extend(sequence.to_le_bytes());
    bytes.extend(taken.unix_ms.to_le_bytes());
    bytes.extend(taken.iec_ns.to_le_bytes());
    bytes.extend(layout.to_le_bytes());
    let checksum = checksum(bytes, values);
    bytes.extend(checksum.to_le_bytes());
    bytes.extend(values);
}

/// A slot that was written to its end.
pub(crate) fn decode(bytes: &[u8], layout: u32, values: usize) -> Option<Slot> {
    let head = bytes.get(..HEADER - 4)?;
    let mut rest = Bytes(bytes);
    let sequence = rest.u64()?;
    let taken = Taken {
        unix_ms: rest.u64()?,
        iec_ns: rest.u64()?,
    };
    let (of_layout, stated) = (rest.u32()?, rest.u32()?);
    let values = rest.take(values)?;
    (sequence != 0 && of_layout == layout && stated == checksum(head, values)).then(|| Slot {
        sequence,
        taken,
        values: values.to_vec(),
    })
}

fn checksum(head: &[u8], values: &[u8]) -> u32 {
    let mut hash = crc32fast::Hasher::new();
    hash.update(head);
    hash.update(values);
    hash.finalize()
}
