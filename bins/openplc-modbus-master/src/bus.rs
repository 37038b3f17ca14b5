//! One line and its devices: who is asked when. Lines know nothing of each other, so a slow device delays those only that
//! share its line, and them by no more than one time-out, as it is left alone for a while then.

use std::time::Duration;

use openplc_modbus::Exception;
use openplc_plugin::{PlcState, Plugin};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::device::Device;
use crate::line::{Line, LineError};
use crate::outputs::Outputs;
use crate::phase::Phase;
use crate::values;

/// How long all outputs of a line may take to become safe when the plugin ends: less than the time it is given for that.
const FAREWELL: Duration = Duration::from_secs(2);
/// How long an exchange may still take that is under way when the PLC stops.
const LAST_EXCHANGE: Duration = Duration::from_millis(500);
/// Time between two looks for a turn where there is none.
const IDLE: Duration = Duration::from_secs(1);

/// A line and its devices.
pub struct Bus {
    plugin: Plugin,
    line: Line,
    devices: Vec<Device>,
}

impl Bus {
    /// A line that is not open yet.
    pub fn new(plugin: Plugin, line: Line, devices: Vec<Device>) -> Self {
        Self {
            plugin,
            line,
            devices,
        }
    }

    /// Exchanges values until it is time to leave. When the PLC stops, the outputs that it has set become safe.
    pub async fn run(mut self, mut phase: watch::Receiver<Phase>) {
        loop {
            let now = *phase.borrow_and_update();
            match now {
                Phase::Running => {}
                Phase::Stopped => self.make_safe().await,
                Phase::Leaving => break,
            }
            let next = self.next().map_or_else(|| Instant::now() + IDLE, |(due, ..)| due);
            tokio::select! {
                _ = phase.changed() => continue,
                () = sleep_until(next) => {}
            }
            let done = tokio::select! {
                () = self.take_turn() => true,
                () = urgency(phase.clone(), now) => false,
            };
            if !done {
                // Something is under way of which nobody knows how far it has come.
                self.line.close();
            }
        }
        // Devices that do not answer by then cannot be helped.
        let _ = timeout(FAREWELL, self.make_safe()).await;
    }

    /// When the next exchange is due, of which device, and which one.
    fn next(&self) -> Option<(Instant, usize, usize)> {
        let devices = self.devices.iter().enumerate();
        let turns = devices.filter_map(|(device, found)| {
            let (due, exchange) = found.next()?;
            Some((due, device, exchange))
        });
        turns.min()
    }

    async fn take_turn(&mut self) {
        let Some((_, device, exchange)) = self.next() else {
            return;
        };
        let missed = self.devices[device].schedule[exchange].put_off();
        self.devices[device].health().missed += missed;
        self.exchange(device, exchange).await;
    }

    /// Sends safe values once to all outputs that a running PLC has set.
    async fn make_safe(&mut self) {
        for device in 0..self.devices.len() {
            for exchange in 0..self.devices[device].schedule.len() {
                let found = &self.devices[device];
                if found.schedule[exchange].is_set && found.health().earliest().is_none() {
                    self.exchange(device, exchange).await;
                }
            }
        }
    }

    async fn exchange(&mut self, index: usize, exchange: usize) {
        let device = &mut self.devices[index];
        let scheduled = &device.schedule[exchange];
        let (bytes, sets) = if scheduled.job.writes() {
            match Outputs::of(&self.plugin, &scheduled.job) {
                Some(Outputs { state, values }) if state == PlcState::Running || scheduled.is_set => (
                    values::encode(&scheduled.job, &values),
                    state == PlcState::Running,
                ),
                _ => return,
            }
        } else {
            (Vec::new(), false)
        };
        // There is one for every exchange that was planned.
        let Some(request) = values::request(&scheduled.job, &bytes) else {
            return;
        };
        let begun = Instant::now();
        let job = &scheduled.job;
        let decode = |content: openplc_modbus::response::Content<'_>| values::decode(job, content);
        match self
            .line
            .exchange(device.unit, &request, device.timeout, decode)
            .await
        {
            Ok(read) => {
                device.schedule[exchange].is_set = sets;
                device.note_answer(begun.elapsed());
                device.note_consent(exchange);
                device.update(&self.plugin, &read);
            }
            Err(LineError::Refused(Exception::ILLEGAL_DATA_ADDRESS)) if job.pieces.len() > 1 => {
                device.note_answer(begun.elapsed());
                device.take_apart(exchange);
            }
            Err(LineError::Refused(exception)) => {
                device.note_answer(begun.elapsed());
                device.note_refusal(&self.plugin, exchange, exception);
            }
            Err(error @ (LineError::Silent(_) | LineError::Damaged)) => {
                device.note_silence(&self.plugin, &error);
            }
            Err(error @ LineError::Closed(_)) => {
                for device in &mut self.devices {
                    device.note_silence(&self.plugin, &error);
                }
            }
        }
    }
}

/// Ends when the phase is no longer this one, and what is under way has had its time.
async fn urgency(mut phase: watch::Receiver<Phase>, now: Phase) {
    // It fails when there is nobody left who tells: that is a change, too.
    let _ = phase.wait_for(|phase| *phase != now).await;
    sleep(LAST_EXCHANGE).await;
}
