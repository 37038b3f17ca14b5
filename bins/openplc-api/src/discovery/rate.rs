//! How many answers an address gets.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// Least time between two answers to one address.
const INTERVAL: Duration = Duration::from_millis(100);
/// Addresses answered within one interval: a flood from invented addresses is no more than this to anybody.
const MOST: usize = 64;

/// Remembers who was answered within the last interval.
#[derive(Debug, Default)]
pub struct RateLimit {
    answered: HashMap<IpAddr, Instant>,
}

impl RateLimit {
    /// Whether `address` may be answered at the time `now`; if so, it counts as answered.
    pub fn admits(&mut self, address: IpAddr, now: Instant) -> bool {
        self.answered
            .retain(|_, answered| now.saturating_duration_since(*answered) < INTERVAL);
        if self.answered.len() >= MOST || self.answered.contains_key(&address) {
            return false;
        }
        self.answered.insert(address, now);
        true
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn address(number: usize) -> IpAddr {
        Ipv4Addr::from(u32::try_from(number).unwrap()).into()
    }

    #[test]
    fn each_address_is_answered_once_in_an_interval() {
        let mut rate = RateLimit::default();
        let begin = Instant::now();
        assert!(rate.admits(address(1), begin));
        assert!(!rate.admits(address(1), begin + INTERVAL / 2));
        assert!(rate.admits(address(2), begin + INTERVAL / 2));
        assert!(rate.admits(address(1), begin + INTERVAL));
        assert!(!rate.admits(address(2), begin + INTERVAL));
    }

    #[test]
    fn invented_addresses_cost_a_bounded_number_of_answers() {
        let mut rate = RateLimit::default();
        let begin = Instant::now();
        let answers = (0..10_000)
            .filter(|number| rate.admits(address(*number), begin))
            .count();
        assert_eq!(answers, MOST);
        assert!(rate.admits(address(1), begin + INTERVAL));
    }
}
