use std::io::Read;
use std::os::fd::OwnedFd;

use openplc_image::{Address, Area, ImageReader, JournalWriter, Moment, OutputPolicy, Sizes, Write};
use openplc_rt::shared_memory::SharedMemory;

use super::*;
use crate::process_image::ProcessImage;

mod reports;

/// Longest wait for something that must happen.
const SOON: Duration = Duration::from_secs(20);

struct Host {
    image: Arc<ProcessImage>,
    server: Arc<ImageServer<ProcessImage>>,
    folder: tempfile::TempDir,
    log: LogRing,
    switched: std::sync::mpsc::Receiver<bool>,
}

impl Host {
    fn start() -> Self {
        Self::admitting(vec![nix::unistd::getuid().as_raw()])
    }

    fn admitting(users: Vec<u32>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("image.socket")).unwrap();
        let image = Arc::new(ProcessImage::new(&Sizes::default(), OutputPolicy::off()).unwrap());
        let rules = |name: &str| {
            (name != "unknown").then(|| PluginRules {
                grade: if name.starts_with("reader") {
                    Grade::Reader
                } else {
                    Grade::Plugin
                },
                rights: WriteRights::of_areas(&[Area::Input, Area::Memory]),
                abandoned: if name == "holding" {
                    AbandonedInputs::Hold
                } else {
                    AbandonedInputs::Zero
                },
                abandoned_after: Duration::ZERO,
            })
        };
        let rules = Box::new(rules);
        let (switch, switched) = std::sync::mpsc::channel();
        let admission = Admission {
            users,
            group: None,
            rules,
            switch: Box::new(move |run| switch.send(run).unwrap()),
        };
        let log = LogRing::default();
        let server = ImageServer::start(listener, image.clone(), admission, log.clone()).unwrap();
        Self {
            log,
            switched,
            image,
            server,
            folder,
        }
    }

    fn connect(&self) -> Connection {
        Connection::open(&self.folder.path().join("image.socket"), SOON).unwrap()
    }

    fn ask(&self, name: &str) -> (Connection, Attached, Vec<OwnedFd>) {
        let mut connection = self.connect();
        let plugin = name.to_owned();
        connection.send(&Attach { plugin }).unwrap();
        let (answer, descriptors) = connection.receive().unwrap();
        (connection, answer, descriptors)
    }

    fn attach(&self, name: &str) -> Plugin {
        let (connection, answer, descriptors) = self.ask(name);
        assert_eq!(answer, Attached::Done);
        let [image, journal] = <[OwnedFd; 2]>::try_from(descriptors).unwrap();
        assert!(
            SharedMemory::open(image.try_clone().unwrap(), true).is_err(),
            "readers only read"
        );
        Plugin {
            connection,
            reader: ImageReader::new(SharedMemory::open(image, false).unwrap()).unwrap(),
            writer: JournalWriter::new(SharedMemory::open(journal, true).unwrap()).unwrap(),
        }
    }

    fn refusal(&self, name: &str) -> String {
        match self.ask(name).1 {
            Attached::Refused { message } => message,
            Attached::Done => panic!("{name} was admitted"),
        }
    }

    /// Plugins that are attached.
    fn attached(&self) -> Vec<PluginRecord> {
        let mut plugins = self.server.plugins();
        plugins.retain(|plugin| plugin.peer.is_some());
        plugins
    }

    fn record(&self, name: &str) -> Option<PluginRecord> {
        self.server
            .plugins()
            .into_iter()
            .find(|plugin| plugin.name == name)
    }

    fn value(&self, address: &str) -> u64 {
        self.image
            .with_image(|image| image.value(at(address)))
            .flatten()
            .unwrap()
    }

    fn take_writes(&self, time_ns: u64) {
        let moment = Moment {
            time_ns,
            ..Moment::default()
        };
        self.image.idle(moment, || false);
    }

    fn wait_until(&self, condition: impl Fn(&Self) -> bool) {
        let deadline = std::time::Instant::now() + SOON;
        while !condition(self) {
            assert!(std::time::Instant::now() < deadline, "it did not happen");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

struct Plugin {
    connection: Connection,
    reader: ImageReader<SharedMemory>,
    writer: JournalWriter<SharedMemory>,
}

impl Plugin {
    fn write(&mut self, address: &str, value: u64) {
        let address = at(address);
        self.writer
            .write(clock::now(), &[Write { address, value }])
            .unwrap();
    }
}

fn at(address: &str) -> Address {
    address.parse().unwrap()
}

#[test]
fn a_plugin_reads_and_writes_and_its_end_is_noticed() {
    let host = Host::start();
    let mut plugin = host.attach("modbus_slave");
    plugin.write("%IW5", 55);
    plugin.write("%QW5", 66);
    let time_ns = clock::now();
    host.take_writes(time_ns);
    let seen = plugin
        .reader
        .consistent(|view| (view.value(at("%IW5")), view.value(at("%QW5"))));
    assert_eq!(seen, Ok((Some(55), Some(0))));
    let report = host.attached();
    assert_eq!((report.len(), report[0].name.as_str()), (1, "modbus_slave"));
    assert_eq!((report[0].writes.applied, report[0].writes.forbidden), (1, 1));
    let process = report[0].peer.unwrap().0;
    assert_eq!(u32::try_from(process).unwrap(), std::process::id());

    plugin.write("%MW5", 77);
    drop(plugin);
    host.wait_until(|host| host.attached().is_empty());
    // Its inputs are abandoned, its last write counts.
    host.wait_until(|host| (host.value("%IW5"), host.value("%MW5")) == (0, 77));
    let _again = host.attach("modbus_slave");
    assert_eq!(host.record("modbus_slave").unwrap().attached, 2);
}

#[test]
fn inputs_of_a_plugin_that_is_wanted_no_longer_do_not_outlive_it() {
    let host = Host::start();
    let values = |host: &Host| (host.value("%IW5"), host.value("%MW5"));
    let plugin_that_wrote = |value| {
        let mut plugin = host.attach("holding");
        plugin.write("%IW5", value);
        plugin.write("%MW5", value);
        plugin
    };
    drop(plugin_that_wrote(5));
    host.wait_until(|host| host.attached().is_empty());
    assert_eq!(values(&host), (5, 5), "it broke, and is to be held");

    let mut plugin = plugin_that_wrote(6);
    host.server.dismiss("holding", Dismissal::Ended);
    assert_eq!(values(&host), (0, 6), "at once, though it is still there");
    plugin.write("%IW5", 7);
    plugin.write("%MW5", 7);
    host.take_writes(0);
    assert_eq!(values(&host), (0, 6), "who has to leave has no say");
    drop(plugin);
    host.wait_until(|host| host.attached().is_empty());

    let mut plugin = plugin_that_wrote(8);
    host.server.dismiss("holding", Dismissal::Replaced);
    plugin.write("%IW5", 9);
    drop(plugin);
    host.wait_until(|host| host.attached().is_empty());
    assert_eq!(values(&host), (8, 8), "until its successor writes");
    assert_eq!(host.record("holding").unwrap().writes.forbidden, 0);

    // A start afresh believes nobody who is gone.
    let mut other = host.attach("other");
    other.write("%IW6", 6);
    host.take_writes(0);
    host.image.with_image(Image::forget_old_inputs);
    assert_eq!((host.value("%IW5"), host.value("%IW6")), (0, 6));
}

#[test]
fn strangers_are_told_why_they_are_turned_away() {
    let host = Host::start();
    assert!(host.refusal("unknown").contains("`unknown`"));
    assert!(host.refusal("../../etc/passwd\n").contains("no plugin"));
    assert!(host.refusal("").contains("no plugin"));
    let _first = host.attach("once");
    assert!(host.refusal("once").contains("attached already"));

    let closed = Host::admitting(Vec::new());
    let mut connection = closed.connect();
    let (answer, _) = connection.receive::<Attached>().unwrap();
    assert!(matches!(answer, Attached::Refused { message } if message.contains("user")));
}

#[test]
fn rubbish_ends_only_its_own_connection() {
    use std::io::Write as _;

    let host = Host::start();
    let plugin = host.attach("steady");
    let rubbish = host.connect();
    rubbish.stream().write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    assert_eq!(rubbish.stream().read(&mut [0; 100]).unwrap_or(0), 0);

    let talker = host.attach("talker");
    talker.connection.stream().write_all(b"more").unwrap();
    host.wait_until(|host| host.attached().len() == 1);
    assert!(!plugin.reader.is_closed());
}

#[test]
fn plugins_come_again_for_an_image_that_was_replaced() {
    let host = Host::start();
    let mut plugin = host.attach("one");
    plugin.write("%IW5", 5);
    host.take_writes(0);
    host.server.send_away_from_replaced();
    assert_eq!(host.attached().len(), 1);
    let larger = host.image.prepare(&Sizes::uniform(4000)).unwrap().unwrap();
    drop(host.image.replace(larger));
    assert!(plugin.reader.is_closed());
    plugin.write("%MW3999", 6);
    host.server.send_away_from_replaced();
    host.wait_until(|host| host.attached().is_empty());
    let plugin = host.attach("one");
    let value = |address| plugin.reader.consistent(|view| view.value(at(address)));
    // The input was abandoned in between.
    host.wait_until(|host| {
        host.take_writes(0);
        (value("%MW3999"), value("%IW5")) == (Ok(Some(6)), Ok(Some(0)))
    });
}

#[test]
fn no_more_than_there_are_places() {
    let host = Host::start();
    let _plugins: Vec<_> = (0..openplc_image::MAX_PEERS)
        .map(|number| host.attach(&format!("p{number}")))
        .collect();
    assert!(host.refusal("another").contains("attached already"));
    assert_eq!(host.attached().len(), openplc_image::MAX_PEERS);
}

#[test]
fn who_only_looks_on_leaves_places_for_plugins() {
    let host = Host::start();
    let readers: Vec<_> = (0..register::MAX_READERS)
        .map(|number| host.attach(&format!("reader{number}")))
        .collect();
    assert!(host.refusal("reader").contains("no enabled plugins"));
    let _plugins: Vec<_> = (readers.len()..openplc_image::MAX_PEERS)
        .map(|number| host.attach(&format!("p{number}")))
        .collect();
    drop(readers);
    host.wait_until(|host| host.attached().len() == openplc_image::MAX_PEERS - register::MAX_READERS);
    let _reader = host.attach("reader");
}
