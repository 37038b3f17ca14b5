//! A limit on new Socket.IO sessions by long polling: one that is not followed by a login is kept for some seconds without a
//! connection that would count, and anybody can begin one. Sessions by websocket end with their connection.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::origin::Origin;

/// Sessions that may begin at once, and then in a second, for long.
#[derive(Debug, Clone, Copy)]
struct Limit {
    burst: f64,
    rate: f64,
}

/// Of one origin.
const OWN: Limit = Limit {
    burst: 32.0,
    rate: 4.0,
};
/// Of all together.
const ALL: Limit = Limit {
    burst: 256.0,
    rate: 32.0,
};

/// Sessions that have begun of late.
#[derive(Debug, Clone, Copy)]
struct Begun {
    count: f64,
    at: Instant,
}

impl Begun {
    fn none(now: Instant) -> Self {
        Self { count: 0.0, at: now }
    }

    /// What is left of it by now.
    fn fade(self, limit: Limit, now: Instant) -> Self {
        let faded = now.saturating_duration_since(self.at).as_secs_f64() * limit.rate;
        Self {
            count: (self.count - faded).max(0.0),
            at: now,
        }
    }

    fn another(self, limit: Limit) -> Option<Self> {
        let count = self.count + 1.0;
        (count <= limit.burst).then_some(Self { count, ..self })
    }
}

/// Who has begun sessions of late.
#[derive(Debug, Default)]
pub struct Admission(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    all: Option<Begun>,
    own: HashMap<Origin, Begun>,
}

impl Admission {
    /// Whether one more session of `peer` may begin at the time `now`; if so, it has begun.
    pub fn admits(&self, peer: SocketAddr, now: Instant) -> bool {
        let origin = Origin::from(peer);
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.own.retain(|_, begun| {
            *begun = begun.fade(OWN, now);
            begun.count > 0.0
        });
        let all = state.all.unwrap_or(Begun::none(now)).fade(ALL, now);
        let own = state.own.get(&origin).copied().unwrap_or(Begun::none(now));
        let (Some(all), Some(own)) = (all.another(ALL), own.another(OWN)) else {
            return false;
        };
        state.all = Some(all);
        state.own.insert(origin, own);
        true
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn peer(host: usize) -> SocketAddr {
        let [.., high, low] = host.to_be_bytes();
        SocketAddr::from(([10, 0, high, low], 1))
    }

    fn admitted(admission: &Admission, host: usize, count: usize, now: Instant) -> usize {
        (0..count).filter(|_| admission.admits(peer(host), now)).count()
    }

    #[test]
    fn who_begins_many_keeps_the_others_from_none() {
        let admission = Admission::default();
        let begin = Instant::now();
        assert_eq!(admitted(&admission, 1, 1000, begin), 32);
        assert_eq!(admitted(&admission, 2, 30, begin), 30);
        let later = begin + Duration::from_secs(2);
        assert_eq!(admitted(&admission, 1, 1000, later), 8);
        assert_eq!(admitted(&admission, 2, 30, later), 10);
        let much_later = later + Duration::from_secs(60);
        assert_eq!(admitted(&admission, 1, 1000, much_later), 32);
        assert_eq!(admission.0.lock().unwrap().own.len(), 1, "the other is forgotten");
    }

    #[test]
    fn all_together_are_bounded() {
        let admission = Admission::default();
        let begin = Instant::now();
        let count: usize = (0..1000).map(|host| admitted(&admission, host, 1, begin)).sum();
        assert_eq!(count, 256);
        let second = begin + Duration::from_secs(1);
        let count: usize = (0..1000).map(|host| admitted(&admission, host, 1, second)).sum();
        assert_eq!(count, 32);
    }
}
