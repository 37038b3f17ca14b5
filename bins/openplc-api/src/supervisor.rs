//! What the supervisor is told: systemd or the launcher.

use std::net::{TcpListener, UdpSocket};

use anyhow::{Context, bail};
use sd_notify::NotifyState;

/// Name of the socket at which Editors look for runtimes, as its socket unit says. Whatever has another name is the port.
const DISCOVERY: &str = "discovery";

/// The sockets that the supervisor opened for us.
#[derive(Debug)]
pub struct Sockets {
    /// The port of the API.
    pub listener: TcpListener,
    /// Where Editors look for runtimes. It is a unit of its own, which may be switched off or have found its port in use.
    pub discovery: Option<UdpSocket>,
}

/// Takes what was passed.
pub fn sockets() -> anyhow::Result<Sockets> {
    let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
    let discovery = names.split(':').position(|name| name == DISCOVERY);
    let mut passed = listenfd::ListenFd::from_env();
    let port = usize::from(discovery == Some(0));
    let taken = passed
        .take_tcp_listener(port)
        .with_context(|| format!("The inherited descriptor {} is no listening TCP socket", 3 + port))?;
    let Some(listener) = taken else {
        bail!(
            "No listening socket was passed. Start openplc-api by openplc-api.socket or by openplc-launcher; \
             for a try: systemd-socket-activate -l 8443 openplc-api"
        );
    };
    listener.set_nonblocking(true)?;
    let discovery = match discovery {
        Some(index) => passed
            .take_udp_socket(index)
            .with_context(|| format!("The inherited descriptor {} is no UDP socket", 3 + index))?,
        None => None,
    };
    if let Some(socket) = &discovery {
        socket.set_nonblocking(true)?;
    }
    Ok(Sockets { listener, discovery })
}

/// Everything is served from now on.
pub fn ready(status: &str) {
    notify(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// What is done from now on.
pub fn status(text: &str) {
    notify(&[NotifyState::Status(text)]);
}

/// The end has begun.
pub fn stopping() {
    notify(&[
        NotifyState::Stopping,
        NotifyState::Status("Finishing what is being answered"),
    ]);
}

/// Tells the supervisor, twice in the time it allows, that the event loop turns. Never returns.
pub async fn feed_watchdog() {
    let Some(allowed) = sd_notify::watchdog_enabled().filter(|allowed| !allowed.is_zero()) else {
        return std::future::pending().await;
    };
    let mut tick = tokio::time::interval(allowed / 2);
    loop {
        tick.tick().await;
        notify(&[NotifyState::Watchdog]);
    }
}

fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!("The service manager cannot be told how we are: {error}");
    }
}
