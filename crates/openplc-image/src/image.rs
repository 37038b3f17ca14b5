//! The core's process image.

use openplc_rt::shared_memory::SharedMemory;

use crate::address::Address;
use crate::atomics::AtomicU32;
use crate::format::Moment;
use crate::journal::JournalConsumer;
use crate::layout::Layout;
use crate::peers::{NOBODY, PeerId, PeerStatistics, Peers, Permitted};
use crate::publication::Publication;
use crate::rights::WriteRights;
use crate::safe_outputs::SafeOutputs;
use crate::table::Table;
use crate::tables::Tables;

/// What becomes of the inputs that a peer was the last to write when it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AbandonedInputs {
    /// They keep their values.
    #[default]
    Hold,
    /// They become zero.
    Zero,
}

/// A journal that is not attached to an image yet.
#[derive(Debug)]
pub struct Journal<M = SharedMemory>(JournalConsumer<M>);

impl<M: AsRef<[AtomicU32]>> Journal<M> {
    /// An empty journal in zeroed memory of [`crate::journal::WORDS`] words.
    #[must_use]
    pub fn in_memory(memory: M) -> Self {
        Self(JournalConsumer::new(memory))
    }

    /// What the peer maps.
    #[must_use]
    pub fn memory(&self) -> &M {
        self.0.memory()
    }
}

/// A peer that has left. To be dropped where memory may be given back: not on the scan thread.
#[derive(Debug)]
pub struct Departed<M = SharedMemory> {
    /// What became of its entries.
    pub statistics: PeerStatistics,
    _journal: JournalConsumer<M>,
    _rights: WriteRights,
}

/// The process image: private memory of the core, what it publishes of it, and the journals of the peers that may write.
///
/// What the scan thread calls neither allocates, locks nor enters the kernel, and never waits for a peer; it takes a time that
/// is bounded by the number of values that have changed. Each method says whether it is meant for the scan thread.
#[derive(Debug)]
pub struct Image<M = SharedMemory> {
    pub(crate) tables: Tables,
    publication: Publication<M>,
    peers: Peers<M>,
}

impl<M: AsRef<[AtomicU32]>> Image<M> {
    /// An image of zeroes that is published in zeroed memory of [`Layout::shared_words`] words.
    #[must_use]
    pub fn in_memory(layout: Layout, shared: M) -> Self {
        Self {
            publication: Publication::new(shared, &layout),
            peers: Peers::new(),
            tables: Tables::new(layout),
        }
    }

