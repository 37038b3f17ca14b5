//! A bounded queue of bytes. Nothing is allocated after it was made.

/// Bytes that wait, in the order in which they came.
#[derive(Debug)]
pub struct Ring {
    bytes: Box<[u8]>,
    first: usize,
    length: usize,
}

/// What precedes a message: its length.
const PREFIX: usize = 2;

impl Ring {
    /// For `capacity` bytes.
    pub fn new(capacity: usize) -> Self {
        Self {
            bytes: vec![0; capacity].into(),
            first: 0,
            length: 0,
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        (self.first, self.length) = (0, 0);
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Bytes that still fit.
    pub fn room(&self) -> usize {
        self.bytes.len() - self.length
    }

    /// Adds what fits of `bytes`, and returns how many that are.
    pub fn push(&mut self, bytes: &[u8]) -> usize {
        let count = bytes.len().min(self.room());
        let (bytes, _) = bytes.split_at(count);
        let start = (self.first + self.length) % self.bytes.len();
        let (front, back) = bytes.split_at(count.min(self.bytes.len() - start));
        self.bytes[start..start + front.len()].copy_from_slice(front);
        self.bytes[..back.len()].copy_from_slice(back);
        self.length += count;
        count
    }

    /// Takes as many bytes as there are, up to the length of `into`, and returns how many that are.
    pub fn pop(&mut self, into: &mut [u8]) -> usize {
        let count = into.len().min(self.length);
        let (into, _) = into.split_at_mut(count);
        let (front, back) = into.split_at_mut(count.min(self.bytes.len() - self.first));
        front.copy_from_slice(&self.bytes[self.first..self.first + front.len()]);
        back.copy_from_slice(&self.bytes[..back.len()]);
        self.drop_first(count);
        count
    }

    fn drop_first(&mut self, count: usize) {
        self.first = (self.first + count) % self.bytes.len();
        self.length -= count;
    }

    /// Adds a message as one; `false` when it does not fit as a whole.
    pub fn push_message(&mut self, message: &[u8]) -> bool {
        let Ok(length) = u16::try_from(message.len()) else {
            return false;
        };
        if message.len() + PREFIX > self.room() {
            return false;
        }
        self.push(&length.to_le_bytes());
        self.push(message);
        true
    }

    /// Takes one message. What `into` has no room for is lost, as with datagrams. `None` when there is no message.
    pub fn pop_message(&mut self, into: &mut [u8]) -> Option<usize> {
        let mut prefix = [0; PREFIX];
        if self.pop(&mut prefix) < PREFIX {
            return None;
        }
        let length = usize::from(u16::from_le_bytes(prefix));
        let count = length.min(into.len());
        self.pop(&mut into[..count]);
        self.drop_first(length - count);
        Some(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_out_as_they_went_in_wherever_the_queue_stands() {
        for start in 0..8 {
            let mut ring = Ring::new(8);
            ring.push(&[0; 8][..start]);
            ring.pop(&mut [0; 8]);
            assert_eq!(ring.push(&[1, 2, 3, 4, 5]), 5);
            assert_eq!(
                ring.push(&[6, 7, 8, 9]),
                3,
                "what does not fit is left to the caller"
            );
            let mut out = [0; 5];
            assert_eq!(ring.pop(&mut out), 5);
            assert_eq!(out, [1, 2, 3, 4, 5]);
            assert_eq!(ring.pop(&mut out), 3);
            assert_eq!(out[..3], [6, 7, 8]);
            assert!(ring.is_empty() && ring.room() == 8);
        }
    }

    #[test]
    fn messages_keep_their_borders() {
        for start in 0..16 {
            let mut ring = Ring::new(16);
            ring.push(&[0; 16][..start]);
            ring.pop(&mut [0; 16]);
            assert!(ring.push_message(b"first") && ring.push_message(b""));
            assert!(ring.push_message(b"last"));
            assert!(!ring.push_message(b""), "not even an empty one fits");
            let mut out = [0; 3];
            assert_eq!(ring.pop_message(&mut out), Some(3));
            assert_eq!(&out, b"fir");
            assert_eq!(ring.pop_message(&mut out), Some(0));
            let mut out = [0; 8];
            assert_eq!(ring.pop_message(&mut out), Some(4));
            assert_eq!(&out[..4], b"last");
            assert_eq!(ring.pop_message(&mut out), None);
        }
    }
}
