//! A load of our own: everything that makes a computer late, as far as an ordinary process can cause it.

use std::fs::File;
use std::hint::black_box;
use std::io::{self, Read, Seek, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Bytes that the memory load copies again and again: more than caches hold.
const MEMORY: usize = 64 << 20;
/// Bytes that the disk load writes before it makes them durable ...
const BLOCK: usize = 1 << 20;
/// ... and after which it begins again from the start of its file.
const FILE: u64 = 64 << 20;
/// Pairs of threads that hand each other messages.
const CONVERSATIONS: usize = 2;
/// Threads that wait for timers ...
const TIMERS: usize = 4;
/// ... of this length.
const TIMER: Duration = Duration::from_micros(50);
/// Where the disk load writes: `/tmp` is memory on many computers.
const DISK: &str = "/var/tmp";

/// A process that keeps the computer busy until this is dropped, or its parent ends in any way.
pub struct Load(Child);

impl Load {
    /// Starts the process.
    ///
    /// # Errors
    /// When this program cannot be executed again.
    pub fn start() -> io::Result<Self> {
        Command::new("/proc/self/exe")
            .arg("keep-busy")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .map(Self)
    }

    /// Whether it is still there.
    pub fn is_running(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(None))
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        // Errors mean that it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Keeps the computer busy until standard input ends, which it does at the latest when the parent has ended.
///
/// # Errors
/// When there is nothing to write to for the disk load.
pub fn keep_busy() -> io::Result<()> {
    let file = tempfile::tempfile_in(DISK).or_else(|_| tempfile::tempfile())?;
    for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
        thread::spawn(calculate);
    }
    thread::spawn(copy_memory);
    thread::spawn(|| write_to_disk(file));
    for _ in 0..CONVERSATIONS {
        converse();
    }
    for _ in 0..TIMERS {
        thread::spawn(|| {
            loop {
                thread::sleep(TIMER);
            }
        });
    }
    io::stdin().read_to_end(&mut Vec::new()).map(drop)
}

fn calculate() {
    let mut number = 1_u64;
    loop {
        number = black_box(number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
    }
}

fn copy_memory() {
    let from = vec![1_u8; MEMORY];
    let mut to = vec![0_u8; MEMORY];
    loop {
        to.copy_from_slice(black_box(&from));
        black_box(&to);
    }
}

/// Until the disk refuses: a full one is load enough.
fn write_to_disk(mut file: File) -> io::Result<()> {
    let block = vec![0x55_u8; BLOCK];
    loop {
        file.write_all(&block)?;
        file.sync_data()?;
        if file.stream_position()? >= FILE {
            file.rewind()?;
        }
    }
}

fn converse() {
    let (ask, asked) = mpsc::sync_channel(0);
    let (answer, answered) = mpsc::sync_channel(0);
    thread::spawn(move || asked.iter().all(|question: u8| answer.send(question).is_ok()));
    thread::spawn(move || while ask.send(0).is_ok() && answered.recv().is_ok() {});
}
