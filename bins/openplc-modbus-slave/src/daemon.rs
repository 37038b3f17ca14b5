//! From the configuration to the end of the plugin.

use std::net::TcpListener;
use std::time::Duration;

use anyhow::Context;
use openplc_plugin::Plugin;
use openplc_settings::Loaded;
use openplc_settings::modbus_slave::ModbusSlave;
use tokio::time::interval;

use crate::address_map::AddressMap;
use crate::configuration::Configuration;
use crate::device::Device;
use crate::listener;
use crate::policy::Policy;
use crate::server::Server;

/// Time between two looks at whether it is time to leave.
const LOOK: Duration = Duration::from_millis(20);
/// Looks between two sets of statistics.
const LOOKS_PER_STATISTICS: u32 = 50;

/// Serves until the plugin has to leave. `inherited` is the socket that systemd has opened, if it has.
///
/// # Errors
/// What cannot be used of the configuration, or what the system refuses.
pub fn run(plugin: &Plugin, inherited: Option<TcpListener>) -> anyhow::Result<()> {
    let Loaded { settings, problems } = openplc_settings::load::<ModbusSlave>();
    for problem in problems {
        tracing::warn!("{problem}");
    }
    let configuration = Configuration::parse(plugin.configuration())?;
    let counts = configuration.counts;
    let mut layout = plugin.layout().context("looking at the process image")?;
    let map = AddressMap::new(&counts, &layout);
    let device = Device::new(
        plugin.clone(),
        map,
        configuration.word_order,
        Policy::new(&settings),
    );
    let server = Server::new(device, settings);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("starting the event loop")?;
    runtime.block_on(async {
        let mut served = tokio::spawn({
            let (server, plugin) = (server.clone(), plugin.clone());
            async move {
                let listener = listener::listen(&plugin, &configuration, inherited).await?;
                let Configuration { host, port, .. } = configuration;
                tracing::info!("The Modbus slave listens on {host} port {port}");
                server.accept(listener).await;
                anyhow::Ok(())
            }
        });
        let mut looks = interval(LOOK);
        for count in 1_u32.. {
            looks.tick().await;
            if plugin.is_leaving() {
                break;
            }
            if served.is_finished() {
                return (&mut served).await.context("serving clients")?;
            }
            if let Ok(new) = plugin.layout()
                && new.sizes() != layout.sizes()
            {
                // Another program has come without the slave having to go.
                server.device().remap(AddressMap::new(&counts, &new));
                layout = new;
            }
            if count % LOOKS_PER_STATISTICS == 0 {
                plugin.set_statistics(&server.counters().statistics(server.clients()));
            }
        }
        Ok(())
    })
}
