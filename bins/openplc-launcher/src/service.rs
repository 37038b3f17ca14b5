//! The life of one service as a state machine: what happened goes in, what to do comes out, time is an argument.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::unistd::Pid;

use crate::backoff::Backoff;
use crate::notify::Notification;

/// Longest time from the start of a process to its READY.
const START_TIME: Duration = Duration::from_secs(90);
/// Longest time from SIGABRT to the end of a process.
const ABORT_TIME: Duration = Duration::from_secs(3);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// To be started at this time.
    Waiting(Instant),
    /// Started; READY must come by this time.
    Starting(Instant),
    /// Said READY.
    Running,
    /// Told to end; to be killed at this time.
    Ending(Instant),
    /// Killed; its end will be seen soon.
    Killed,
    /// Ended and not to be started again.
    Stopped,
}

/// What the supervisor must do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Start the process and call [`Service::started`] or [`Service::exited`].
    Start,
    /// Send this signal to the process.
    Signal {
        /// The process.
        to: Pid,
        /// The signal.
        signal: Signal,
        /// Why, for the log; absent where it is in the order of things.
        because: Option<String>,
    },
}

/// What a notification has changed, for the log.
#[derive(Debug, PartialEq, Eq)]
pub enum Change {
    /// Start-up is complete.
    Started,
    /// The service says something new about itself.
    Status(String),
}

/// One supervised service.
#[derive(Debug)]
pub struct Service {
    phase: Phase,
    process: Option<Pid>,
    started: Instant,
    interval: Duration,
    watchdog: Duration,
    stop_time: Duration,
    fed: Instant,
    backoff: Backoff,
    status: String,
    wanted: bool,
}

impl Service {
    /// A service that is due to start, later must show signs of life at least once in each `interval`, and has `stop_time`
    /// from SIGTERM to its end.
    pub fn new(interval: Duration, stop_time: Duration, now: Instant) -> Self {
        Self {
            phase: Phase::Waiting(now),
            process: None,
            started: now,
            interval,
            watchdog: interval,
            stop_time,
            fed: now,
            backoff: Backoff::default(),
            status: String::new(),
            wanted: true,
        }
    }

    /// The process that is the service now.
    pub fn process(&self) -> Option<Pid> {
        self.process
    }

    /// Whether the service said READY and has not been told to end.
    pub fn is_running(&self) -> bool {
        self.phase == Phase::Running
    }

    /// Whether the service has ended for good.
    pub fn is_stopped(&self) -> bool {
        self.phase == Phase::Stopped
    }

