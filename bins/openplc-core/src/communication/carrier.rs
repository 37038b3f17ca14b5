//! The thread that carries bytes between programs and the network. It is an ordinary one: a scan never waits for it longer than
//! for a copy.

use std::collections::HashMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddrV4, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use openplc_wire::communication::Protocol;

use super::connections::{CAPACITY, Connections, Line, Phase};
use crate::daemon::STACK;

/// Time between two rounds while a program has connections.
const ROUND: Duration = Duration::from_millis(1);
/// And while none has.
const REST: Duration = Duration::from_millis(20);
/// What is carried at a time, in bytes: the longest datagram that a program sends.
const PIECE: usize = CAPACITY;
/// For how long a wish waits for a connector that is not at work: it is started when the program is.
const START: Duration = Duration::from_secs(10);
/// For how long a failure stands before a program may try again.
const PENANCE: Duration = Duration::from_secs(1);

/// What the connector has made of a wish, once it has: an open socket that does not block, or why there is none.
pub type Outcome = Box<dyn FnMut() -> Option<Result<OwnedFd, NotConnected>> + Send>;

/// Why there is no connection.
#[derive(Debug)]
pub enum NotConnected {
    /// The connector has gone before it answered; another takes its place.
    Gone,
    /// It could not be made, for this reason.
    Refused(String),
}

/// Asks the connector for a connection; the reason why that cannot be.
pub type Ask = dyn Fn(SocketAddrV4, Protocol) -> Result<Outcome, String> + Send;

/// The programs whose connections are carried.
#[derive(Clone, Default)]
pub struct Programs(Arc<Mutex<Vec<Weak<Connections>>>>);

impl Programs {
    /// Connections for another program; they end with what is returned.
    ///
    /// # Errors
    /// When the locks cannot be made.
    pub fn add(&self) -> io::Result<Arc<Connections>> {
        let connections = Arc::new(Connections::new()?);
        let mut programs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        programs.push(Arc::downgrade(&connections));
        Ok(connections)
    }

    fn present(&self) -> Vec<Arc<Connections>> {
        let mut programs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        programs.retain(|program| program.strong_count() > 0);
        programs.iter().filter_map(Weak::upgrade).collect()
    }
}

/// Starts the thread.
///
/// # Errors
/// When there is none to be had.
pub fn start(programs: Programs, ask: Box<Ask>) -> io::Result<()> {
    let mut carrier = Carrier {
        ask,
        carried: HashMap::new(),
        complaint: String::new(),
    };
    thread::Builder::new()
        .name("communication".into())
        .stack_size(STACK)
        .spawn(move || {
            loop {
                let busy = carrier.round(&programs.present());
                thread::sleep(if busy { ROUND } else { REST });
            }
        })
        .map(drop)
}

/// A line: of which program, and which.
type Place = (usize, usize);

/// What is known of a line in use.
struct Carried {
    generation: u32,
    state: State,
}

enum State {
    Wanted(Instant),
    Asked(Instant, Outcome),
    Open(Socket),
    Failed(Instant),
}

/// A socket that does not block, and what of a stream it has not taken yet.
enum Socket {
    Stream(TcpStream, Vec<u8>),
    Datagrams(UdpSocket),
}

struct Carrier {
    ask: Box<Ask>,
    carried: HashMap<Place, Carried>,
    /// What went wrong last: said once.
    complaint: String,
}

impl Carrier {
    /// Does what there is to do; whether there will be more soon.
    fn round(&mut self, programs: &[Arc<Connections>]) -> bool {
        let mut busy = false;
        let of = |program: &Arc<Connections>| Arc::as_ptr(program) as usize;
        // Of a program that has gone, nothing stays open.
        self.carried
            .retain(|(program, _), _| programs.iter().any(|present| of(present) == *program));
        for program in programs.iter().filter(|program| program.are_used()) {
            for index in 0..program.lines().len() {
                self.line((of(program), index), program);
            }
            busy |= !program.rest();
        }
        busy
    }

