//! Messages that keep the watchdog of the service manager from biting.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use openplc_service::{NotifyState, ServiceManager};

/// Feeds the watchdog as long as somebody sees progress.
#[derive(Debug)]
pub struct Feeding {
    manager: ServiceManager,
    /// Time between two meals.
    every: Duration,
    /// How often progress was seen.
    progress: AtomicU64,
    /// How often it was fed.
    meals: AtomicU64,
}

impl Feeding {
    /// Of a watchdog that bites after `limit` without food.
    pub fn within(limit: Duration, manager: ServiceManager) -> Self {
        Self {
            manager,
            every: limit / 4,
            progress: AtomicU64::new(0),
            meals: AtomicU64::new(0),
        }
    }

    /// There is progress now.
    pub fn note_progress(&self) {
        self.progress.fetch_add(1, Ordering::Relaxed);
    }

    /// One meal.
    pub fn feed(&self) {
        self.manager.notify(&NotifyState::Watchdog);
        self.meals.fetch_add(1, Ordering::Relaxed);
    }

    /// Feeds regularly, and not unless there was progress since the last time.
    pub fn feed_for_ever(&self) {
        let mut seen = 0;
        loop {
            let progress = self.progress.load(Ordering::Relaxed);
            if progress != seen {
                seen = progress;
                self.feed();
            }
            thread::sleep(self.every);
        }
    }
}

/// Notices that there were no meals for a while.
#[derive(Debug)]
pub struct Starving {
    meals: u64,
    since: Instant,
}

impl Default for Starving {
    fn default() -> Self {
        Self {
            meals: 0,
            since: Instant::now(),
        }
    }
}

impl Starving {
    /// Whether two meals in succession are missing, half a limit before the watchdog bites.
    pub fn look(&mut self, feeding: &Feeding) -> bool {
        let meals = feeding.meals.load(Ordering::Relaxed);
        if meals != self.meals {
            *self = Self {
                meals,
                since: Instant::now(),
            };
        }
        self.since.elapsed() >= 2 * feeding.every
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_fed_does_not_starve_and_who_is_not_does() {
        let feeding = Feeding::within(Duration::from_secs(3600), ServiceManager::default());
        let mut starving = Starving::default();
        assert!(!starving.look(&feeding));
        starving.since -= feeding.every * 2;
        assert!(starving.look(&feeding), "not one meal");
        feeding.feed();
        assert!(!starving.look(&feeding), "just fed");
        assert!(!starving.look(&feeding));
    }
}