    /// Sizes and places of the tables.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.tables.layout
    }

    /// What readers map.
    #[must_use]
    pub fn shared(&self) -> &M {
        self.publication.memory()
    }

    /// A value as an unsigned number; `None` when its table has no such slot. On any thread.
    #[must_use]
    pub fn value(&self, address: Address) -> Option<u64> {
        let place = self.tables.layout.place(address)?;
        Some(self.tables.load(place))
    }

    /// Copies the beginning of a table, as much as there is of it and room in `into`; returns how many bytes. On any thread.
    pub fn copy_table(&self, table: Table, into: &mut [u8]) -> usize {
        self.tables.copy(table, into)
    }

    /// Changes a value on behalf of the scan engine itself. False when its table has no such slot, the value does not fit it or
    /// is forced, or an output that is kept safe. For the scan thread.
    pub fn write(&mut self, address: Address, value: u64) -> bool {
        let place = self.tables.layout.place(address);
        let Some(place) = place.filter(|place| value <= place.width.max()) else {
            return false;
        };
        self.tables.apply(Permitted {
            peer: NOBODY,
            place,
            value,
        })
    }

    /// Holds a value against everybody (`Some`), or lets it go (`None`). False when its table has no such slot, the value does
    /// not fit it, or it is an output that is kept safe. On any thread.
    pub fn force(&mut self, address: Address, value: Option<u64>) -> bool {
        let Some(place) = self.tables.layout.place(address) else {
            return false;
        };
        match value {
            Some(value) if value > place.width.max() || self.tables.is_kept_safe(place.offset) => {
                return false;
            }
            Some(value) => {
                self.tables.forces.add(place);
                self.tables.store(place, value);
            }
            None => {
                self.tables.forces.remove(place);
                self.tables.revision += 1;
            }
        }
        true
    }

    /// Lets all values go. On any thread.
    pub fn release_forces(&mut self) {
        self.tables.forces.clear();
        self.tables.revision += 1;
    }

    /// Takes what peers have written since the last call: at most 1,024 values, or a few more where they belong together. What
    /// is left is taken by the next scan. `now_ns` is the time of `CLOCK_MONOTONIC`. For the scan thread.
    pub fn drain_journals(&mut self, now_ns: u64) {
        self.peers.drain(now_ns, &mut self.tables);
    }

    /// Makes everything that has changed visible to readers, all at once. For the scan thread.
    pub fn publish(&mut self, moment: Moment) {
        self.tables.publish(&mut self.publication, moment);
    }

    /// Sets all outputs as the policy says, forced ones too, and keeps them so until [`Self::release_outputs`]: neither peers,
    /// nor what they have written before, nor a debugger change them. For the scan thread.
    pub fn make_outputs_safe(&mut self, outputs: &SafeOutputs) {
        outputs.apply(&mut self.tables);
        self.tables.outputs_are_safe = true;
    }

    /// Lets outputs be changed again. What peers have written to them until now, `now_ns`, has no effect. For any thread, before
    /// scans begin.
    pub fn release_outputs(&mut self, now_ns: u64) {
        if self.tables.outputs_are_safe {
            self.peers.drain_all(now_ns, &mut self.tables);
            self.tables.outputs_are_safe = false;
        }
    }

    /// Attaches a peer. For any thread: it allocates nothing.
    ///
    /// # Errors
    /// Gives the journal back when [`crate::MAX_PEERS`] are attached already.
    pub fn attach(&mut self, journal: Journal<M>, rights: WriteRights) -> Result<PeerId, Journal<M>> {
        self.peers.attach(journal.0, rights).map_err(Journal)
    }

    /// Dismisses a peer that stays attached: what it has written until now, `now_ns`, is taken, and nothing that it writes later.
    /// Its inputs become zero now, or stay until it is detached. For any thread: it neither allocates nor frees.
    pub fn dismiss(&mut self, id: PeerId, inputs: AbandonedInputs, now_ns: u64) {
        let Self { tables, peers, .. } = self;
        if peers.dismiss(id, now_ns, tables) && inputs == AbandonedInputs::Zero {
            tables.abandon_inputs(id, true);
        }
    }

    /// Sets inputs to zero that no peer at work was the last to write: what they say may be long ago. Takes time in
    /// proportion to the inputs: for any thread, before scans begin.
    pub fn forget_old_inputs(&mut self) {
        self.tables.abandon_inputs_of_others(self.peers.at_work());
    }

    /// Detaches a peer, after everything that it has written before. For any thread: it neither allocates nor frees.
    pub fn detach(&mut self, id: PeerId, inputs: AbandonedInputs, now_ns: u64) -> Option<Departed<M>> {
        let Self { tables, peers, .. } = self;
        let (journal, rights, statistics) = peers.detach(id, now_ns, tables)?;
        tables.abandon_inputs(id, inputs == AbandonedInputs::Zero);
        Some(Departed {
            statistics,
            _journal: journal,
            _rights: rights,
        })
    }

    /// What became of every peer's entries, in the order of attachment. For any thread.
    pub fn peers(&self) -> impl Iterator<Item = (PeerId, PeerStatistics)> {
        self.peers.statistics()
    }

    /// Takes over values, forces and peers of an image that this one replaces, and tells readers of that one to go. The old
    /// image is to be dropped outside the scan thread. Takes time in proportion to the images: for any thread, but rarely.
    pub fn replace(&mut self, old: &mut Self) {
        self.tables.take_over(&old.tables);
        self.peers.take_over(&mut old.peers);
        old.publication.close();
    }
}