    /// When [`Self::due`] will next have something to do.
    pub fn deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::Waiting(time) | Phase::Starting(time) | Phase::Ending(time) => Some(time),
            Phase::Running => Some(self.fed + self.watchdog),
            Phase::Killed | Phase::Stopped => None,
        }
    }

    /// What has become due.
    pub fn due(&mut self, now: Instant) -> Option<Action> {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return None;
        }
        match self.phase {
            Phase::Waiting(_) => Some(Action::Start),
            Phase::Starting(_) => self.abort(now, format!("was not ready within {} s", START_TIME.as_secs())),
            Phase::Running => {
                let silence = self.watchdog.as_secs_f32();
                self.abort(now, format!("gave no sign of life for {silence} s (watchdog)"))
            }
            Phase::Ending(_) => {
                self.phase = Phase::Killed;
                self.signal(Signal::SIGKILL, Some("did not end in time".to_owned()))
            }
            Phase::Killed | Phase::Stopped => None,
        }
    }

    /// The process was started.
    pub fn started(&mut self, process: Pid, now: Instant) {
        self.process = Some(process);
        self.started = now;
        self.fed = now;
        self.watchdog = self.interval;
        self.status.clear();
        self.phase = Phase::Starting(now + START_TIME);
    }

    /// The process ended or could not be started. Returns the delay until the next start; none when there will be none.
    pub fn exited(&mut self, now: Instant) -> Option<Duration> {
        let ran = if self.process.take().is_some() {
            now - self.started
        } else {
            Duration::ZERO
        };
        if !self.wanted {
            self.phase = Phase::Stopped;
            return None;
        }
        let delay = self.backoff.delay_after(ran);
        self.phase = Phase::Waiting(now + delay);
        Some(delay)
    }

    /// The process sent a notification.
    pub fn notified(&mut self, notification: Notification, now: Instant) -> (Vec<Change>, Option<Action>) {
        let mut changes = Vec::new();
        if let Some(watchdog) = notification.watchdog.filter(|interval| !interval.is_zero()) {
            self.watchdog = watchdog;
        }
        if let Phase::Starting(deadline) = self.phase {
            if let Some(extension) = notification.extension {
                self.phase = Phase::Starting(deadline.max(now + extension));
            }
            if notification.ready {
                self.phase = Phase::Running;
                self.fed = now;
                changes.push(Change::Started);
            }
        }
        if notification.alive {
            self.fed = self.fed.max(now);
        }
        if let Some(extension) = notification.extension {
            // Counts from now and may exceed the interval; a sign of life does not shorten it.
            self.fed = self
                .fed
                .max((now + extension).checked_sub(self.watchdog).unwrap_or(now));
        }
        if let Some(status) = notification.status {
            // Figures move all the time; a line is worth printing when the words change.
            let words = |text: &str| text.replace(|character: char| character.is_ascii_digit(), "");
            if words(&status) != words(&self.status) {
                changes.push(Change::Status(status.clone()));
            }
            self.status = status;
        }
        if notification.stopping && self.is_running() {
            self.phase = Phase::Ending(now + self.stop_time);
        }
        let action = if notification.trigger && self.is_running() {
            self.abort(now, "asked to be restarted (watchdog trigger)".to_owned())
        } else {
            None
        };
        (changes, action)
    }

    /// The service is to end and not to be started again.
    pub fn stop(&mut self, now: Instant) -> Option<Action> {
        self.wanted = false;
        match self.phase {
            Phase::Waiting(_) => {
                self.phase = Phase::Stopped;
                None
            }
            Phase::Starting(_) | Phase::Running => {
                self.phase = Phase::Ending(now + self.stop_time);
                self.signal(Signal::SIGTERM, None)
            }
            Phase::Ending(_) | Phase::Killed | Phase::Stopped => None,
        }
    }

    /// A service that has been told to end gets no more time.
    pub fn hurry(&mut self, now: Instant) {
        if let Phase::Ending(_) = self.phase {
            self.phase = Phase::Ending(now);
        }
    }

    /// The launcher itself did not run for `pause`: no service is blamed for that time.
    pub fn forgive(&mut self, pause: Duration) {
        self.fed += pause;
        if let Phase::Starting(deadline) = &mut self.phase {
            *deadline += pause;
        }
    }

    fn abort(&mut self, now: Instant, because: String) -> Option<Action> {
        self.phase = Phase::Ending(now + ABORT_TIME);
        self.signal(Signal::SIGABRT, Some(because))
    }

    fn signal(&self, signal: Signal, because: Option<String>) -> Option<Action> {
        self.process.map(|to| Action::Signal { to, signal, because })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(2);
    const SECOND: Duration = Duration::from_secs(1);
    const STOP_TIME: Duration = Duration::from_secs(10);

    fn running() -> (Service, Instant) {
        let now = Instant::now();
        let mut service = Service::new(INTERVAL, STOP_TIME, now);
        assert_eq!(service.due(now), Some(Action::Start));
        service.started(Pid::from_raw(7), now);
        let ready = Notification {
            ready: true,
            ..Notification::default()
        };
        assert_eq!(service.notified(ready, now), (vec![Change::Started], None));
        (service, now)
    }

    fn alive() -> Notification {
        Notification {
            alive: true,
            ..Notification::default()
        }
    }

    fn signal(action: Option<Action>) -> Option<Signal> {
        match action {
            Some(Action::Signal { to, signal, .. }) => {
                assert_eq!(to, Pid::from_raw(7));
                Some(signal)
            }
            _ => None,
        }
    }

    #[test]
    fn a_missed_watchdog_means_abort_and_then_kill() {
        let (mut service, now) = running();
        service.notified(alive(), now + SECOND);
        assert_eq!(service.due(now + INTERVAL), None);
        let missed = now + SECOND + INTERVAL;
        assert_eq!(service.deadline(), Some(missed));
        assert_eq!(signal(service.due(missed)), Some(Signal::SIGABRT));
        assert_eq!(service.due(missed + SECOND), None);
        assert_eq!(signal(service.due(missed + ABORT_TIME)), Some(Signal::SIGKILL));
        assert_eq!(service.deadline(), None);
        assert_eq!(
            service.exited(missed + ABORT_TIME),
            Some(Duration::from_millis(100))
        );
    }

    #[test]
    fn the_watchdog_does_not_count_before_ready() {
        let now = Instant::now();
        let mut service = Service::new(INTERVAL, STOP_TIME, now);
        service.started(Pid::from_raw(7), now);
        assert_eq!(service.due(now + INTERVAL * 2), None);
        assert_eq!(signal(service.due(now + START_TIME)), Some(Signal::SIGABRT));
    }

    #[test]
    fn a_pause_of_the_launcher_is_not_the_fault_of_a_service() {
        let (mut service, now) = running();
        service.forgive(SECOND * 30);
        assert_eq!(service.due(now + SECOND * 31), None);
        assert_eq!(signal(service.due(now + SECOND * 32)), Some(Signal::SIGABRT));
    }

    #[test]
    fn more_time_is_granted_once_when_asked_for() {
        let (mut service, now) = running();
        let extension = Notification {
            extension: Some(SECOND * 20),
            ..Notification::default()
        };
        service.notified(extension, now);
        service.notified(alive(), now + SECOND);
        assert_eq!(service.due(now + SECOND * 19), None);
        assert_eq!(signal(service.due(now + SECOND * 20)), Some(Signal::SIGABRT));
    }

    #[test]
    fn a_service_can_ask_to_be_restarted() {
        let (mut service, now) = running();
        let trigger = Notification {
            trigger: true,
            ..Notification::default()
        };
        assert_eq!(signal(service.notified(trigger, now).1), Some(Signal::SIGABRT));
    }

    #[test]
    fn a_service_that_fails_at_once_waits_longer_each_time() {
        let (mut service, now) = running();
        assert_eq!(service.exited(now), Some(Duration::from_millis(100)));
        assert_eq!(service.due(now), None);
        assert_eq!(service.due(now + Duration::from_millis(100)), Some(Action::Start));
        assert_eq!(service.exited(now), Some(Duration::from_millis(200)));
    }

    #[test]
    fn stopping_is_asked_for_and_then_enforced() {
        let (mut service, now) = running();
        assert_eq!(signal(service.stop(now)), Some(Signal::SIGTERM));
        assert_eq!(service.stop(now), None);
        assert_eq!(service.due(now + SECOND), None);
        assert_eq!(signal(service.due(now + STOP_TIME)), Some(Signal::SIGKILL));
        assert_eq!(service.exited(now), None);
        assert!(service.is_stopped());
    }

    #[test]
    fn haste_ends_the_waiting_but_never_skips_the_asking() {
        let (mut service, now) = running();
        service.hurry(now);
        assert_eq!(service.due(now), None);
        service.stop(now);
        service.hurry(now);
        assert_eq!(signal(service.due(now)), Some(Signal::SIGKILL));
    }

    #[test]
    fn a_service_that_waits_for_its_restart_stops_at_once() {
        let (mut service, now) = running();
        service.exited(now);
        assert_eq!(service.stop(now), None);
        assert!(service.is_stopped());
        assert_eq!(service.due(now + STOP_TIME), None);
    }

    #[test]
    fn status_is_reported_when_its_words_change() {
        let (mut service, now) = running();
        let mut report = |text: &str| {
            let status = Notification {
                status: Some(text.to_owned()),
                ..Notification::default()
            };
            service.notified(status, now).0
        };
        assert_eq!(
            report("RUNNING, 5 scans"),
            [Change::Status("RUNNING, 5 scans".into())]
        );
        assert_eq!(report("RUNNING, 17 scans"), []);
        assert_eq!(report("STOPPED"), [Change::Status("STOPPED".into())]);
    }
}
