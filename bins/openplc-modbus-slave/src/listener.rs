//! The listening socket.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use openplc_plugin::Plugin;
use rustix::net::sockopt;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::sleep;

use crate::configuration::Configuration;

/// Pauses between tries to listen.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Connections that wait to be accepted.
const BACKLOG: u32 = 256;
/// A client of which nothing is heard is asked after this time, so often at this interval, and then given up: its computer has
/// been switched off, or the line is cut.
const PROBE_AFTER: Duration = Duration::from_secs(30);
const PROBE_INTERVAL: Duration = Duration::from_secs(10);
const PROBES: u32 = 3;

/// Listens where the configuration says. What is in the way is reported once, and tried again for ever.
pub async fn listen(plugin: &Plugin, configuration: &Configuration) -> TcpListener {
    let mut pause = FIRST_PAUSE;
    let mut reported = String::new();
    loop {
        let Configuration { host, port, .. } = configuration;
        match try_to_listen(host, *port).await {
            Ok(listener) => return listener,
            Err(error) => {
                let message = format!("The Modbus slave cannot listen on {host} port {port}: {error}");
                if message != reported {
                    plugin.report_failure(format!("{message}; it is tried again and again"));
                    reported = message;
                }
            }
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn try_to_listen(host: &str, port: u16) -> io::Result<TcpListener> {
    let mut failed = io::Error::new(io::ErrorKind::AddrNotAvailable, "the name has no address");
    for address in tokio::net::lookup_host((host, port)).await? {
        match listen_on(address) {
            Ok(listener) => return Ok(listener),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

fn listen_on(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    // Connections of the process before this one may still be on their way out.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Answers are sent at once, and a client that is gone without a word is noticed.
pub fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    sockopt::set_socket_keepalive(stream, true)?;
    sockopt::set_tcp_keepidle(stream, PROBE_AFTER)?;
    sockopt::set_tcp_keepintvl(stream, PROBE_INTERVAL)?;
    sockopt::set_tcp_keepcnt(stream, PROBES)?;
    Ok(())
}