    fn line(&mut self, place: Place, program: &Connections) {
        let (phase, generation, address, protocol) = {
            let line = program.lines()[place.1].lock();
            (line.phase, line.generation, line.address, line.protocol)
        };
        let is_current = |carried: &&mut Carried| carried.generation == generation;
        if phase == Phase::Free || self.carried.get_mut(&place).filter(is_current).is_none() {
            self.carried.remove(&place);
        }
        if phase == Phase::Free {
            return;
        }
        let line = Access {
            program,
            index: place.1,
            generation,
        };
        let mut state = match self.carried.remove(&place) {
            Some(carried) => carried.state,
            None => State::Wanted(Instant::now()),
        };
        if let State::Wanted(since) = &state {
            state = match (self.ask)(address, protocol) {
                Ok(outcome) => {
                    line.set(Phase::Asked);
                    State::Asked(*since, outcome)
                }
                Err(_) if since.elapsed() < START => state,
                Err(why) => self.fail(&line, &why),
            };
        }
        state = match state {
            State::Asked(since, mut outcome) => match outcome() {
                Some(Ok(descriptor)) => {
                    line.set(Phase::Open);
                    self.complaint.clear();
                    tracing::info!(
                        "A communication block is connected to {address} ({})",
                        protocol.as_str()
                    );
                    State::Open(match protocol {
                        Protocol::Tcp => Socket::Stream(descriptor.into(), Vec::new()),
                        Protocol::Udp => Socket::Datagrams(descriptor.into()),
                    })
                }
                Some(Err(NotConnected::Gone)) => State::Wanted(since),
                Some(Err(NotConnected::Refused(why))) => self.fail(&line, &format!("{address}: {why}")),
                None => State::Asked(since, outcome),
            },
            State::Open(mut socket) => match socket.carry(&line) {
                Ok(()) => State::Open(socket),
                Err(ended) => {
                    tracing::info!("The connection of a communication block to {address} has ended{ended}");
                    line.set(Phase::Ended);
                    // The line lives on, for what was received before.
                    State::Failed(Instant::now())
                }
            },
            waiting @ (State::Wanted(_) | State::Failed(_)) => waiting,
        };
        if let State::Failed(since) = &state
            && phase == Phase::Failed
            && since.elapsed() >= PENANCE
        {
            line.set(Phase::Free);
            return;
        }
        self.carried.insert(place, Carried { generation, state });
    }

    fn fail(&mut self, line: &Access<'_>, why: &str) -> State {
        if self.complaint != why {
            tracing::warn!("A communication block is not connected: {why}");
            why.clone_into(&mut self.complaint);
        }
        line.set(Phase::Failed);
        State::Failed(Instant::now())
    }
}

/// One use of a line: what the program has begun meanwhile is not touched.
struct Access<'a> {
    program: &'a Connections,
    index: usize,
    generation: u32,
}

impl Access<'_> {
    fn with<T>(&self, work: impl FnOnce(&mut Line) -> T) -> Option<T> {
        let mut line = self.program.lines()[self.index].lock();
        (line.generation == self.generation && line.phase != Phase::Free).then(|| work(&mut line))
    }

    fn set(&self, phase: Phase) {
        self.with(|line| line.phase = phase);
    }
}

/// How a connection ended, for the log: nothing where the other side closed it.
type Ended = String;

impl Socket {
    /// Moves what there is, in both directions, without waiting. The lock is held for copies only.
    fn carry(&mut self, line: &Access<'_>) -> Result<(), Ended> {
        let mut piece = [0; PIECE];
        match self {
            Self::Stream(stream, unsent) => {
                if unsent.is_empty() {
                    let count = line.with(|line| line.outgoing.pop(&mut piece)).unwrap_or(0);
                    unsent.extend_from_slice(&piece[..count]);
                }
                if !unsent.is_empty() {
                    match stream.write(unsent) {
                        Ok(count) => drop(unsent.drain(..count)),
                        Err(error) => waits(&error)?,
                    }
                }
                let room = line.with(|line| line.incoming.room().min(PIECE)).unwrap_or(0);
                if room > 0 {
                    match stream.read(&mut piece[..room]) {
                        Ok(0) => return Err(Ended::new()),
                        Ok(count) => drop(line.with(|line| line.incoming.push(&piece[..count]))),
                        Err(error) => waits(&error)?,
                    }
                }
            }
            Self::Datagrams(socket) => {
                if let Some(count) = line.with(|line| line.outgoing.pop_message(&mut piece)).flatten() {
                    match socket.send(&piece[..count]) {
                        Ok(_) => {}
                        // What cannot be sent now is lost, as datagrams are; that nobody listens there yet is no end either.
                        Err(error) if error.kind() == ErrorKind::ConnectionRefused => {}
                        Err(error) => waits(&error)?,
                    }
                }
                match socket.recv(&mut piece) {
                    // So is what has no room.
                    Ok(count) => drop(line.with(|line| line.incoming.push_message(&piece[..count]))),
                    Err(error) if error.kind() == ErrorKind::ConnectionRefused => {}
                    Err(error) => waits(&error)?,
                }
            }
        }
        Ok(())
    }
}

