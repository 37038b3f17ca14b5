//! From the configuration to the end of the plugin.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use openplc_plugin::{Field, Plugin, Statistics};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::interval;

use crate::bus::Bus;
use crate::configuration::{Configuration, Place};
use crate::device::Device;
use crate::health::Health;
use crate::line::Line;
use crate::phase::{self, Phase};

/// Time between two sets of statistics.
const STATISTICS_INTERVAL: Duration = Duration::from_secs(1);

/// A device's name and state.
type Watched = (String, Arc<Mutex<Health>>);

/// Exchanges values with all devices until the plugin has to leave.
///
/// # Errors
/// What cannot be used of the configuration, or what the system refuses.
pub fn run(plugin: &Plugin) -> anyhow::Result<()> {
    let layout = plugin.layout().context("looking at the process image")?;
    let Configuration {
        devices,
        mistakes,
        more_mistakes,
    } = Configuration::parse(plugin.configuration(), &layout)?;
    for mistake in &mistakes {
        plugin.report_failure(format!("A Modbus device is left out: {mistake}"));
    }
    if more_mistakes > 0 {
        plugin.report_failure(format!(
            "{more_mistakes} more Modbus devices are left out: only the first {} mistakes are told",
            mistakes.len()
        ));
    }
    let mut lines: Vec<(Place, Vec<Device>)> = Vec::new();
    let mut watched: Vec<Watched> = Vec::new();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("starting the event loop")?;
    runtime.block_on(async {
        for configured in devices {
            let device = Device::new(&configured);
            tracing::info!(
                "Modbus device {}: {} kinds of request",
                device.title,
                device.schedule.len()
            );
            watched.push((configured.name, device.shared_health()));
            match lines.iter_mut().find(|(place, _)| *place == configured.place) {
                Some((_, devices)) => devices.push(device),
                None => lines.push((configured.place, vec![device])),
            }
        }
        let (tell, told) = watch::channel(Phase::Stopped);
        let mut buses = JoinSet::new();
        for (place, devices) in lines {
            buses.spawn(Bus::new(plugin.clone(), Line::new(place), devices).run(told.clone()));
        }
        let mut shows = interval(STATISTICS_INTERVAL);
        let show = async {
            loop {
                shows.tick().await;
                plugin.set_statistics(&statistics(&watched));
            }
        };
        tokio::select! {
            () = phase::watch(plugin, &tell) => {}
            () = show => {}
        }
        while buses.join_next().await.is_some() {}
    });
    Ok(())
}

fn statistics(watched: &[Watched]) -> Statistics {
    let field = |(name, health): &Watched| {
        let health = health.lock().unwrap_or_else(PoisonError::into_inner);
        Field::new(name, health.describe())
    };
    Statistics {
        label: "Modbus master".into(),
        fields: watched.iter().map(field).collect(),
    }
}
