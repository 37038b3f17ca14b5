//! Accepts clients and serves them.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use openplc_settings::modbus_slave::ModbusSlave;
use tokio::net::TcpStream;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep};

use crate::clients::{Clients, Limits, Place};
use crate::connection::{self, End, Patience};
use crate::counters::Counters;
use crate::device::Device;
use crate::listener::{self, Listener};
use crate::points::Points;

/// Pause after an accept that failed, as it does when there are no descriptors left.
const RECOVERY: Duration = Duration::from_millis(100);
/// Time between two log lines about clients that were turned away.
const LOG_INTERVAL: Duration = Duration::from_secs(60);

/// The server.
pub struct Server<P: Points> {
    device: Device<P>,
    settings: ModbusSlave,
    clients: Arc<Clients>,
    counters: Counters,
}

impl<P: Points + Send + Sync + 'static> Server<P>
where
    P::Ticket: Send,
{
    /// A server for this device.
    pub fn new(device: Device<P>, settings: ModbusSlave) -> Arc<Self> {
        let limits = Limits {
            clients: settings.max_clients,
            clients_per_address: settings.max_clients_per_address,
        };
        Arc::new(Self {
            device,
            clients: Clients::new(limits),
            settings,
            counters: Counters::default(),
        })
    }

    /// What clients see.
    pub fn device(&self) -> &Device<P> {
        &self.device
    }

    /// Counts of what was done.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Clients that are connected.
    pub fn clients(&self) -> usize {
        self.clients.count()
    }

    /// Accepts clients for ever.
    pub async fn accept(self: Arc<Self>, listener: Listener) {
        let mut turned_away = TurnedAway::default();
        loop {
            let (stream, peer) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::debug!("No Modbus client can be accepted: {error}");
                    sleep(RECOVERY).await;
                    continue;
                }
            };
            let address = peer.ip().to_canonical();
            match self.admit(address, &stream) {
                Ok(place) => {
                    self.counters.count_accepted();
                    tokio::spawn(self.clone().serve(stream, address, place));
                }
                Err(why) => {
                    self.counters.count_turned_away();
                    turned_away.log(address, why, &self.counters);
                }
            }
            // However many come, those who are there get their turn after each of them.
            yield_now().await;
        }
    }

    fn admit(&self, address: IpAddr, stream: &TcpStream) -> Result<Place, &'static str> {
        if !self.settings.clients.contains(address) {
            return Err("its address is not among the allowed clients (modbus-slave.toml)");
        }
        listener::prepare(stream).map_err(|_| "it has gone already")?;
        self.clients
            .admit(address)
            .ok_or("too many clients are connected")
    }

    async fn serve(self: Arc<Self>, stream: TcpStream, address: IpAddr, place: Place) {
        tracing::debug!("Modbus client {address} is connected");
        let patience = Patience {
            idle: self.settings.idle_timeout,
            frame: self.settings.request_timeout,
        };
        let end = connection::serve(stream, &self.device, &self.counters, &place, patience).await;
        match end {
            End::Closed | End::Io(_) => {}
            End::Dismissed => self.counters.count_turned_away(),
            End::Idle(_) | End::Unfinished | End::Unread | End::Frame(_) => self.counters.count_given_up(),
        }
        tracing::debug!("Modbus client {address} is disconnected: {end}");
    }
}

/// Says once in a while that clients are turned away: a flood of them must not become one of log lines.
#[derive(Default)]
struct TurnedAway {
    logged: Option<(Instant, u64)>,
}

impl TurnedAway {
    fn log(&mut self, address: IpAddr, why: &str, counters: &Counters) {
        let count = counters.turned_away();
        let before = match self.logged {
            Some((at, _)) if at.elapsed() < LOG_INTERVAL => return,
            Some((_, before)) => before,
            None => 0,
        };
        self.logged = Some((Instant::now(), count));
        let others = match count - before {
            0 | 1 => String::new(),
            more => format!(" ({} since the last message of this kind)", more),
        };
        tracing::warn!("Modbus client {address} was turned away: {why}{others}");
    }
}
