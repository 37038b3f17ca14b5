//! A bounded number of places, in all and for one address: whoever takes many cannot keep the others out.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

/// The places.
#[derive(Debug)]
pub struct Places {
    total: usize,
    per_address: usize,
    taken: Mutex<HashMap<IpAddr, usize>>,
}

impl Places {
    pub fn new(total: usize, per_address: usize) -> Arc<Self> {
        Arc::new(Self {
            total,
            per_address,
            taken: Mutex::default(),
        })
    }

    /// A place for `peer`, unless too many are taken.
    pub fn take(self: &Arc<Self>, peer: SocketAddr) -> Option<Place> {
        let address = peer.ip().to_canonical();
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let own = taken.get(&address).copied().unwrap_or(0);
        if own >= self.per_address || taken.values().sum::<usize>() >= self.total {
            return None;
        }
        taken.insert(address, own + 1);
        Some(Place {
            places: Arc::clone(self),
            address,
        })
    }

    /// How many are taken.
    pub fn taken(&self) -> usize {
        self.taken
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .sum()
    }
}

/// A place that is taken; dropping it frees it.
#[derive(Debug)]
pub struct Place {
    places: Arc<Places>,
    address: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(host: u8) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, host], 1))
    }

    #[test]
    fn one_address_cannot_keep_the_others_out() {
        let places = Places::new(10, 4);
        let mut taken: Vec<Place> = std::iter::from_fn(|| places.take(peer(1))).collect();
        assert_eq!(taken.len(), 4);
        assert!(places.take(peer(2)).is_some());
        taken.pop();
        assert!(places.take(peer(1)).is_some());
        drop(taken);
        assert_eq!(places.taken(), 0);
    }

    #[test]
    fn all_together_are_bounded() {
        let places = Places::new(10, 4);
        let taken: Vec<Place> = (0..30).filter_map(|host| places.take(peer(host))).collect();
        assert_eq!(taken.len(), 10);
    }
}
