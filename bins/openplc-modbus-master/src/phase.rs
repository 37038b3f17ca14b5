//! Whether the PLC runs, for those who bring its outputs to devices.

use std::time::Duration;

use openplc_plugin::{PlcState, Plugin};
use tokio::sync::watch;
use tokio::time::interval;

/// Time between two looks.
const LOOK: Duration = Duration::from_millis(10);

/// What there is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The PLC runs: inputs are read, outputs written.
    Running,
    /// It does not, or the core is away: inputs are read.
    Stopped,
    /// It is time to end.
    Leaving,
}

/// Tells everybody what there is to do, and ends when it is time to end.
pub async fn watch(plugin: &Plugin, tell: &watch::Sender<Phase>) {
    let mut looks = interval(LOOK);
    loop {
        looks.tick().await;
        let phase = now(plugin);
        tell.send_if_modified(|told| std::mem::replace(told, phase) != phase);
        if phase == Phase::Leaving {
            return;
        }
    }
}

fn now(plugin: &Plugin) -> Phase {
    if plugin.is_leaving() {
        return Phase::Leaving;
    }
    match plugin.read(|view| view.moment()) {
        Ok(moment) if moment.state == PlcState::Running => Phase::Running,
        _ => Phase::Stopped,
    }
}
