use std::os::fd::OwnedFd;

use openplc_image::{Address, Area, ImageReader, JournalWriter, Moment, Sizes, Write};
use openplc_rt::shared_memory::SharedMemory;

use super::*;
use crate::process_image::ProcessImage;

/// Longest wait for something that must happen.
const SOON: Duration = Duration::from_secs(20);

struct Host {
    image: Arc<ProcessImage>,
    server: Arc<ImageServer<ProcessImage>>,
    folder: tempfile::TempDir,
}

impl Host {
    fn start() -> Self {
        Self::admitting(vec![nix::unistd::getuid().as_raw()])
    }

    fn admitting(users: Vec<u32>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("image.socket")).unwrap();
        let image = Arc::new(ProcessImage::new(&Sizes::default()).unwrap());
        let rules = |name: &str| {
            (name != "unknown").then(|| PluginRules {
                rights: WriteRights::of_areas(&[Area::Input, Area::Memory]),
                abandoned: AbandonedInputs::Zero,
            })
        };
        let rules = Box::new(rules);
        let server = ImageServer::start(listener, image.clone(), Admission { users, rules }).unwrap();
        Self {
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

    fn value(&self, address: &str) -> u64 {
        self.image
            .with_image(|image| image.value(at(address)))
            .flatten()
            .unwrap()
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
    host.image.idle(Moment {
        time_ns,
        ..Moment::default()
    });
    let seen = plugin
        .reader
        .consistent(|view| (view.value(at("%IW5")), view.value(at("%QW5"))));
    assert_eq!(seen, Ok((Some(55), Some(0))));
    let report = host.server.plugins();
    assert_eq!((report.len(), report[0].name.as_str()), (1, "modbus_slave"));
    assert_eq!(
        (report[0].statistics.applied, report[0].statistics.forbidden),
        (1, 1)
    );
    assert_eq!(u32::try_from(report[0].process).unwrap(), std::process::id());

    plugin.write("%MW5", 77);
    drop(plugin);
    host.wait_until(|host| host.server.plugins().is_empty());
    assert_eq!(
        (host.value("%IW5"), host.value("%MW5")),
        (0, 77),
        "its inputs are abandoned, its last write counts"
    );
    host.wait_until(|host| !host.server.peers().contains_key("modbus_slave"));
    host.attach("modbus_slave");
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
    host.wait_until(|host| host.server.plugins().len() == 1);
    assert!(!plugin.reader.is_closed());
}

#[test]
fn plugins_come_again_for_an_image_that_was_replaced() {
    let host = Host::start();
    let mut plugin = host.attach("one");
    plugin.write("%IW5", 5);
    host.image.idle(Moment::default());
    drop(host.image.replace(Image::new(&Sizes::uniform(4000)).unwrap()));
    assert!(plugin.reader.is_closed());
    plugin.write("%MW3999", 6);
    host.server.disconnect_all();
    host.wait_until(|host| host.server.peers().is_empty());
    let plugin = host.attach("one");
    host.image.idle(Moment::default());
    let value = |address| plugin.reader.consistent(|view| view.value(at(address)));
    assert_eq!(value("%MW3999"), Ok(Some(6)));
    assert_eq!(value("%IW5"), Ok(Some(0)), "it was abandoned in between");
}

#[test]
fn no_more_than_there_are_places() {
    let host = Host::start();
    let _plugins: Vec<_> = (0..openplc_image::MAX_PEERS)
        .map(|number| host.attach(&format!("p{number}")))
        .collect();
    assert!(host.refusal("another").contains("attached already"));
    assert_eq!(host.server.plugins().len(), openplc_image::MAX_PEERS);
}