/// Nothing is wrong with a socket that has nothing to do now.
fn waits(error: &io::Error) -> Result<(), Ended> {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::Interrupted => Ok(()),
        _ => Err(format!(": {error}")),
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// What the connector is asked for, and where its answer goes.
    type Wish = (SocketAddrV4, Sender<Result<OwnedFd, NotConnected>>);

    /// A connector under the test's control.
    fn carrier() -> (Carrier, Receiver<Wish>) {
        let (wishes, asked) = channel();
        let ask = move |address, _| {
            let (answer, outcome) = channel();
            wishes.send((address, answer)).unwrap();
            let outcome: Outcome = Box::new(move || outcome.try_recv().ok());
            Ok(outcome)
        };
        let carrier = Carrier {
            ask: Box::new(ask),
            carried: HashMap::new(),
            complaint: String::new(),
        };
        (carrier, asked)
    }

    fn address(listener: &TcpListener) -> SocketAddrV4 {
        match listener.local_addr().unwrap() {
            std::net::SocketAddr::V4(address) => address,
            std::net::SocketAddr::V6(address) => panic!("{address}"),
        }
    }

    /// Connects as the connector does.
    fn connected(address: SocketAddrV4) -> OwnedFd {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nonblocking(true).unwrap();
        stream.into()
    }

    /// Rounds until `done` says something.
    fn until<T>(carrier: &mut Carrier, program: &Arc<Connections>, mut done: impl FnMut() -> Option<T>) -> T {
        let give_up = Instant::now() + Duration::from_secs(30);
        loop {
            carrier.round(std::slice::from_ref(program));
            if let Some(result) = done() {
                return result;
            }
            assert!(Instant::now() < give_up, "it does not happen");
            thread::sleep(ROUND);
        }
    }

    #[test]
    fn bytes_pass_in_both_directions_and_the_end_is_told() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (mut carrier, asked) = carrier();
        let program = Arc::new(Connections::new().unwrap());
        let number = program.connect(address(&listener), Protocol::Tcp).unwrap();
        // More than is kept on the way: nothing may be lost or change its order.
        let sent: Vec<u8> = (0..100_000_u32).map(|n| (n % 251) as u8).collect();
        let mut left = sent.as_slice();
        carrier.round(std::slice::from_ref(&program));
        let (asked_for, answer) = asked.try_recv().unwrap();
        assert_eq!(asked_for, address(&listener));
        carrier.round(std::slice::from_ref(&program));
        assert!(asked.try_recv().is_err(), "asked once");
        answer.send(Ok(connected(asked_for))).unwrap();
        let (mut peer, _) = listener.accept().unwrap();
        peer.set_nonblocking(true).unwrap();
        let mut received = Vec::new();
        until(&mut carrier, &program, || {
            left = &left[program.send(number, left).unwrap_or(0)..];
            let mut piece = [0; 1000];
            if let Ok(count) = peer.read(&mut piece) {
                received.extend_from_slice(&piece[..count]);
            }
            (received.len() == sent.len()).then_some(())
        });
        assert!(received == sent);
        peer.write_all(b"answer").unwrap();
        drop(peer);
        let mut buffer = [0; 16];
        let count = until(&mut carrier, &program, || program.receive(number, &mut buffer));
        assert_eq!(&buffer[..count], b"answer");
        let end = until(&mut carrier, &program, || program.receive(number, &mut buffer));
        assert_eq!(end, 0);
    }

    #[test]
    fn a_failure_is_told_and_tried_again_only_later() {
        let (mut carrier, asked) = carrier();
        let program = Arc::new(Connections::new().unwrap());
        let target = SocketAddrV4::new([192, 0, 2, 1].into(), 7);
        let number = program.connect(target, Protocol::Tcp).unwrap();
        carrier.round(std::slice::from_ref(&program));
        asked
            .try_recv()
            .unwrap()
            .1
            .send(Err(NotConnected::Refused("refused".into())))
            .unwrap();
        until(&mut carrier, &program, || {
            program.send(number, b"x").is_none().then_some(())
        });
        let failed = Instant::now();
        let again = until(&mut carrier, &program, || program.connect(target, Protocol::Tcp));
        assert!(
            failed.elapsed() >= PENANCE / 2,
            "a block that asks in every scan must not flood the network"
        );
        assert_ne!(again, number);
    }

    #[test]
    fn what_is_closed_or_belongs_to_a_program_that_has_gone_is_closed_on_the_network() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (mut carrier, asked) = carrier();
        let program = Arc::new(Connections::new().unwrap());
        let mut peers = Vec::new();
        for _ in 0..2 {
            let number = program.connect(address(&listener), Protocol::Tcp).unwrap();
            carrier.round(std::slice::from_ref(&program));
            asked
                .try_recv()
                .unwrap()
                .1
                .send(Ok(connected(address(&listener))))
                .unwrap();
            carrier.round(std::slice::from_ref(&program));
            peers.push((listener.accept().unwrap().0, number));
            if peers.len() == 1 {
                program.close(number).unwrap();
                carrier.round(std::slice::from_ref(&program));
            }
        }
        assert_eq!(peers[0].0.read(&mut [0; 1]).unwrap(), 0);
        assert_eq!(carrier.carried.len(), 1);
        drop(program);
        carrier.round(&[]);
        assert_eq!(peers[1].0.read(&mut [0; 1]).unwrap(), 0);
    }
}
