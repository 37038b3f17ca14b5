//! A plugin against a core made of the same parts as the real one.

use std::fs;
use std::os::fd::AsFd;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::sys::signal::SigSet;
use nix::sys::signalfd::{SfdFlags, SignalFd};
use openplc_image::{Address, Image, Journal, Moment, PlcState, Sizes, Write, WriteRights};
use openplc_rt::clock;
use openplc_wire::control::Level;
use openplc_wire::image::{Attach, Attached, MAX_MESSAGE, Order, Report};
use openplc_wire::transport::Connection;
use serde_json::{Value, json};

use crate::configuration::Configuration;
use crate::link::{self, Shared};
use crate::log_queue::LogQueue;
use crate::plugin::{Plugin, Unavailable, WriteFailure};
use crate::{Field, Statistics};

/// Far more than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// The core's side of one attachment.
struct Core {
    image: Image,
    connection: Connection,
    scan: u64,
}

impl Core {
    fn accept(listener: &UnixListener) -> Self {
        let (stream, _) = listener.accept().unwrap();
        let mut connection = Connection::new(stream, MAX_MESSAGE);
        let (Attach { plugin }, _) = connection.receive().unwrap();
        assert_eq!(plugin, "tester");
        let mut image = Image::new(&Sizes::default()).unwrap();
        let journal = Journal::create().unwrap();
        let for_peer = journal.memory().descriptor().try_clone_to_owned().unwrap();
        image.attach(journal, WriteRights::all()).unwrap();
        connection
            .send_with(&Attached::Done, &[image.shared().descriptor(), for_peer.as_fd()])
            .unwrap();
        let mut core = Self {
            image,
            connection,
            scan: 0,
        };
        core.scan();
        core
    }

    fn scan(&mut self) {
        self.image.drain_journals(clock::now());
        self.scan += 1;
        self.image.publish(Moment {
            scan: self.scan,
            time_ns: clock::now(),
            period_ns: 1_000_000,
            state: PlcState::Running,
        });
    }

    fn next_report(&mut self) -> Report {
        self.connection.receive().unwrap().0
    }
}

struct Bench {
    folder: tempfile::TempDir,
    listener: UnixListener,
    log: LogQueue,
    plugin: Plugin,
    link: JoinHandle<()>,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tester.json");
        fs::write(&path, "{\"a\": 1}").unwrap();
        let listener = UnixListener::bind(folder.path().join("image.socket")).unwrap();
        let (plugin, link, log) = start(&path, &folder.path().join("image.socket"));
        Self {
            folder,
            listener,
            log,
            plugin,
            link,
        }
    }

    fn attached() -> (Self, Core) {
        let bench = Self::new();
        let core = Core::accept(&bench.listener);
        wait_until(|| bench.plugin.publication().is_ok());
        (bench, core)
    }

    fn end(self) {
        self.plugin.shared.end();
        self.link.join().unwrap();
    }
}

fn start(configuration: &Path, socket: &Path) -> (Plugin, JoinHandle<()>, LogQueue) {
    let configuration = Configuration::read(configuration).unwrap();
    let (shared, ear) = Shared::new("tester".into(), configuration, socket.to_owned()).unwrap();
    let plugin = Plugin {
        shared: Arc::new(shared),
    };
    let signals = SignalFd::with_flags(&SigSet::empty(), SfdFlags::SFD_NONBLOCK).unwrap();
    let log = LogQueue::default();
    let link = link::start(plugin.shared.clone(), signals, ear, log.clone()).unwrap();
    (plugin, link, log)
}

fn wait_until(condition: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "it never came");
        thread::sleep(Duration::from_millis(1));
    }
}

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

fn write(text: &str, value: u64) -> Write {
    Write {
        address: address(text),
        value,
    }
}

#[test]
fn what_is_written_is_taken_by_a_scan_and_read_back() {
    let (bench, mut core) = Bench::attached();
    let plugin = &bench.plugin;
    assert_eq!(plugin.configuration(), "{\"a\": 1}");
    let ticket = plugin.write(&[write("%IW3", 7), write("%QX0.1", 1)]).unwrap();
    assert_eq!(plugin.is_taken(&ticket), Ok(false));
    let seen = plugin.publication().unwrap();
    core.scan();
    assert_eq!(plugin.wait_until_taken(&ticket, PATIENCE), Ok(true));
    assert_ne!(plugin.wait_for_publication(seen, PATIENCE), Ok(seen));
    let read = plugin.read(|view| {
        let moment = view.moment();
        (
            view.value(address("%IW3")),
            view.value(address("%QX0.1")),
            moment.scan,
        )
    });
    assert_eq!(read, Ok((Some(7), Some(1), 2)));
    assert_eq!(plugin.write(&[write("%IW3", 65_536)]), Err(WriteFailure::Value));
    bench.end();
}

