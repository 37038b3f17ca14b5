//! The connections of one program: what its scans ask for, and what the communication thread does about it.
//!
//! Scans and the thread meet in a few lines, each behind a mutex with priority inheritance that is held for a bounded copy.
//! The sockets themselves belong to the thread.

use std::io;
use std::net::SocketAddrV4;
use std::sync::atomic::{AtomicBool, Ordering};

use openplc_rt::pi_mutex::PiMutex;
use openplc_wire::communication::Protocol;

use super::ring::Ring;

/// Connections that a program may have at a time.
pub const MOST: usize = 8;
/// What waits in each direction of each connection, in bytes.
pub const CAPACITY: usize = 8 << 10;
/// Bits of an identification that say which line it is.
const INDEX_BITS: u32 = 4;

/// How far a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Nobody uses it.
    Free,
    /// The program wants it connected.
    Wanted,
    /// The connector has been asked.
    Asked,
    /// Bytes pass.
    Open,
    /// The other side has ended it; what it sent before can still be received.
    Ended,
    /// It could not be connected. The program learns it when it asks again.
    Failed,
}

/// One connection.
#[derive(Debug)]
pub struct Line {
    pub phase: Phase,
    /// Counts the uses of the line, so that what belongs to an earlier use is not taken for its own.
    pub generation: u32,
    pub address: SocketAddrV4,
    pub protocol: Protocol,
    /// From the program to the network.
    pub outgoing: Ring,
    /// From the network to the program.
    pub incoming: Ring,
}

impl Line {
    fn begin(&mut self, address: SocketAddrV4, protocol: Protocol) {
        self.generation = self.generation.wrapping_add(1);
        self.outgoing.clear();
        self.incoming.clear();
        (self.address, self.protocol, self.phase) = (address, protocol, Phase::Wanted);
    }

    fn number(&self, index: usize) -> i32 {
        let generation = self.generation & (i32::MAX.cast_unsigned() >> INDEX_BITS);
        // Fits: MOST is less than two to the INDEX_BITS.
        ((generation << INDEX_BITS) | index as u32).cast_signed()
    }
}

/// All lines of a program.
pub struct Connections {
    lines: Vec<PiMutex<Line>>,
    /// Whether a line is not free, so that the thread has something to do.
    used: AtomicBool,
}

impl Connections {
    /// # Errors
    /// When the locks cannot be made.
    pub fn new() -> io::Result<Self> {
        let line = || {
            PiMutex::new(Line {
                phase: Phase::Free,
                generation: 0,
                address: SocketAddrV4::new(std::net::Ipv4Addr::UNSPECIFIED, 0),
                protocol: Protocol::Tcp,
                outgoing: Ring::new(CAPACITY),
                incoming: Ring::new(CAPACITY),
            })
        };
        Ok(Self {
            lines: (0..MOST).map(|_| line()).collect::<io::Result<_>>()?,
            used: AtomicBool::new(false),
        })
    }

    /// The lines, for the thread.
    pub fn lines(&self) -> &[PiMutex<Line>] {
        &self.lines
    }

    /// Whether any line may be in use.
    pub fn are_used(&self) -> bool {
        self.used.load(Ordering::Acquire)
    }

    /// From a scan: a connection to `address`. The same one for every call until it is closed; it is being made while the
    /// program goes on, and takes bytes from the beginning. `None` when it failed, or there are too many.
    pub fn connect(&self, address: SocketAddrV4, protocol: Protocol) -> Option<i32> {
        for (index, line) in self.lines.iter().enumerate() {
            let mut line = line.lock();
            if (line.address, line.protocol) != (address, protocol) {
                continue;
            }
            match line.phase {
                Phase::Free => {}
                Phase::Failed => return None,
                Phase::Ended => {
                    line.begin(address, protocol);
                    return Some(line.number(index));
                }
                Phase::Wanted | Phase::Asked | Phase::Open => return Some(line.number(index)),
            }
        }
        for (index, line) in self.lines.iter().enumerate() {
            let mut line = line.lock();
            if line.phase == Phase::Free {
                line.begin(address, protocol);
                self.used.store(true, Ordering::Release);
                return Some(line.number(index));
            }
        }
        None
    }

    /// From a scan: sends, or keeps until the connection is there. The number of bytes that were taken, of a datagram all or
    /// none; `None` when none were, or there is no such connection.
    pub fn send(&self, number: i32, bytes: &[u8]) -> Option<usize> {
        self.with(number, |line| {
            if !matches!(line.phase, Phase::Wanted | Phase::Asked | Phase::Open) {
                return None;
            }
            match line.protocol {
                Protocol::Tcp => {
                    Some(line.outgoing.push(bytes)).filter(|count| *count > 0 || bytes.is_empty())
                }
                Protocol::Udp => line.outgoing.push_message(bytes).then_some(bytes.len()),
            }
        })
    }

    /// From a scan: what has been received, at most as much as `into` holds. 0 when the other side has ended the
    /// connection and nothing is left; `None` when there is nothing now, or no such connection.
    pub fn receive(&self, number: i32, into: &mut [u8]) -> Option<usize> {
        self.with(number, |line| match line.protocol {
            Protocol::Udp => line.incoming.pop_message(into),
            Protocol::Tcp if line.incoming.is_empty() => (line.phase == Phase::Ended).then_some(0),
            Protocol::Tcp => Some(line.incoming.pop(into)),
        })
    }

