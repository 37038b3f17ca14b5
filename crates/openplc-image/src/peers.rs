//! The peers that write into an image, and the order in which their writes take effect.
//!
//! Within a scan the last writer wins: entries of all journals are applied in the order of the time that they state. A time in
//! the future counts as now, one before that of the peer's previous entry as the same; equal times are in the order in which
//! peers were attached. So a lie gains a peer nothing but the last word on values that it may write anyway.

use crate::address::Address;
use crate::atomics::AtomicU32;
use crate::journal::{Entry, JournalConsumer, MAX_GROUP};
use crate::layout::{Layout, Place};
use crate::rights::WriteRights;
use crate::table::Table;
use crate::tables::Tables;

/// Peers that can be attached at once.
pub const MAX_PEERS: usize = 32;
/// Entries that are taken in one scan from all peers together, so that a flood costs a scan microseconds. Each peer has the same
/// share; a group is never cut.
const ENTRIES_PER_SCAN: u32 = 1024;

/// Names an attached peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub(crate) u8);

impl PeerId {
    /// For a set of peers.
    pub(crate) fn bit(self) -> u64 {
        1 << self.0
    }
}

/// Who has written a value that no peer has written.
pub(crate) const NOBODY: PeerId = PeerId(0);

/// What became of a peer's entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PeerStatistics {
    /// Applied.
    pub applied: u64,
    /// Refused: no such address, or a value that does not fit it.
    pub invalid: u64,
    /// Refused: not for this peer.
    pub forbidden: u64,
    /// Without effect because a debugger has forced the value, or because it is an output and the PLC does not run.
    pub forced: u64,
    /// Times that the peer stated an impossible number of entries.
    pub corrupt: u64,
    /// Scans that left entries for the next one, because the peer's share was used up.
    pub postponed: u64,
    /// Writes that the peer says it has dropped because its journal was full.
    pub dropped: u64,
}

/// A write that may be done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Permitted {
    pub peer: PeerId,
    pub place: Place,
    pub value: u64,
}

/// One peer.
#[derive(Debug)]
struct Peer<M> {
    id: PeerId,
    journal: JournalConsumer<M>,
    rights: WriteRights,
    statistics: PeerStatistics,
    /// Whether nothing that it writes has any effect from now on.
    dismissed: bool,
    /// Entries that wait beyond `next`, as far as this scan looks.
    waiting: u32,
    /// Entries that may still be taken in this scan; beyond it, only what belongs to a group that has begun.
    share: u32,
    /// The next entry, copied out of the journal, with a time that can be believed.
    next: Option<Entry>,
}

impl<M: AsRef<[AtomicU32]>> Peer<M> {
    /// Looks at the journal for the first time in a scan.
    fn begin(&mut self, share: u32, now_ns: u64) {
        self.share = share;
        self.waiting = self.journal.waiting().unwrap_or_else(|| {
            self.statistics.corrupt += 1;
            0
        });
        self.next = None;
        self.fetch(0, now_ns);
    }

    /// Copies the next entry, if there is one for this scan.
    fn fetch(&mut self, earliest_ns: u64, now_ns: u64) {
        self.next = None;
        if self.waiting > 0 {
            self.waiting -= 1;
            let entry = self.journal.take();
            let time_ns = entry.time_ns.clamp(earliest_ns.min(now_ns), now_ns);
            self.next = Some(Entry { time_ns, ..entry });
        }
    }

    /// Applies the next group, or as much of it as an honest group has.
    fn take_group(&mut self, tables: &mut Tables, now_ns: u64) {
        for taken in 1..=MAX_GROUP {
            let Some(entry) = self.next else { return };
            self.take_one(&entry, tables);
            self.share = self.share.saturating_sub(1);
            let group_goes_on = entry.more && taken < MAX_GROUP;
            if self.share == 0 && !group_goes_on {
                self.statistics.postponed += u64::from(self.waiting > 0);
                self.next = None;
                return;
            }
            self.fetch(entry.time_ns, now_ns);
            if !group_goes_on {
                return;
            }
        }
    }

    fn take_one(&mut self, entry: &Entry, tables: &mut Tables) {
        if self.dismissed {
            return;
        }
        let Some((address, place)) = check(entry, &tables.layout) else {
            self.statistics.invalid += 1;
            return;
        };
        if !self.rights.allow(address) {
            self.statistics.forbidden += 1;
            return;
        }
        let permitted = Permitted {
            peer: self.id,
            place,
            value: entry.value,
        };
        if tables.apply(permitted) {
            self.statistics.applied += 1;
        } else {
            self.statistics.forced += 1;
        }
    }

