//! A pretended build worker.

use std::os::fd::AsFd;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;

use openplc_wire::build::{Order, Report};
use openplc_wire::control::Level;
use openplc_wire::frame::MAX_PAYLOAD;
use openplc_wire::manifest::Generation;
use openplc_wire::memory_file;
use openplc_wire::transport::Connection;

use super::core::program;

/// Serves the compile socket at `path` for the rest of the process: `build` gets each connection and its zip.
pub fn serve(path: &Path, build: impl Fn(&mut Connection, Vec<u8>) + Send + Sync + 'static) {
    let _ = std::fs::remove_file(path);
    let listener = UnixListener::bind(path).unwrap();
    let build = Arc::new(build);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let build = Arc::clone(&build);
            let mut connection = Connection::new(stream.unwrap(), MAX_PAYLOAD);
            std::thread::spawn(move || {
                let (order, mut descriptors) = connection.receive::<Order>().unwrap();
                assert_eq!(order, Order::Build);
                build(
                    &mut connection,
                    memory_file::read_sealed(descriptors.remove(0), 60 << 20).unwrap(),
                );
            });
        }
    });
}

/// Finds every zip sound and builds it.
pub fn builds(connection: &mut Connection, _zip: Vec<u8>) {
    identify(connection);
    if matches!(connection.receive::<Order>(), Ok((Order::Proceed, _))) {
        log(connection, Level::Warning, "Res0.c:3: unused variable");
        built(connection);
    }
}

pub fn identify(connection: &mut Connection) {
    connection
        .send(&Report::Identified {
            program: program(),
            generation: Generation::Matiec,
        })
        .unwrap();
}

pub fn log(connection: &mut Connection, level: Level, line: &str) {
    connection
        .send(&Report::Log {
            level,
            line: line.into(),
        })
        .unwrap();
}

pub fn built(connection: &mut Connection) {
    let files = [b"object", b"a list"].map(|content| memory_file::sealed("built", content).unwrap());
    connection
        .send_with(&Report::Built, &[files[0].as_fd(), files[1].as_fd()])
        .unwrap();
}
