//! The receiving end of `sd_notify(3)`.

use std::io::{self, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, UnixAddr, UnixCredentials, recvmsg, setsockopt, sockopt,
};
use nix::unistd::Pid;

/// No process has this id.
const NOBODY: Pid = Pid::from_raw(0);

/// What a service says about itself.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Notification {
    /// Start-up is complete.
    pub ready: bool,
    /// The service is ending.
    pub stopping: bool,
    /// One line for people.
    pub status: Option<String>,
    /// The service is alive.
    pub alive: bool,
    /// The service asks to be treated as if it had missed its watchdog.
    pub trigger: bool,
    /// New interval of the watchdog.
    pub watchdog: Option<Duration>,
    /// More time until READY, or until the next sign of life.
    pub extension: Option<Duration>,
}

impl Notification {
    /// Understands the assignments that concern us and skips all others.
    fn parse(text: &str) -> Self {
        let mut notification = Self::default();
        let duration = |value: &str| value.parse().ok().map(Duration::from_micros);
        for (name, value) in text.lines().filter_map(|line| line.split_once('=')) {
            match (name, value) {
                ("READY", "1") => notification.ready = true,
                ("STOPPING", "1") => notification.stopping = true,
                ("STATUS", _) => notification.status = Some(value.to_owned()),
                ("WATCHDOG", "1") => notification.alive = true,
                ("WATCHDOG", "trigger") => notification.trigger = true,
                ("WATCHDOG_USEC", _) => notification.watchdog = duration(value),
                ("EXTEND_TIMEOUT_USEC", _) => notification.extension = duration(value),
                _ => {}
            }
        }
        notification
    }
}

/// The socket that services send their notifications to.
#[derive(Debug)]
pub struct NotifySocket {
    socket: UnixDatagram,
}

impl NotifySocket {
    /// Opens the socket at `path`. Everybody may write: who sent a message is known from the kernel.
    ///
    /// # Errors
    /// The error of `bind(2)`, `chmod(2)` or `setsockopt(2)`.
    pub fn bind(path: &Path) -> io::Result<Self> {
        let socket = UnixDatagram::bind(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o666))?;
        setsockopt(&socket, sockopt::PassCred, &true)?;
        Ok(Self { socket })
    }

    /// For polling.
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// The next message and the process that sent it; `None` when there is none now.
    ///
    /// # Errors
    /// The error of `recvmsg(2)`.
    pub fn receive(&self) -> io::Result<Option<(Pid, Notification)>> {
        let mut bytes = [0; 4096];
        // Room for the credentials only: the kernel closes descriptors that come with a message.
        let mut ancillary = nix::cmsg_space!(UnixCredentials);
        let mut buffers = [IoSliceMut::new(&mut bytes)];
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_CMSG_CLOEXEC;
        let message =
            match recvmsg::<UnixAddr>(self.socket.as_raw_fd(), &mut buffers, Some(&mut ancillary), flags) {
                Ok(message) => message,
                Err(Errno::EAGAIN | Errno::EINTR) => return Ok(None),
                Err(error) => return Err(error.into()),
            };
        // A message with descriptors is cut off and so nobody's: none of our services sends any.
        let sender = message.cmsgs().ok().and_then(|mut all| {
            all.find_map(|ancillary| match ancillary {
                ControlMessageOwned::ScmCredentials(credentials) => Some(Pid::from_raw(credentials.pid())),
                _ => None,
            })
        });
        let length = message.bytes;
        let notification = Notification::parse(&String::from_utf8_lossy(&bytes[..length]));
        Ok(Some((sender.unwrap_or(NOBODY), notification)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assignments_are_understood_and_others_skipped() {
        let all = Notification::parse(
            "READY=1\nSTATUS=a=b\nWATCHDOG=1\nWATCHDOG_USEC=2000000\nEXTEND_TIMEOUT_USEC=5\nX_OURS=1\nnoise",
        );
        assert_eq!(
            all,
            Notification {
                ready: true,
                status: Some("a=b".into()),
                alive: true,
                watchdog: Some(Duration::from_secs(2)),
                extension: Some(Duration::from_micros(5)),
                ..Notification::default()
            }
        );
        assert!(Notification::parse("WATCHDOG=trigger").trigger);
        assert!(Notification::parse("STOPPING=1\n").stopping);
        assert_eq!(
            Notification::parse("READY=0\nWATCHDOG=\nWATCHDOG_USEC=-1\n\n=\0"),
            Notification::default()
        );
    }

    #[test]
    fn the_sender_is_known_from_the_kernel() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let notify = NotifySocket::bind(&path).unwrap();
        assert_eq!(notify.receive().unwrap(), None);
        UnixDatagram::unbound()
            .unwrap()
            .send_to(b"READY=1", &path)
            .unwrap();
        let (sender, notification) = notify.receive().unwrap().unwrap();
        assert_eq!(sender, Pid::this());
        assert!(notification.ready);
    }
}
