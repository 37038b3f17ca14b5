//! Whether a device answers, and when it is asked again if it does not.

use std::time::Duration;

use tokio::time::Instant;

/// Pauses between two tries.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The state of a device, and counts since the start.
#[derive(Debug, Default)]
pub struct Health {
    /// Requests that were answered.
    pub answered: u64,
    /// Requests that were not, or refused.
    pub failed: u64,
    /// Exchanges that were left out because those before took too long.
    pub missed: u64,
    /// How long the last answer took.
    pub latency: Duration,
    /// What was wrong last.
    pub last_error: Option<String>,
    absent: Option<Absence>,
}

/// A device that does not answer.
#[derive(Debug)]
struct Absence {
    since: Instant,
    pause: Duration,
    retry: Instant,
}

impl Health {
    /// The device has answered. Returns for how long it had not, if it comes back.
    pub fn note_answer(&mut self, latency: Duration) -> Option<Duration> {
        self.answered += 1;
        self.latency = latency;
        let back = self.absent.take()?;
        self.last_error = None;
        Some(back.since.elapsed())
    }

    /// The device has not answered. Returns whether that is new.
    pub fn note_silence(&mut self, error: String) -> bool {
        self.failed += 1;
        self.last_error = Some(error);
        let now = Instant::now();
        let absence = self.absent.as_ref();
        let pause = absence.map_or(FIRST_PAUSE, |absence| (absence.pause * 2).min(LONGEST_PAUSE));
        let since = absence.map_or(now, |absence| absence.since);
        let retry = now + pause;
        self.absent.replace(Absence { since, pause, retry }).is_none()
    }

    /// The device refuses a request. Returns whether it has not said so last time.
    pub fn note_refusal(&mut self, error: String) -> bool {
        self.failed += 1;
        let new = self.last_error.as_ref() != Some(&error);
        self.last_error = Some(error);
        new
    }

    /// When the device may be asked.
    pub fn earliest(&self) -> Option<Instant> {
        self.absent.as_ref().map(|absence| absence.retry)
    }

    /// In words.
    pub fn describe(&self) -> String {
        let state = match (&self.absent, &self.last_error) {
            (Some(absence), Some(error)) => {
                format!("away for {} s: {error}", absence.since.elapsed().as_secs())
            }
            (_, Some(error)) => format!("answers, but: {error}"),
            _ if self.answered == 0 => "not asked yet".into(),
            _ => "answers".into(),
        };
        let Self {
            answered,
            failed,
            missed,
            latency,
            ..
        } = self;
        let latency = latency.as_secs_f64() * 1e3;
        format!("{state}; {answered} answers, {failed} failures, {missed} cycles missed, {latency:.1} ms")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn pauses_grow_to_a_limit_and_end_with_an_answer() {
        let mut health = Health::default();
        let mut pauses = Vec::new();
        for number in 0..8 {
            let new = health.note_silence("no answer".into());
            assert_eq!(new, number == 0);
            pauses.push(health.earliest().unwrap() - Instant::now());
        }
        assert_eq!(pauses[..3], [FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE]);
        assert_eq!(pauses[7], LONGEST_PAUSE);
        tokio::time::advance(Duration::from_secs(3)).await;
        assert!(health.describe().starts_with("away for 3 s: no answer;"));
        assert_eq!(health.note_answer(Duration::ZERO), Some(Duration::from_secs(3)));
        assert_eq!(health.earliest(), None);
        assert!(health.describe().starts_with("answers; 1 answers, 8 failures"));
    }
}
