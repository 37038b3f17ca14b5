//! Processes that the kernel has killed because the memory of the container, or of the service that the launcher is part of, was
//! used up.

use std::fs;

/// Where the kernel counts them, if there is such a limit.
const EVENTS: &str = "/sys/fs/cgroup/memory.events";

/// Their number until now.
#[derive(Debug)]
pub struct Kills(u64);

impl Default for Kills {
    fn default() -> Self {
        Self(count())
    }
}

impl Kills {
    /// Whether there are more than at the last look.
    pub fn more(&mut self) -> bool {
        let before = std::mem::replace(&mut self.0, count());
        self.0 > before
    }
}

fn count() -> u64 {
    fs::read_to_string(EVENTS).map_or(0, |events| parse(&events))
}

fn parse(events: &str) -> u64 {
    let kills = events.lines().find_map(|line| line.strip_prefix("oom_kill "));
    kills.and_then(|kills| kills.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    #[test]
    fn kills_are_told_from_other_events() {
        let events = "low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 1\n";
        assert_eq!(super::parse(events), 2);
        assert_eq!(super::parse(""), 0);
    }
}
