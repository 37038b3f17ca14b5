//! What the supervisor is told: systemd or the launcher.

use std::net::TcpListener;

use anyhow::{Context, bail};
use sd_notify::NotifyState;

/// The listener that the supervisor opened for us.
pub fn listener() -> anyhow::Result<TcpListener> {
    let taken = listenfd::ListenFd::from_env()
        .take_tcp_listener(0)
        .context("The inherited descriptor 3 is no listening TCP socket")?;
    let Some(listener) = taken else {
        bail!(
            "No listening socket was passed. Start openplc-api by openplc-api.socket or by openplc-launcher; \
             for a try: systemd-socket-activate -l 8443 openplc-api"
        );
    };
    listener.set_nonblocking(true)?;
    Ok(listener)
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