#[test]
fn more_than_a_group_is_written_whole_or_not_at_all() {
    let (bench, mut core) = Bench::attached();
    let many: Vec<Write> = (0..1000).map(|slot| write(&format!("%MW{slot}"), slot)).collect();
    let ticket = bench.plugin.write(&many).unwrap();
    for _ in 0..4 {
        core.scan();
    }
    assert_eq!(bench.plugin.is_taken(&ticket), Ok(true));
    assert_eq!(core.image.value(address("%MW999")), Some(999));
    let five_times: Vec<Write> = (0..5).flat_map(|_| many.clone()).collect();
    assert_eq!(bench.plugin.write(&five_times), Err(WriteFailure::Full));
    core.scan();
    let statistics = core.image.peers().next().unwrap().1;
    assert_eq!((statistics.applied, statistics.dropped), (1000, 5000));
    bench.end();
}

#[test]
fn a_core_that_was_away_is_found_again() {
    let (bench, core) = Bench::attached();
    let plugin = &bench.plugin;
    let ticket = plugin.write(&[write("%IW0", 1)]).unwrap();
    drop(core);
    wait_until(|| plugin.publication() == Err(Unavailable::Detached));
    assert_eq!(plugin.write(&[write("%IW0", 1)]), Err(WriteFailure::Detached));
    let mut core = Core::accept(&bench.listener);
    wait_until(|| plugin.publication().is_ok());
    assert_eq!(
        plugin.is_taken(&ticket),
        Err(Unavailable::Detached),
        "a ticket of another time"
    );
    let later = plugin.write(&[write("%IW0", 2)]).unwrap();
    assert_ne!(later, ticket);
    core.scan();
    assert_eq!(core.image.value(address("%IW0")), Some(2));
    bench.end();
}

#[test]
fn log_statistics_failures_and_commands_reach_the_core() {
    let (bench, mut core) = Bench::attached();
    let plugin = &bench.plugin;
    bench.log.push(Level::Warning, "a line".into());
    assert_eq!(
        core.next_report(),
        Report::Log {
            level: Level::Warning,
            message: "a line".into()
        }
    );
    let fields = vec![Field::new("Clients", 3), Field::with_unit("Delay", 0.5, "ms")];
    plugin.set_statistics(&Statistics {
        label: "Tester".into(),
        fields,
    });
    let document = json!({ "label": "Tester", "fields": [
        { "label": "Clients", "value": 3 }, { "label": "Delay", "value": 0.5, "unit": "ms" },
    ] });
    assert_eq!(core.next_report(), Report::Statistics { document });
    plugin.report_failure("no device");
    let message = "no device".to_owned();
    assert_eq!(core.next_report(), Report::Failure { message });

    plugin.on_command(|command| json!([command.command, command.params]));
    let (command, params) = ("scan".to_owned(), json!({ "from": 1 }));
    core.connection
        .send(&Order::Command {
            number: 5,
            command,
            params,
        })
        .unwrap();
    let document = json!(["scan", { "from": 1 }]);
    assert_eq!(core.next_report(), Report::Answer { number: 5, document });
    bench.end();
}

#[test]
fn the_plugin_leaves_when_its_configuration_goes() {
    let (bench, mut core) = Bench::attached();
    assert!(!bench.plugin.is_leaving());
    fs::remove_file(bench.folder.path().join("tester.json")).unwrap();
    assert!(bench.plugin.wait_until_leaving(PATIENCE));
    core.scan();
    assert!(bench.plugin.read(|view| view.moment()).is_ok(), "to the end");
    bench.end();
}

#[test]
fn a_core_that_speaks_rubbish_is_left() {
    let (bench, mut core) = Bench::attached();
    core.connection
        .send(&json!({ "order": "explode", "with": Value::Null }))
        .unwrap();
    wait_until(|| bench.plugin.publication().is_err());
    bench.end();
}