    /// From a scan: ends a connection. `None` when there is no such one.
    pub fn close(&self, number: i32) -> Option<()> {
        self.with(number, |line| {
            line.phase = Phase::Free;
            Some(())
        })
    }

    /// Ends all: the program has stopped.
    pub fn close_all(&self) {
        for line in &self.lines {
            line.lock().phase = Phase::Free;
        }
    }

    /// From the thread: whether all lines are free now; it then need not look any more.
    pub fn rest(&self) -> bool {
        // Before the look: a line that is begun meanwhile sets it again.
        self.used.store(false, Ordering::Release);
        let used = self.lines.iter().any(|line| line.lock().phase != Phase::Free);
        if used {
            self.used.store(true, Ordering::Release);
        }
        !used
    }

    fn with<T>(&self, number: i32, work: impl FnOnce(&mut Line) -> Option<T>) -> Option<T> {
        let index = usize::try_from(number).ok()? & ((1 << INDEX_BITS) - 1);
        let mut line = self.lines.get(index)?.lock();
        if line.number(index) != number || line.phase == Phase::Free {
            return None;
        }
        work(&mut line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(port: u16) -> SocketAddrV4 {
        SocketAddrV4::new([127, 0, 0, 1].into(), port)
    }

    fn set(connections: &Connections, index: usize, phase: Phase) {
        connections.lines[index].lock().phase = phase;
    }

    #[test]
    fn a_block_that_asks_in_every_scan_gets_one_connection() {
        let connections = Connections::new().unwrap();
        assert!(!connections.are_used());
        let first = connections.connect(address(1), Protocol::Tcp).unwrap();
        assert!(connections.are_used() && first >= 0);
        assert_eq!(connections.connect(address(1), Protocol::Tcp), Some(first));
        assert_ne!(connections.connect(address(1), Protocol::Udp), Some(first));
        assert_ne!(connections.connect(address(2), Protocol::Tcp), Some(first));
        assert_eq!(connections.send(first, b"at once"), Some(7));
        set(&connections, 0, Phase::Failed);
        assert_eq!(connections.send(first, b"x"), None);
        assert_eq!(connections.connect(address(1), Protocol::Tcp), None);
    }

    #[test]
    fn there_are_so_many_and_no_more() {
        let connections = Connections::new().unwrap();
        let numbers: Vec<_> = (0..MOST as u16)
            .map(|port| connections.connect(address(port), Protocol::Tcp).unwrap())
            .collect();
        assert_eq!(connections.connect(address(99), Protocol::Tcp), None);
        assert_eq!(connections.close(numbers[3]), Some(()));
        let again = connections.connect(address(99), Protocol::Tcp).unwrap();
        assert_ne!(
            again, numbers[3],
            "who kept the old number has nothing to do with the new connection"
        );
        assert_eq!(connections.send(numbers[3], b"x"), None);
        assert_eq!(connections.close(numbers[3]), None);
        for nonsense in [-1, i32::MAX, i32::MIN, 12] {
            assert_eq!(connections.send(nonsense, b"x"), None);
            assert_eq!(connections.receive(nonsense, &mut [0; 4]), None);
        }
        connections.close_all();
        assert!(connections.rest() && !connections.are_used());
    }

    #[test]
    fn the_end_comes_after_the_last_byte_and_can_be_followed_by_a_new_beginning() {
        let connections = Connections::new().unwrap();
        let number = connections.connect(address(1), Protocol::Tcp).unwrap();
        assert_eq!(connections.receive(number, &mut [0; 4]), None);
        set(&connections, 0, Phase::Open);
        connections.lines[0].lock().incoming.push(b"hello");
        set(&connections, 0, Phase::Ended);
        let mut buffer = [0; 4];
        assert_eq!(connections.receive(number, &mut buffer), Some(4));
        assert_eq!(&buffer, b"hell");
        assert_eq!(connections.receive(number, &mut buffer), Some(1));
        assert_eq!(connections.receive(number, &mut buffer), Some(0));
        assert_eq!(connections.send(number, b"x"), None);
        let next = connections.connect(address(1), Protocol::Tcp).unwrap();
        assert_ne!(next, number);
        assert_eq!(connections.receive(number, &mut buffer), None);
    }

    #[test]
    fn datagrams_are_taken_whole_or_not_at_all() {
        let connections = Connections::new().unwrap();
        let number = connections.connect(address(1), Protocol::Udp).unwrap();
        assert_eq!(connections.send(number, &[0; CAPACITY]), None);
        assert_eq!(connections.send(number, &[0; CAPACITY - 2]), Some(CAPACITY - 2));
        assert_eq!(connections.send(number, b"x"), None);
        let tcp = connections.connect(address(2), Protocol::Tcp).unwrap();
        assert_eq!(connections.send(tcp, &[0; CAPACITY + 5]), Some(CAPACITY));
        assert_eq!(connections.send(tcp, b"x"), None);
    }
}
