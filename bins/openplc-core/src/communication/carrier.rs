//! The thread that carries bytes between programs and the network. It is an ordinary one: a scan never waits for it longer than
//! for a copy.

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddrV4, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use openplc_wire::communication::Protocol;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};

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

/// A socket, and what of a stream it has not taken yet. Whether it blocks is shared with whoever has made it, and so each call
/// says that it must not wait.
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
                    match send(&*stream, unsent, SendFlags::DONTWAIT | SendFlags::NOSIGNAL) {
                        Ok(count) => drop(unsent.drain(..count)),
                        Err(error) => waits(error)?,
                    }
                }
                let room = line.with(|line| line.incoming.room().min(PIECE)).unwrap_or(0);
                if room > 0 {
                    match recv(&*stream, &mut piece[..room], RecvFlags::DONTWAIT) {
                        Ok((_, 0)) => return Err(Ended::new()),
                        Ok((_, count)) => drop(line.with(|line| line.incoming.push(&piece[..count]))),
                        Err(error) => waits(error)?,
                    }
                }
            }
            Self::Datagrams(socket) => {
                if let Some(count) = line.with(|line| line.outgoing.pop_message(&mut piece)).flatten() {
                    match send(&*socket, &piece[..count], SendFlags::DONTWAIT) {
                        Ok(_) => {}
                        // What cannot be sent now is lost, as datagrams are; that nobody listens there yet is no end either.
                        Err(Errno::CONNREFUSED) => {}
                        Err(error) => waits(error)?,
                    }
                }
                match recv(&*socket, &mut piece, RecvFlags::DONTWAIT) {
                    // So is what has no room.
                    Ok((_, count)) => drop(line.with(|line| line.incoming.push_message(&piece[..count]))),
                    Err(Errno::CONNREFUSED) => {}
                    Err(error) => waits(error)?,
                }
            }
        }
        Ok(())
    }
}

/// Nothing is wrong with a socket that has nothing to do now.
fn waits(error: Errno) -> Result<(), Ended> {
    match error {
        Errno::AGAIN | Errno::INTR => Ok(()),
        _ => Err(format!(": {error}")),
    }
}

#[cfg(test)]
mod tests;
