//! Who is connected, and for whom there is still a place.
//!
//! There are places for so many clients, and so many from one address. Where they are taken, a client that has asked nothing
//! for a while makes room: an operator's screen that was restarted must not have to wait for the end of its own connections
//! from before. Those go first who have never asked anything that could be answered, so that many of them displace nobody who
//! is at work.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// After this time without a request a client may have to make room for another one ...
const MAKES_ROOM: Duration = Duration::from_secs(10);
/// ... and one that was served before after this time.
const MAKES_ROOM_ONCE_SERVED: Duration = Duration::from_secs(60);

/// Most clients.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// In all.
    pub clients: usize,
    /// From one address.
    pub clients_per_address: usize,
}

/// One client.
struct Client {
    address: IpAddr,
    last_request: Instant,
    /// Whether it got an answer that was no exception.
    was_served: bool,
    /// Tells it to go.
    dismissal: Arc<Notify>,
}

#[derive(Default)]
struct List {
    clients: HashMap<u64, Client>,
    last: u64,
}

/// All clients.
pub struct Clients {
    limits: Limits,
    list: Mutex<List>,
}

/// A client's place, until it is dropped.
pub struct Place {
    clients: Arc<Clients>,
    number: u64,
    dismissal: Arc<Notify>,
}

impl Clients {
    /// Nobody.
    pub fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self {
            limits,
            list: Mutex::default(),
        })
    }

    /// A place for a client; none where all are taken by clients that are at work.
    pub fn admit(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let mut list = self.list();
        let from_here = list.clients.values().filter(|client| client.address == address);
        if from_here.count() >= self.limits.clients_per_address {
            list.dismiss(|client| client.address == address)?;
        } else if list.clients.len() >= self.limits.clients {
            list.dismiss(|_| true)?;
        }
        list.last += 1;
        let number = list.last;
        let dismissal = Arc::new(Notify::new());
        let client = Client {
            address,
            last_request: Instant::now(),
            was_served: false,
            dismissal: dismissal.clone(),
        };
        list.clients.insert(number, client);
        Some(Place {
            clients: self.clone(),
            number,
            dismissal,
        })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.list().clients.len()
    }

    fn list(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl List {
    /// Sends away the one of these that is missed least, if it has been silent for long enough.
    fn dismiss(&mut self, mut eligible: impl FnMut(&Client) -> bool) -> Option<()> {
        let may_go = |client: &Client| {
            let patience = if client.was_served {
                MAKES_ROOM_ONCE_SERVED
            } else {
                MAKES_ROOM
            };
            client.last_request.elapsed() >= patience
        };
        let candidates = self.clients.iter();
        let candidates = candidates.filter(|(_, client)| eligible(client) && may_go(client));
        let least_missed = candidates.min_by_key(|(_, client)| (client.was_served, client.last_request));
        let number = *least_missed?.0;
        self.clients.remove(&number)?.dismissal.notify_one();
        Some(())
    }
}

impl Place {
    /// The client has asked something, and perhaps got an answer that was no exception.
    pub fn note_request(&self, was_served: bool) {
        if let Some(client) = self.clients.list().clients.get_mut(&self.number) {
            client.last_request = Instant::now();
            client.was_served |= was_served;
        }
    }

    /// Ends when the client has to make room.
    pub async fn dismissed(&self) {
        self.dismissal.notified().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.clients.list().clients.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn has_to_go(place: &Place) {
        let dismissed = tokio::time::timeout(Duration::from_millis(1), place.dismissed()).await;
        assert!(dismissed.is_ok());
    }

    fn address(last: u8) -> IpAddr {
        IpAddr::from([127, 0, 0, last])
    }

    #[tokio::test(start_paused = true)]
    async fn places_are_limited_and_come_back() {
        let clients = Clients::new(Limits {
            clients: 3,
            clients_per_address: 2,
        });
        let first = clients.admit(address(1)).unwrap();
        let _second = clients.admit(address(1)).unwrap();
        assert!(clients.admit(address(1)).is_none());
        let _third = clients.admit(address(2)).unwrap();
        assert!(clients.admit(address(3)).is_none());
        drop(first);
        assert!(clients.admit(address(3)).is_some());
        assert_eq!(clients.count(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_been_silent_for_long_makes_room() {
        let clients = Clients::new(Limits {
            clients: 2,
            clients_per_address: 2,
        });
        let silent = clients.admit(address(1)).unwrap();
        let busy = clients.admit(address(1)).unwrap();
        tokio::time::advance(MAKES_ROOM / 2).await;
        busy.note_request(false);
        assert!(clients.admit(address(2)).is_none());
        tokio::time::advance(MAKES_ROOM / 2).await;
        let new = clients.admit(address(2)).unwrap();
        has_to_go(&silent).await;
        drop(silent);
        assert_eq!(clients.count(), 2);
        assert!(clients.admit(address(1)).is_none());
        drop((busy, new));
        assert_eq!(clients.count(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn who_was_served_stays_longer() {
        let clients = Clients::new(Limits {
            clients: 2,
            clients_per_address: 2,
        });
        let served = clients.admit(address(1)).unwrap();
        served.note_request(true);
        tokio::time::advance(MAKES_ROOM / 2).await;
        let silent = clients.admit(address(2)).unwrap();
        tokio::time::advance(MAKES_ROOM).await;
        let new = clients.admit(address(3)).unwrap();
        has_to_go(&silent).await;
        assert!(clients.admit(address(4)).is_none());
        new.note_request(true);
        tokio::time::advance(MAKES_ROOM_ONCE_SERVED).await;
        let never_served = clients.admit(address(4)).unwrap();
        has_to_go(&served).await;
        tokio::time::advance(MAKES_ROOM).await;
        // Both may go; the one that was served before has been silent for longer.
        let _newest = clients.admit(address(5)).unwrap();
        has_to_go(&never_served).await;
    }
}
