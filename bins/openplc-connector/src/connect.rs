//! Making one connection.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::time::Duration;

use openplc_wire::communication::{Connect, Protocol};

/// Longest time until the other side answers.
const PATIENCE: Duration = Duration::from_secs(3);

/// A socket that is connected and does not block.
///
/// # Errors
/// That of the network.
pub fn connect(wish: Connect) -> io::Result<OwnedFd> {
    match wish.protocol {
        Protocol::Tcp => {
            let stream = TcpStream::connect_timeout(&SocketAddr::V4(wish.address), PATIENCE)?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            Ok(stream.into())
        }
        Protocol::Udp => {
            let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
            socket.connect(wish.address)?;
            socket.set_nonblocking(true)?;
            Ok(socket.into())
        }
    }
}
