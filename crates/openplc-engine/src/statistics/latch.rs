//! A value of several words that one thread replaces and any thread reads. Neither ever waits for the other, not even
//! when the writer is interrupted midway: it fills one place while readers copy the other.

use std::sync::atomic::{AtomicU64, Ordering, fence};

/// `N` words of one writer.
pub(super) struct Latch<const N: usize> {
    /// How often the words were replaced. The last bit tells which place holds them.
    sequence: AtomicU64,
    places: [[AtomicU64; N]; 2],
}

impl<const N: usize> Latch<N> {
    pub fn new(words: [u64; N]) -> Self {
        let place = || words.map(AtomicU64::new);
        Self {
            sequence: AtomicU64::new(0),
            places: [place(), place()],
        }
    }

    fn place(&self, sequence: u64) -> &[AtomicU64; N] {
        &self.places[usize::from(sequence % 2 == 1)]
    }

    /// Replaces the words. Only one thread may do so.
    pub fn store(&self, words: [u64; N]) {
        let sequence = self.sequence.load(Ordering::Relaxed) + 1;
        // A reader that sees one of the stores below also sees that its place was left by the store of the last time.
        fence(Ordering::Release);
        for (place, word) in self.place(sequence).iter().zip(words) {
            place.store(word, Ordering::Relaxed);
        }
        self.sequence.store(sequence, Ordering::Release);
    }

    /// The words of one moment, never a mixture. Copies anew only when they were replaced meanwhile.
    pub fn load(&self) -> [u64; N] {
        loop {
            let sequence = self.sequence.load(Ordering::Acquire);
            let place = self.place(sequence);
            let words = std::array::from_fn(|at| place[at].load(Ordering::Relaxed));
            fence(Ordering::Acquire);
            if sequence == self.sequence.load(Ordering::Relaxed) {
                return words;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_never_sees_a_mixture_and_never_goes_back() {
        const LAST: u64 = if cfg!(miri) { 300 } else { 200_000 };
        let latch = Latch::new([0; 3]);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for value in 1..=LAST {
                    latch.store([value; 3]);
                }
            });
            let mut last = 0;
            while last < LAST {
                let words = latch.load();
                assert!(words.iter().all(|word| *word == words[0]), "{words:?}");
                assert!(words[0] >= last);
                last = words[0];
            }
        });
    }
}
