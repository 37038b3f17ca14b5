//! What this process gives up, in all its threads and for good, before it loads a program: the program then is this process.
//!
//! Whatever it needs for its own work it has by then: the sockets that it inherited, those to the journal and to the service
//! manager. It goes on to accept clients on the former, and to receive descriptors over what it accepted.

use std::collections::BTreeMap;

use nix::libc;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch};

use crate::real_time;

/// System calls that make a socket, give one an address or a peer, or bring one in from another process unasked.
const SOCKET_CALLS: [libc::c_long; 9] = [
    libc::SYS_socket,
    libc::SYS_socketpair,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    // Sockets past any filter.
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_pidfd_getfd,
];
/// Marks the calls of x32, which a filter for x86-64 sees, too.
#[cfg(target_arch = "x86_64")]
const OTHER_NUMBERING: i64 = 0x4000_0000;
#[cfg(not(target_arch = "x86_64"))]
const OTHER_NUMBERING: i64 = 0;

/// From here on uploaded code may run in this process: it finds no capability and can gain none, and neither it nor what it
/// starts opens a socket.
pub fn confine() {
    real_time::drop_capabilities();
    if let Err(error) = nix::sys::prctl::set_no_new_privs() {
        tracing::warn!("Programs could gain privileges by executing others: {error}");
    }
    let refused = refusal().and_then(|filter| seccompiler::apply_filter_all_threads(&filter));
    if let Err(error) = refused {
        tracing::warn!(
            "Programs could open sockets, as system calls cannot be filtered here (seccomp): {error}"
        );
    }
}

/// Answers [`SOCKET_CALLS`] with EPERM.
fn refusal() -> Result<BpfProgram, seccompiler::Error> {
    #[allow(
        clippy::useless_conversion,
        reason = "c_long has 32 bits on 32-bit processors"
    )]
    let rules: BTreeMap<i64, Vec<_>> = SOCKET_CALLS
        .into_iter()
        .map(i64::from)
        .flat_map(|call| [call, call | OTHER_NUMBERING])
        .map(|call| (call, Vec::new()))
        .collect();
    let refuse = SeccompAction::Errno(libc::EPERM.cast_unsigned());
    let architecture = TargetArch::try_from(std::env::consts::ARCH)?;
    Ok(SeccompFilter::new(rules, SeccompAction::Allow, refuse, architecture)?.try_into()?)
}

#[cfg(test)]
mod tests {
    use std::io::{self, Read, Write};
    use std::net::{TcpListener, UdpSocket};
    use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
    use std::thread;

    use super::*;

    fn is_refused<T>(result: io::Result<T>) -> bool {
        result.is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
    }

    #[test]
    fn no_socket_is_opened_and_those_that_are_there_go_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let listener = UnixListener::bind(&path).unwrap();
        let datagrams = UnixDatagram::bind(folder.path().join("datagrams")).unwrap();
        let journal = UnixDatagram::unbound().unwrap();
        let mut client = UnixStream::connect(&path).unwrap();
        // In this thread only: the other tests need sockets.
        thread::spawn(move || {
            seccompiler::apply_filter(&refusal().unwrap()).unwrap();
            assert!(is_refused(UnixStream::pair()));
            assert!(is_refused(UnixDatagram::unbound()));
            assert!(is_refused(UnixStream::connect(&path)));
            assert!(is_refused(TcpListener::bind("127.0.0.1:0")));
            assert!(is_refused(UdpSocket::bind("[::1]:0")));
            assert!(is_refused(journal.connect(&path)));

            let (mut served, _) = listener.accept().unwrap();
            client.write_all(b"question").unwrap();
            served.read_exact(&mut [0; 8]).unwrap();
            journal
                .send_to(b"entry", folder.path().join("datagrams"))
                .unwrap();
            assert_eq!(datagrams.recv(&mut [0; 8]).unwrap(), 5);
            assert!(is_refused(thread::spawn(UnixStream::pair).join().unwrap()));
        })
        .join()
        .unwrap();
    }
}
