//! Writes that were confirmed to a client but that no published image shows yet: whoever reads them before the next scan has
//! ended gets what was written, not what was there before.

use std::collections::{HashMap, VecDeque};

use openplc_plugin::{Address, Write};

use crate::points::Points;

/// One group of writes.
struct Batch<T> {
    ticket: T,
    number: u64,
    /// The publication that was the newest when the core had taken it: a later one shows it.
    taken_at: Option<u32>,
}

/// The writes, by their addresses.
pub struct PendingWrites<T> {
    values: HashMap<Address, (u64, u64)>,
    batches: VecDeque<Batch<T>>,
    last: u64,
}

impl<T> Default for PendingWrites<T> {
    fn default() -> Self {
        Self {
            values: HashMap::new(),
            batches: VecDeque::new(),
            last: 0,
        }
    }
}

impl<T> PendingWrites<T> {
    /// Remembers a group.
    pub fn add(&mut self, ticket: T, writes: &[Write]) {
        self.last += 1;
        let number = self.last;
        self.batches.push_back(Batch {
            ticket,
            number,
            taken_at: None,
        });
        let values = writes.iter().map(|write| (write.address, (write.value, number)));
        self.values.extend(values);
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// What was written last to an address.
    pub fn value(&self, address: Address) -> Option<u64> {
        self.values.get(&address).map(|(value, _)| *value)
    }

    /// Forgets what the image shows that is read next.
    pub fn forget_published(&mut self, points: &impl Points<Ticket = T>) {
        if self.batches.is_empty() {
            return;
        }
        let Ok(publication) = points.publication() else {
            return self.forget_all();
        };
        let mut published = 0;
        for batch in &mut self.batches {
            match (batch.taken_at, points.is_taken(&batch.ticket)) {
                (Some(taken_at), _) if taken_at != publication => published = batch.number,
                (Some(_), _) => {}
                (None, Ok(true)) => batch.taken_at = Some(publication),
                (None, Ok(false)) => break,
                (None, Err(_)) => return self.forget_all(),
            }
        }
        if published != 0 {
            self.batches.retain(|batch| batch.number > published);
            self.values.retain(|_, (_, number)| *number > published);
        }
    }

    /// Forgets everything: nobody knows what has become of it.
    pub fn forget_all(&mut self) {
        self.batches.clear();
        self.values.clear();
    }
}
