//! A core process with its own state directory and control socket, and programs for it.
#![allow(dead_code, unused_imports, reason = "each file of tests uses a part of it")]

mod built;
pub mod gate;
pub mod witness;

use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

pub use built::{Built, build, built};
use command_fds::{CommandFdExt, FdMapping};
use nix::sys::signal::Signal;
use openplc_image::{ImageReader, Moment, View};
use openplc_rt::scheduling;
use openplc_rt::shared_memory::SharedMemory;
use openplc_wire::control::{Answer, LogEntry, PlcState, Refusal, Request, Status};
use openplc_wire::figures::Detail;
use openplc_wire::frame::Kind;
use openplc_wire::image::{Attach, Attached};
use openplc_wire::memory_file;
use openplc_wire::transport::Connection;
use tempfile::TempDir;

/// Longest wait for anything.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The answer to what was carried out.
pub const DONE: Answer = Answer::Done;
/// Asks for the MD5 of the program.
pub const MD5_REQUEST: [u8; 5] = [0x45, 0xDE, 0xAD, 0, 0];

/// Why a request was not carried out.
pub fn refusal(answer: Answer) -> Refusal {
    match answer {
        Answer::Refused { reason, message } => {
            assert!(!message.is_empty());
            reason
        }
        other => panic!("{other:?}"),
    }
}

/// The same in words.
pub fn refusal_text(answer: Answer) -> String {
    match answer {
        Answer::Refused { message, .. } => message,
        other => panic!("{other:?}"),
    }
}

/// How often something is done: a few times, or as the environment says.
pub fn times(variable: &str, few: usize) -> usize {
    std::env::var(variable).map_or(few, |times| times.parse().unwrap())
}

/// A core that is started, killed and started again on the same socket and state.
pub struct Core {
    directory: TempDir,
    listeners: [OwnedFd; 2],
    /// Command that executes the process, if it is not executed at once.
    through: Vec<String>,
    process: Child,
}

impl Core {
    /// A fresh core.
    pub fn start() -> Self {
        Self::start_through(Vec::new())
    }

    /// A fresh core on a single processor.
    pub fn start_on_one_processor() -> Self {
        let processor = scheduling::affinity().unwrap()[0].to_string();
        Self::start_through(["taskset", "--cpu-list", &processor].map(str::to_owned).to_vec())
    }

    fn start_through(through: Vec<String>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let listeners = ["control", "image"].map(|name| {
            let listener = UnixListener::bind(directory.path().join(name));
            OwnedFd::from(listener.unwrap())
        });
        std::fs::create_dir(directory.path().join("state")).unwrap();
        std::fs::create_dir(directory.path().join("run")).unwrap();
        let process = spawn(&through, directory.path(), &listeners, None);
        let core = Self {
            directory,
            listeners,
            through,
            process,
        };
        core.connect();
        core
    }

    /// Ends the process by SIGKILL and starts another one.
    pub fn kill_and_restart(&mut self) {
        self.signal("KILL");
        self.restart_after_death();
    }

    /// Sends the process a signal from outside.
    pub fn signal(&self, signal: &str) {
        let sent = Command::new("kill")
            .args(["-s", signal, &self.pid().to_string()])
            .status();
        assert!(sent.unwrap().success());
    }

    /// Ends the process by SIGKILL and starts another one, as a service manager does that tells it by the command of
    /// `ExecStopPost=` how the service has ended.
    pub fn kill_and_restart_with(&mut self, end: [&str; 3]) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        let noted = Command::new(env!("CARGO_BIN_EXE_openplc-core"))
            .arg("note-end")
            .env("RUNTIME_DIRECTORY", self.directory.path().join("run"))
            .envs(END.into_iter().zip(end))
            .status();
        assert!(noted.unwrap().success());
        self.spawn(None);
    }

    /// Ends the process by SIGTERM and starts another one.
    pub fn restart(&mut self) -> ExitStatus {
        self.signal("TERM");
        self.restart_after_death()
    }

    /// Ends the process and starts another one, which finds that record of its end.
    pub fn kill_and_restart_with_record(&mut self, record: &str) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        std::fs::write(self.state_directory().join("fault"), record).unwrap();
        self.spawn(None);
    }

    /// Waits for the process to end and starts another one that is told how, as a service manager does.
    pub fn restart_after_death(&mut self) -> ExitStatus {
        let status = until("the process ends", || self.process.try_wait().unwrap());
        self.spawn(Some(status));
        status
    }

    fn spawn(&mut self, end: Option<ExitStatus>) {
        self.process = spawn(&self.through, self.directory.path(), &self.listeners, end);
    }

    /// Waits until the program has executed its first scans.
    pub fn is_proven(&self) {
        let mut client = self.connect();
        until("it has proved itself", || (client.scans() > 30).then_some(()));
    }

    pub fn is_alive(&mut self) -> bool {
        self.process.try_wait().unwrap().is_none()
    }

    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// A file of `/proc` for each thread that there is; one may end while we look.
    pub fn of_each_thread(&self, file: &str) -> Vec<String> {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.pid())).unwrap();
        let texts =
            threads.filter_map(|thread| std::fs::read_to_string(thread.unwrap().path().join(file)).ok());
        texts.collect()
    }

    /// Id of the thread with this name.
    pub fn thread(&self, name: &str) -> i32 {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.pid())).unwrap();
        let found = threads.map(|thread| thread.unwrap()).find(|thread| {
            std::fs::read_to_string(thread.path().join("comm")).is_ok_and(|comm| comm.trim_end() == name)
        });
        found.unwrap().file_name().to_str().unwrap().parse().unwrap()
    }

    pub fn state_directory(&self) -> PathBuf {
        self.directory.path().join("state")
    }

    pub fn image(&self) -> Image {
        let mut connection = Connection::open(&self.directory.path().join("image"), PATIENCE).unwrap();
        let plugin = "observer".to_owned();
        connection.send(&Attach { plugin }).unwrap();
        let (answer, mut descriptors) = connection.receive::<Attached>().unwrap();
        assert_eq!(answer, Attached::Done);
        let memory = SharedMemory::open(descriptors.swap_remove(0), false).unwrap();
        Image {
            reader: ImageReader::new(memory).unwrap(),
            _connection: connection,
        }
    }

    pub fn connect(&self) -> Client {
        let path = self.directory.path().join("control");
        Client(Connection::open(&path, PATIENCE).unwrap())
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The process image as a plugin sees it, for as long as its connection lives.
pub struct Image {
    pub reader: ImageReader<SharedMemory>,
    _connection: Connection,
}

impl Image {
    /// Values at these addresses, all of the same moment.
    pub fn values<const N: usize>(&self, addresses: [&str; N]) -> (Moment, [u64; N]) {
        let addresses = addresses.map(|address| address.parse().unwrap());
        let read = |view: &View<'_>| {
            (
                view.moment(),
                addresses.map(|address| view.value(address).unwrap()),
            )
        };
        self.reader.consistent(read).unwrap()
    }
}