    /// Takes everything that is there.
    fn take_all(&mut self, now_ns: u64, tables: &mut Tables) {
        self.begin(crate::journal::CAPACITY, now_ns);
        while self.next.is_some() {
            self.take_group(tables, now_ns);
        }
        self.end();
    }

    /// Tells the peer what has been taken.
    fn end(&mut self) {
        self.statistics.dropped = self.journal.dropped();
        self.journal
            .release(self.statistics.invalid + self.statistics.forbidden);
    }
}

/// What an entry means; `None` when it means nothing.
fn check(entry: &Entry, layout: &Layout) -> Option<(Address, Place)> {
    let table = Table::from_number(entry.table)?;
    let address = Address::in_table(table, entry.slot.into(), entry.bit).ok()?;
    let place = layout.place(address)?;
    (entry.value <= place.width.max()).then_some((address, place))
}

/// All peers of an image.
#[derive(Debug)]
pub(crate) struct Peers<M> {
    /// In the order of attachment; the capacity for all is there from the beginning.
    peers: Vec<Peer<M>>,
}

impl<M: AsRef<[AtomicU32]>> Peers<M> {
    pub fn new() -> Self {
        Self {
            peers: Vec::with_capacity(MAX_PEERS),
        }
    }

    /// Adds a peer; gives its journal back when there are too many already. Allocates nothing.
    pub fn attach(
        &mut self,
        journal: JournalConsumer<M>,
        rights: WriteRights,
    ) -> Result<PeerId, JournalConsumer<M>> {
        if self.peers.len() == MAX_PEERS {
            return Err(journal);
        }
        let free = (1..=MAX_PEERS as u8)
            .map(PeerId)
            .find(|id| self.peers.iter().all(|peer| peer.id != *id));
        let Some(id) = free else { return Err(journal) };
        self.peers.push(Peer {
            id,
            journal,
            rights,
            statistics: PeerStatistics::default(),
            dismissed: false,
            waiting: 0,
            share: 0,
            next: None,
        });
        Ok(id)
    }

    /// Removes a peer, after everything in its journal.
    pub fn detach(
        &mut self,
        id: PeerId,
        now_ns: u64,
        tables: &mut Tables,
    ) -> Option<(JournalConsumer<M>, WriteRights, PeerStatistics)> {
        let index = self.peers.iter().position(|peer| peer.id == id)?;
        let mut peer = self.peers.remove(index);
        peer.take_all(now_ns, tables);
        Some((peer.journal, peer.rights, peer.statistics))
    }

    /// Takes what a peer has written until now; nothing that it writes later has any effect. False when it is not attached.
    pub fn dismiss(&mut self, id: PeerId, now_ns: u64, tables: &mut Tables) -> bool {
        let Some(peer) = self.peers.iter_mut().find(|peer| peer.id == id) else {
            return false;
        };
        peer.take_all(now_ns, tables);
        peer.dismissed = true;
        true
    }

    /// Those whose writes have an effect, as a set of [`PeerId::bit`].
    pub fn at_work(&self) -> u64 {
        let at_work = self.peers.iter().filter(|peer| !peer.dismissed);
        at_work.fold(0, |set, peer| set | peer.id.bit())
    }

    /// Applies what has been written. Bounded, and free of allocation.
    pub fn drain(&mut self, now_ns: u64, tables: &mut Tables) {
        let count = self.peers.len().max(1) as u32;
        self.drain_shares(ENTRIES_PER_SCAN / count, now_ns, tables);
    }

    /// As [`Self::drain`], but everything that has been written: for where no scan waits.
    pub fn drain_all(&mut self, now_ns: u64, tables: &mut Tables) {
        self.drain_shares(crate::journal::CAPACITY, now_ns, tables);
    }

    fn drain_shares(&mut self, share: u32, now_ns: u64, tables: &mut Tables) {
        for peer in &mut self.peers {
            peer.begin(share, now_ns);
        }
        while let Some(peer) = earliest(&mut self.peers) {
            peer.take_group(tables, now_ns);
        }
        for peer in &mut self.peers {
            peer.end();
        }
    }

    /// What became of every peer's entries.
    pub fn statistics(&self) -> impl Iterator<Item = (PeerId, PeerStatistics)> {
        self.peers.iter().map(|peer| (peer.id, peer.statistics))
    }

    /// Moves all peers over to another image.
    pub fn take_over(&mut self, others: &mut Self) {
        self.peers.append(&mut others.peers);
    }
}

/// The peer whose next entry is the oldest; the first of them where several are.
fn earliest<M>(peers: &mut [Peer<M>]) -> Option<&mut Peer<M>> {
    peers
        .iter_mut()
        .filter(|peer| peer.next.is_some())
        .min_by_key(|peer| peer.next.map_or(u64::MAX, |entry| entry.time_ns))
}
