//! Which lines of an image have changed: two levels of bits, so that finding the few that did costs next to nothing.

use crate::layout::LINE;

/// Bits of a word.
const BITS: usize = u64::BITS as usize;

/// A set of lines.
#[derive(Debug)]
pub(crate) struct DirtyLines {
    /// A bit for each line.
    lines: Box<[u64]>,
    /// A bit for each word of `lines` that is not zero.
    groups: Box<[u64]>,
}

impl DirtyLines {
    /// No line of an image of this many bytes.
    pub fn none(bytes: usize) -> Self {
        let words = bytes.div_ceil(LINE).div_ceil(BITS);
        Self {
            lines: vec![0; words].into(),
            groups: vec![0; words.div_ceil(BITS)].into(),
        }
    }

    /// Adds the line of a byte.
    pub fn mark(&mut self, offset: usize) {
        let word = offset / LINE / BITS;
        self.lines[word] |= 1 << (offset / LINE % BITS);
        self.groups[word / BITS] |= 1 << (word % BITS);
    }

    /// Adds the lines of a range of bytes.
    pub fn mark_range(&mut self, bytes: std::ops::Range<usize>) {
        // An empty range would else have the line that it lies in.
        if !bytes.is_empty() {
            for line in bytes.start / LINE..bytes.end.div_ceil(LINE) {
                self.mark(line * LINE);
            }
        }
    }

    /// Empties the set.
    pub fn clear(&mut self) {
        for (index, group) in self.groups.iter_mut().enumerate() {
            for word in bits(std::mem::take(group)) {
                self.lines[index * BITS + word] = 0;
            }
        }
    }

    /// Calls `visit` with the first byte of every line that is in one of two sets of the same image.
    pub fn each_of_both(&self, other: &Self, mut visit: impl FnMut(usize)) {
        for (index, (ours, theirs)) in self.groups.iter().zip(&other.groups).enumerate() {
            for word in bits(ours | theirs) {
                let word = index * BITS + word;
                for line in bits(self.lines[word] | other.lines[word]) {
                    visit((word * BITS + line) * LINE);
                }
            }
        }
    }
}

/// Numbers of the bits that are set.
fn bits(mut word: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        (word != 0).then(|| {
            let bit = word.trailing_zeros() as usize;
            word &= word - 1;
            bit
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    const BYTES: usize = 600_000;

    proptest! {
        #[test]
        fn exactly_the_marked_lines_are_visited(
            ours in prop::collection::vec(0..BYTES, 0..50),
            theirs in prop::collection::vec(0..BYTES, 0..50),
            range in (0..BYTES, 0..5000_usize),
        ) {
            let (mut one, mut other) = (DirtyLines::none(BYTES), DirtyLines::none(BYTES));
            let range = range.0..(range.0 + range.1).min(BYTES);
            ours.iter().for_each(|offset| one.mark(*offset));
            theirs.iter().for_each(|offset| other.mark(*offset));
            other.mark_range(range.clone());
            let expected: BTreeSet<usize> = ours.into_iter().chain(theirs).chain(range).map(|offset| offset / LINE * LINE).collect();
            let mut visited = Vec::new();
            one.each_of_both(&other, |offset| visited.push(offset));
            prop_assert_eq!(visited, expected.into_iter().collect::<Vec<_>>());
            one.clear();
            other.clear();
            one.each_of_both(&other, |_| panic!("cleared"));
            prop_assert!(one.lines.iter().chain(&*other.lines).all(|word| *word == 0));
        }
    }
}