/// What a service manager tells of the end of a process.
const END: [&str; 3] = ["SERVICE_RESULT", "EXIT_CODE", "EXIT_STATUS"];

fn told(end: ExitStatus) -> [String; 3] {
    match end.signal().map(|signal| Signal::try_from(signal).unwrap()) {
        None => [
            "exit-code".into(),
            "exited".into(),
            end.code().unwrap().to_string(),
        ],
        Some(signal) => ["signal".into(), "killed".into(), signal.as_str()[3..].into()],
    }
}

fn spawn(through: &[String], directory: &Path, listeners: &[OwnedFd; 2], end: Option<ExitStatus>) -> Child {
    let mappings = listeners.iter().zip(3..).map(|(listener, child_fd)| FdMapping {
        parent_fd: listener.try_clone().unwrap(),
        child_fd,
    });
    let mut words = through.to_vec();
    words.push(env!("CARGO_BIN_EXE_openplc-core").into());
    Command::new(&words[0])
        .args(&words[1..])
        .env("LISTEN_FDS", "2")
        // As from a service manager: all threads are there. Nobody is told.
        .env("WATCHDOG_USEC", "60000000")
        .env("STATE_DIRECTORY", directory.join("state"))
        .env("RUNTIME_DIRECTORY", directory.join("run"))
        .envs(END.into_iter().zip(end.into_iter().flat_map(told)))
        // Nobody reads it: that must not hold anything up.
        .stderr(Stdio::piped())
        .fd_mappings(mappings.collect())
        .unwrap()
        .spawn()
        .unwrap()
}

/// One control connection.
pub struct Client(pub Connection);

impl Client {
    pub fn ask(&mut self, request: &Request) -> Answer {
        self.0.send(request).unwrap();
        self.0.receive::<Answer>().unwrap().0
    }

    pub fn status(&mut self) -> Status {
        match self.ask(&Request::Status {
            detail: Detail::Totals,
        }) {
            Answer::Status(status) => *status,
            other => panic!("{other:?}"),
        }
    }

    pub fn scans(&mut self) -> u64 {
        self.status().tasks.first().map_or(0, |task| task.scan_count)
    }

    pub fn logs(&mut self) -> Vec<LogEntry> {
        match self.ask(&Request::Logs {
            from: None,
            level: None,
        }) {
            Answer::Logs { entries } => entries,
            other => panic!("{other:?}"),
        }
    }

    /// Waits until the log says something with these words.
    pub fn is_told(&mut self, words: &str) {
        until(&format!("the log says: {words}"), || {
            let logs = self.logs();
            logs.iter()
                .any(|entry| entry.message.contains(words))
                .then_some(())
        });
    }

    /// The answer to a debug frame.
    pub fn debug(&mut self, frame: &[u8]) -> Vec<u8> {
        self.0.send_frame(Kind::Debug, frame, &[]).unwrap();
        let received = self.0.receive_frame().unwrap();
        assert_eq!(
            received.kind,
            Kind::Debug,
            "{}",
            String::from_utf8_lossy(&received.payload)
        );
        received.payload
    }

    /// Forces the variable of the probe that makes it misbehave.
    pub fn misbehave(&mut self, how: u8) {
        assert_eq!(self.debug(&[0x42, 0, 1, 1, 0, 1, how]), [0x42, 0x7E]);
    }

    /// As [`Self::misbehave`], for what may end the process before it has answered.
    pub fn misbehave_fatally(&mut self, how: u8) {
        let frame = [0x42, 0, 1, 1, 0, 1, how];
        self.0.send_frame(Kind::Debug, &frame, &[]).unwrap();
    }

    pub fn load(&mut self, program: &Built) -> Answer {
        self.send_load(program);
        self.0.receive::<Answer>().unwrap().0
    }

    /// Asks for a load without waiting for the answer.
    pub fn send_load(&mut self, program: &Built) {
        let object = memory_file::sealed("object", &program.object).unwrap();
        let manifest = serde_json::to_vec(&program.manifest).unwrap();
        let manifest = memory_file::sealed("manifest", &manifest).unwrap();
        self.0
            .send_with(&Request::Load, &[object.as_fd(), manifest.as_fd()])
            .unwrap();
    }

    pub fn wait_for(&mut self, state: PlcState) -> Status {
        until(&format!("the state is {state:?}"), || {
            Some(self.status()).filter(|status| status.state == state)
        })
    }
}

/// Waits until `condition` gives something.
pub fn until<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(start.elapsed() < PATIENCE, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
