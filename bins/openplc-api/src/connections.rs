//! How many connections there may be, in all and from one address.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

/// Most connections at a time.
const MAX: usize = 512;
/// Most connections from one address: it cannot keep the others out.
const MAX_PER_ADDRESS: usize = 256;

/// The connections there are.
#[derive(Debug, Default)]
pub struct Connections(Mutex<HashMap<IpAddr, usize>>);

impl Connections {
    /// A place for a connection from `peer`, unless too many are taken.
    pub fn admit(self: &Arc<Self>, peer: SocketAddr) -> Option<Place> {
        let address = peer.ip().to_canonical();
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.values().sum::<usize>() >= MAX
            || taken.get(&address).is_some_and(|count| *count >= MAX_PER_ADDRESS)
        {
            return None;
        }
        *taken.entry(address).or_default() += 1;
        Some(Place {
            connections: Arc::clone(self),
            address,
        })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .sum()
    }
}

/// One connection's place; dropping it frees it.
#[derive(Debug)]
pub struct Place {
    connections: Arc<Connections>,
    address: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.connections.0.lock().unwrap_or_else(PoisonError::into_inner);
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

    #[test]
    fn one_address_cannot_keep_the_others_out() {
        let connections = Arc::new(Connections::default());
        let (greedy, other) = (
            SocketAddr::from(([10, 0, 0, 1], 1)),
            SocketAddr::from(([10, 0, 0, 2], 1)),
        );
        let mut places: Vec<Place> = std::iter::from_fn(|| connections.admit(greedy))
            .take(MAX)
            .collect();
        assert_eq!(places.len(), MAX_PER_ADDRESS);
        assert!(connections.admit(other).is_some());
        places.pop();
        assert!(connections.admit(greedy).is_some());
        drop(places);
        assert_eq!(connections.count(), 0);
    }

    #[test]
    fn all_together_are_bounded() {
        let connections = Arc::new(Connections::default());
        let places: Vec<Place> = (0..=u8::MAX)
            .flat_map(|host| (0..4).map(move |port| SocketAddr::from(([10, 0, 0, host], port))))
            .map_while(|peer| connections.admit(peer))
            .collect();
        assert_eq!(places.len(), MAX);
    }
}
