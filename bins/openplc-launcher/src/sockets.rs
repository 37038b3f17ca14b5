//! The sockets that services inherit. They are open before any service starts, so that no connection is ever refused.

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;

use anyhow::{Context, Result};
use nix::unistd::Gid;

/// Port that the Editor uses and that users cannot change there.
const PORT: u16 = 8443;
/// Port to which Editors broadcast when they look for runtimes.
const DISCOVERY: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 33_333);

/// Opens the API's address; every address of the host when none is given.
///
/// # Errors
/// When the address is in use or not ours.
pub fn listen_tcp(address: Option<SocketAddr>) -> Result<TcpListener> {
    let listener = match address {
        Some(address) => TcpListener::bind(address),
        // An IPv6 listener on all addresses takes IPv4 too, unless the host has no IPv6.
        None => TcpListener::bind((Ipv6Addr::UNSPECIFIED, PORT)).or_else(|error| match error.kind() {
            ErrorKind::AddrInUse | ErrorKind::PermissionDenied => Err(error),
            _ => TcpListener::bind((Ipv4Addr::UNSPECIFIED, PORT)),
        }),
    };
    listener.with_context(|| match address {
        Some(address) => format!("Cannot listen on {address}. Is another program using it?"),
        None => {
            format!("Cannot listen on port {PORT}. Is another runtime using it? --listen chooses another one")
        }
    })
}

/// Opens the address at which Editors look for runtimes; `None` where that was not asked for, as an API at an address
/// of its own choice is not for everybody on the network.
///
/// # Errors
/// When the address is in use or not ours.
pub fn listen_discovery(
    api: Option<SocketAddr>,
    discovery: Option<SocketAddrV4>,
) -> Result<Option<UdpSocket>> {
    let default = api.is_none().then_some(DISCOVERY);
    let Some(address) = discovery.or(default) else {
        return Ok(None);
    };
    let socket = UdpSocket::bind(address).with_context(|| {
        format!("Editors that look for runtimes get no answer, as UDP {address} cannot be used")
    })?;
    Ok(Some(socket))
}

/// Opens a Unix socket for us and `group`, in place of one that an earlier run left.
///
/// # Errors
/// When it cannot be created.
pub fn listen_unix(path: &Path, group: Option<Gid>) -> Result<UnixListener> {
    let open = || -> io::Result<UnixListener> {
        remove(path)?;
        let listener = UnixListener::bind(path)?;
        std::os::unix::fs::chown(path, None, group.map(Into::into))?;
        fs::set_permissions(path, Permissions::from_mode(0o660))?;
        Ok(listener)
    };
    open().with_context(|| format!("Cannot open the socket {}", path.display()))
}

/// Removes a socket that may not be there.
///
/// # Errors
/// The error of `unlink(2)`.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
