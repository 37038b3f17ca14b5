//! Whether a device answers, and when it is asked again if it does not.

use std::collections::BTreeMap;
use std::time::Duration;

use openplc_modbus::Exception;
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
    absent: Option<Absence>,
    /// What it refuses, by function code and first coil or register.
    refusals: BTreeMap<Request, Exception>,
}

/// Function code and first coil or register: what tells the requests of a device apart.
pub type Request = (u8, u16);

/// A device that does not answer.
#[derive(Debug)]
struct Absence {
    error: String,
    since: Instant,
    pause: Duration,
    retry: Instant,
}

impl Health {
    /// The device has answered. Returns for how long it had not, if it comes back.
    pub fn note_answer(&mut self, latency: Duration) -> Option<Duration> {
        self.answered += 1;
        self.latency = latency;
        Some(self.absent.take()?.since.elapsed())
    }

    /// The device has not answered. Returns whether that is new.
    pub fn note_silence(&mut self, error: String) -> bool {
        self.failed += 1;
        let now = Instant::now();
        let before = self.absent.take();
        let (since, pause) = match &before {
            Some(absence) => (absence.since, (absence.pause * 2).min(LONGEST_PAUSE)),
            None => (now, FIRST_PAUSE),
        };
        self.absent = Some(Absence {
            error,
            since,
            pause,
            retry: now + pause,
        });
        before.is_none()
    }

    /// The device refuses a request. Returns whether that is new.
    pub fn note_refusal(&mut self, request: Request, exception: Exception) -> bool {
        self.failed += 1;
        self.refusals.insert(request, exception) != Some(exception)
    }

    /// The device does what is asked.
    pub fn note_consent(&mut self, request: Request) {
        self.refusals.remove(&request);
    }

    /// When the device may be asked.
    pub fn earliest(&self) -> Option<Instant> {
        self.absent.as_ref().map(|absence| absence.retry)
    }

    /// In words.
    pub fn describe(&self) -> String {
        let state = match (&self.absent, self.refusals.iter().next()) {
            (Some(Absence { error, since, .. }), _) => {
                format!("away for {} s: {error}", since.elapsed().as_secs())
            }
            (None, Some(((function, first), exception))) => {
                format!("refuses function code {function} from {first} on: {exception}")
            }
            (None, None) if self.answered == 0 => "not asked yet".into(),
            (None, None) => "answers".into(),
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

    #[test]
    fn each_refusal_is_new_once() {
        let mut health = Health::default();
        let (first, second) = ((3, 0), (3, 100));
        for _ in 0..3 {
            let new = health.failed == 0;
            assert_eq!(health.note_refusal(first, Exception::ILLEGAL_DATA_ADDRESS), new);
            assert_eq!(health.note_refusal(second, Exception::SERVER_DEVICE_BUSY), new);
        }
        assert!(health.note_refusal(first, Exception::SERVER_DEVICE_FAILURE));
        assert!(
            health
                .describe()
                .starts_with("refuses function code 3 from 0 on: exception 4")
        );
        health.note_consent(first);
        assert!(
            health
                .describe()
                .starts_with("refuses function code 3 from 100 on: exception 6")
        );
        health.note_consent(second);
        health.note_answer(Duration::ZERO);
        assert!(health.describe().starts_with("answers;"));
    }
}
