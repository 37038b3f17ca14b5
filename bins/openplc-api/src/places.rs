//! Places for connections, bounded in all and for one origin. When none is left, a connection on which nobody has shown a
//! token or a password makes room: first that of the origin that has most of them, and of those the oldest. So strangers
//! keep nobody out, however many they are, as long as who is expected logs in.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::sync::oneshot;

use crate::origin::Origin;

/// The places.
#[derive(Debug)]
pub struct Places {
    total: usize,
    per_origin: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    /// Number of the next connection: the oldest has the lowest.
    next: u64,
    holders: HashMap<u64, Holder>,
}

#[derive(Debug)]
struct Holder {
    origin: Origin,
    known: bool,
    /// Dropped, it tells the place that it is lost.
    _keep: oneshot::Sender<()>,
}

impl Taken {
    /// The connection that makes room, of these origins.
    fn dispensable(&self, of: impl Fn(Origin) -> bool) -> Option<u64> {
        let strangers = || {
            let holders = self.holders.iter();
            holders.filter(|(_, holder)| !holder.known && of(holder.origin))
        };
        let mut counts = HashMap::new();
        for (_, holder) in strangers() {
            *counts.entry(holder.origin).or_insert(0) += 1;
        }
        strangers()
            .max_by_key(|(number, holder)| (counts.get(&holder.origin), Reverse(**number)))
            .map(|(number, _)| *number)
    }
}

impl Places {
    pub fn new(total: usize, per_origin: usize) -> Arc<Self> {
        Arc::new(Self {
            total,
            per_origin,
            taken: Mutex::default(),
        })
    }

    /// A place for `peer`, unless too many are taken by people who are known.
    pub fn take(self: &Arc<Self>, peer: SocketAddr) -> Option<Place> {
        let origin = Origin::from(peer);
        let mut taken = self.lock();
        let of_origin = taken.holders.values().filter(|holder| holder.origin == origin);
        if of_origin.count() >= self.per_origin {
            let dispensable = taken.dispensable(|other| other == origin)?;
            taken.holders.remove(&dispensable);
        } else if taken.holders.len() >= self.total {
            let dispensable = taken.dispensable(|_| true)?;
            taken.holders.remove(&dispensable);
        }
        let number = taken.next;
        taken.next += 1;
        let (keep, lost) = oneshot::channel();
        let holder = Holder {
            origin,
            known: false,
            _keep: keep,
        };
        taken.holders.insert(number, holder);
        Some(Place {
            places: Arc::clone(self),
            number,
            lost: Some(lost),
        })
    }

    /// How many are taken.
    pub fn taken(&self) -> usize {
        self.lock().holders.len()
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place that is taken; dropping it frees it.
#[derive(Debug)]
pub struct Place {
    places: Arc<Places>,
    number: u64,
    /// Until it is lost.
    lost: Option<oneshot::Receiver<()>>,
}

impl Place {
    /// Ready when somebody else has got the place.
    pub fn poll_lost(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if let Some(lost) = &mut self.lost {
            // That nothing was sent is what is waited for.
            let _ = ready!(Pin::new(lost).poll(context));
            self.lost = None;
        }
        Poll::Ready(())
    }

    /// Who holds it, for those who find out more about them.
    pub fn visitor(&self) -> Visitor {
        Visitor {
            places: Arc::clone(&self.places),
            number: self.number,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.lock().holders.remove(&self.number);
    }
}

/// Somebody who holds a place.
#[derive(Debug, Clone)]
pub struct Visitor {
    places: Arc<Places>,
    number: u64,
}

impl Visitor {
    /// Says whether they have shown who they are: then they keep the place for as long as they like.
    pub fn set_known(&self, known: bool) {
        if let Some(holder) = self.places.lock().holders.get_mut(&self.number) {
            holder.known = known;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    fn peer(host: u8) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, host], 1))
    }

    fn is_lost(place: &mut Place) -> bool {
        place
            .poll_lost(&mut Context::from_waker(Waker::noop()))
            .is_ready()
    }

    #[test]
    fn places_become_free() {
        let places = Places::new(10, 4);
        let taken: Vec<Place> = (0..4).filter_map(|_| places.take(peer(1))).collect();
        assert_eq!((taken.len(), places.taken()), (4, 4));
        drop(taken);
        assert_eq!(places.taken(), 0);
    }

    #[test]
    fn the_oldest_stranger_of_the_greediest_origin_makes_room() {
        let places = Places::new(10, 4);
        let mut others: Vec<Place> = (1..=2).map(|host| places.take(peer(host)).unwrap()).collect();
        let mut greedy: Vec<Place> = [3, 4, 3, 4, 3, 4, 3, 4]
            .map(|host| places.take(peer(host)).unwrap())
            .into();
        assert_eq!(places.taken(), 10);
        for round in 0..4 {
            others.push(places.take(peer(10 + round)).unwrap());
            assert_eq!(places.taken(), 10);
        }
        assert!(!others.iter_mut().any(is_lost));
        let lost: Vec<bool> = greedy.iter_mut().map(is_lost).collect();
        assert_eq!(lost, [true, true, true, true, false, false, false, false]);
        assert!(is_lost(&mut greedy[0]), "and stays so");
        // Its end does not free the place of whoever has got it.
        greedy.truncate(4);
        drop(greedy);
        assert_eq!(places.taken(), 6);
    }

    #[test]
    fn one_origin_takes_from_itself_and_who_is_known_stays() {
        let places = Places::new(10, 4);
        let mut first: Vec<Place> = (0..4).map(|_| places.take(peer(1)).unwrap()).collect();
        first[0].visitor().set_known(true);
        let mut newcomer = places.take(peer(1)).unwrap();
        newcomer.visitor().set_known(true);
        assert_eq!(places.taken(), 4);
        let lost: Vec<bool> = first.iter_mut().map(is_lost).collect();
        assert_eq!(lost, [false, true, false, false]);
        first[2].visitor().set_known(true);
        first[3].visitor().set_known(true);
        assert!(places.take(peer(1)).is_none(), "all are known");
        assert!(places.take(peer(2)).is_some());
        newcomer.visitor().set_known(false);
        let _successor = places.take(peer(1)).unwrap();
        assert!(is_lost(&mut newcomer), "not known any more");
        // Too late.
        first[1].visitor().set_known(true);
        assert_eq!(places.taken(), 4);
    }
}
