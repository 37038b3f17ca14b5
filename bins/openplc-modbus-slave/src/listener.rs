//! The listening socket.
//!
//! Ports below 1024 are for the privileged, and this process is not: under systemd `openplc-modbus-slave.socket` opens port 502, for
//! all addresses of the computer, while the slave works and its configuration names that port. Every other port it opens itself.

use std::env;
use std::io;
use std::net::{self, IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use openplc_plugin::Plugin;
use rustix::net::{Shutdown, shutdown, sockopt};
use tokio::net::{TcpListener, TcpSocket, TcpStream, lookup_host};
use tokio::task::yield_now;
use tokio::time::sleep;

use crate::configuration::Configuration;

/// Pauses between tries to listen.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Time after which the process ends, for systemd to try again to open the port.
const PAUSE_OF_SYSTEMD: Duration = Duration::from_secs(10);
/// Connections that wait to be accepted.
const BACKLOG: u32 = 256;
/// A client of which nothing is heard is asked after this time, so often at this interval, and then given up: its computer has
/// been switched off, or the line is cut.
const PROBE_AFTER: Duration = Duration::from_secs(30);
const PROBE_INTERVAL: Duration = Duration::from_secs(10);
const PROBES: u32 = 3;
/// Set by systemd, and by nobody else.
const STARTED_BY_SYSTEMD: &str = "INVOCATION_ID";

/// Where clients come from.
pub struct Listener {
    socket: TcpListener,
    /// Addresses of this computer at which clients are served, where the socket has more.
    served: Option<Vec<IpAddr>>,
}

impl Listener {
    /// The next client.
    ///
    /// # Errors
    /// As `accept(2)`.
    pub async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        loop {
            let (stream, peer) = self.socket.accept().await?;
            let served = self.served.as_ref().is_none_or(|served| {
                let here = stream.local_addr().map(|here| here.ip().to_canonical());
                here.is_ok_and(|here| is_among(here, served))
            });
            if served {
                return Ok((stream, peer));
            }
            yield_now().await;
        }
    }
}

/// Whether a client that has reached us at this address would have, had the socket been bound to `served`.
fn is_among(here: IpAddr, served: &[IpAddr]) -> bool {
    served.iter().any(|address| {
        *address == here
            || *address == Ipv6Addr::UNSPECIFIED
            || *address == Ipv4Addr::UNSPECIFIED && here.is_ipv4()
    })
}

/// The socket that systemd has opened. To be called while there is one thread.
pub fn inherited() -> Option<net::TcpListener> {
    listenfd::ListenFd::from_env().take_tcp_listener(0).ok().flatten()
}

/// Listens where the configuration says. What is in the way is reported once, and tried again for ever.
///
/// # Errors
/// When systemd has to open the port, and has not: it tries when the process is started again.
pub async fn listen(
    plugin: &Plugin,
    configuration: &Configuration,
    inherited: Option<net::TcpListener>,
) -> io::Result<Listener> {
    let Configuration { host, port, .. } = configuration;
    let (mut pause, mut reported) = (FIRST_PAUSE, String::new());
    loop {
        let tried = match &inherited {
            Some(socket) if is_at(socket, *port) => take(socket, host).await,
            Some(socket) => {
                // It stays bound until the slave ends, and nobody hears of it.
                let _ = shutdown(socket, Shutdown::Both);
                try_to_listen(host, *port).await
            }
            None => try_to_listen(host, *port).await,
        };
        let error = match tried {
            Ok(listener) => return Ok(listener),
            Err(error) => error,
        };
        let of_systemd =
            error.kind() == io::ErrorKind::PermissionDenied && env::var_os(STARTED_BY_SYSTEMD).is_some();
        let remedy = if of_systemd {
            "systemctl status openplc-modbus-slave.socket says why systemd has not opened it; it is tried again"
        } else {
            "it is tried again and again"
        };
        let message = format!("The Modbus slave cannot listen on {host} port {port}: {error}");
        if message != reported {
            plugin.report_failure(format!("{message}; {remedy}"));
            reported = message;
        }
        sleep(if of_systemd { PAUSE_OF_SYSTEMD } else { pause }).await;
        if of_systemd {
            return Err(error);
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

fn is_at(socket: &net::TcpListener, port: u16) -> bool {
    socket.local_addr().is_ok_and(|address| address.port() == port)
}

/// The socket of systemd, for clients who come to an address of `host`.
async fn take(socket: &net::TcpListener, host: &str) -> io::Result<Listener> {
    let addresses = lookup_host((host, 0)).await?;
    let socket = socket.try_clone()?;
    socket.set_nonblocking(true)?;
    // Again, should a slave with another port have closed it.
    rustix::net::listen(&socket, BACKLOG.cast_signed())?;
    Ok(Listener {
        socket: TcpListener::from_std(socket)?,
        served: Some(addresses.map(|address| address.ip()).collect()),
    })
}

async fn try_to_listen(host: &str, port: u16) -> io::Result<Listener> {
    let mut failed = io::Error::new(io::ErrorKind::AddrNotAvailable, "the name has no address");
    for address in lookup_host((host, port)).await? {
        match listen_on(address) {
            Ok(socket) => {
                return Ok(Listener { socket, served: None });
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_for_all_addresses_serves_those_that_are_configured() {
        let at = |here: &str, served: &[&str]| {
            let served: Vec<IpAddr> = served.iter().map(|address| address.parse().unwrap()).collect();
            is_among(here.parse().unwrap(), &served)
        };
        assert!(at("192.168.1.5", &["0.0.0.0"]));
        assert!(!at("fd00::5", &["0.0.0.0"]));
        assert!(at("fd00::5", &["::"]));
        assert!(at("192.168.1.5", &["::"]));
        assert!(at("192.168.1.5", &["fd00::5", "192.168.1.5"]));
        assert!(!at("192.168.1.5", &["127.0.0.1"]));
    }

    #[tokio::test]
    async fn a_port_that_was_closed_for_another_configuration_is_opened_again() {
        // A port that the system has chosen would be given up by the shutdown; one that was asked for, as systemd does, is kept.
        let any = net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = any.local_addr().unwrap();
        drop(any);
        let socket = net::TcpListener::bind(address).unwrap();
        shutdown(&socket, Shutdown::Both).unwrap();
        assert!(TcpStream::connect(address).await.is_err());
        let listener = take(&socket, "0.0.0.0").await.unwrap();
        let client = TcpStream::connect(address).await.unwrap();
        let (_, accepted) = listener.accept().await.unwrap();
        assert_eq!(accepted, client.local_addr().unwrap());
    }
}
