//! A small MatIEC program and a client that speaks to a real worker.
#![allow(dead_code, reason = "each file of tests uses a part of it")]

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Cursor, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use openplc_wire::build::{Order, Report};
use openplc_wire::control::Level;
use openplc_wire::frame;
use openplc_wire::manifest::Manifest;
use openplc_wire::memory_file;
use openplc_wire::transport::{Connection, TransportError};
use tempfile::TempDir;
use zip::write::SimpleFileOptions;

/// A program of one counter, with headers of just what it needs.
pub fn program() -> BTreeMap<String, String> {
    let types = "#ifndef TYPES\n#define TYPES\n#include <stdint.h>\n#include <stddef.h>\n#include <string.h>\n\
                 typedef uint8_t BOOL; typedef int16_t INT; typedef uint8_t IEC_BOOL;\n\
                 typedef struct { INT value; uint8_t flags; } __IEC_INT_t;\n\
                 typedef enum { INT_ENUM } __IEC_types_enum;\n#endif\n";
    [
        ("lib/iec_types_all.h", types),
        ("lib/iec_std_lib.h", "#include \"iec_types_all.h\"\n"),
        ("lib/accessor.h", ""),
        ("POUS.h", "#ifndef POUS\n#define POUS\n#include \"iec_std_lib.h\"\ntypedef struct { __IEC_INT_t COUNT; } MAIN;\nvoid MAIN_init__(MAIN *data__, BOOL retain);\nvoid MAIN_body__(MAIN *data__);\n#endif\n"),
        ("POUS.c", "void MAIN_init__(MAIN *data__, BOOL retain) {\n  data__->COUNT.value = 0;\n}\nvoid MAIN_body__(MAIN *data__) {\n  data__->COUNT.value++;\n}\n"),
        ("Config0.h", ""),
        ("Config0.c", "#include \"POUS.h\"\nvoid RES0_init__(void);\nvoid RES0_run__(unsigned long tick);\nvoid config_init__(void) { RES0_init__(); }\nvoid config_run__(unsigned long tick) { RES0_run__(tick); }\nunsigned long long common_ticktime__ = 10000000ULL; /*ns*/\nunsigned long greatest_tick_count__ = 0UL; /*tick*/\n"),
        ("Res0.c", "#include \"iec_std_lib.h\"\n#include \"accessor.h\"\n#include \"POUS.h\"\n#include \"Config0.h\"\n#include \"POUS.c\"\nBOOL MAIN_TASK;\nMAIN RES0__INSTANCE0;\nvoid RES0_init__(void) { MAIN_init__(&RES0__INSTANCE0, 0); }\nvoid RES0_run__(unsigned long tick) {\n  MAIN_TASK = !(tick % 1);\n  if (MAIN_TASK) { MAIN_body__(&RES0__INSTANCE0); }\n}\n"),
        ("debug.c", "#include <stdbool.h>\n#include \"iec_types_all.h\"\n#include \"POUS.h\"\nchar plc_program_md5[] = \"0123456789abcdef0123456789abcdef\";\nextern MAIN RES0__INSTANCE0;\nstatic const struct { void *ptr; __IEC_types_enum type; } debug_vars[] = {\n    {&(RES0__INSTANCE0.COUNT), INT_ENUM},\n};\n#define VAR_COUNT 1\nuint16_t get_var_count(void) { return VAR_COUNT; }\nsize_t get_var_size(size_t index) { return sizeof(INT); }\nvoid *get_var_addr(size_t index) { return &((__IEC_INT_t *)debug_vars[index].ptr)->value; }\nvoid set_trace(size_t index, bool forced, void *value) {}\n"),
        ("glueVars.c", "#include \"iec_std_lib.h\"\n#include \"LOCATED_VARIABLES.h\"\nvoid setBufferPointers(void *a, void *b, void *c, void *d, void *e, void *f, void *g, void *h, void *i, void *j, void *k, void *l, void *m) {}\nvoid glueVars(void) {}\nvoid updateTime(void) {}\n"),
        ("LOCATED_VARIABLES.h", ""),
        ("VARIABLES.csv", "// Variables\n0;VAR;CONFIG0.RES0.INSTANCE0.COUNT;CONFIG0.RES0.INSTANCE0.COUNT;INT;INT;1;\n"),
        ("c_blocks.h", ""),
        ("c_blocks_code.cpp", ""),
    ]
    .into_iter()
    .map(|(path, text)| (path.to_owned(), text.to_owned()))
    .collect()
}

/// The program with one file replaced.
pub fn program_with(path: &str, text: &str) -> BTreeMap<String, String> {
    let mut files = program();
    files.insert(path.into(), text.into());
    files
}

/// A unit that the compiler works on for minutes.
pub fn endless_unit() -> String {
    let line = "X(X(X(X(X(X(x = x * 3 + y; y = y ^ x;))))))\n";
    format!(
        "#define X(a) a a a a a a a a\nint f(int x, int y) {{\n{}  return x;\n}}\n",
        line.repeat(4)
    )
}

fn zip(files: &BTreeMap<String, String>) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (path, text) in files {
        let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        writer.start_file(path, options).unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// How a conversation ended.
#[derive(Debug)]
pub enum End {
    Built {
        object: Vec<u8>,
        manifest: Box<Manifest>,
    },
    Rejected(String),
    Failed(String),
    Closed,
}

/// A worker with a connection to it.
pub struct Worker {
    pub process: Child,
    pub connection: Connection,
    pub folder: TempDir,
    pub log: Vec<(Level, String)>,
    pub identity: Option<String>,
}

impl Worker {
    /// Starts a worker whose work folder lies in a folder of its own. `change` may change its environment.
    pub fn start(arguments: &[&str], change: impl FnOnce(&mut Command)) -> Self {
        let (near, far) = UnixStream::pair().unwrap();
        near.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_openplc-compile"));
        command
            .args(arguments)
            .env("RUNTIME_DIRECTORY", folder.path())
            .process_group(0);
        command
            .stdin(Stdio::from(OwnedFd::from(far)))
            .stderr(Stdio::null());
        change(&mut command);
        let process = command.spawn().unwrap();
        let connection = Connection::new(near, frame::MAX_PAYLOAD);
        Self {
            process,
            connection,
            folder,
            log: Vec::new(),
            identity: None,
        }
    }

    /// Orders a build of these bytes.
    pub fn order(&mut self, upload: &[u8]) {
        let file: File = memory_file::sealed("upload", upload).unwrap();
        self.connection.send_with(&Order::Build, &[file.as_fd()]).unwrap();
    }

    /// Goes on until the worker says `until`, or to the end.
    pub fn converse(&mut self, until: impl Fn(&str) -> bool) -> Option<End> {
        loop {
            let (report, descriptors) = match self.connection.receive::<Report>() {
                Ok(received) => received,
                Err(TransportError::Closed | TransportError::Io(_)) => return Some(End::Closed),
                Err(other) => panic!("{other}"),
            };
            match report {
                Report::Log { level, line } => {
                    let found = until(&line);
                    self.log.push((level, line));
                    if found {
                        return None;
                    }
                }
                Report::Identified { program, .. } => {
                    self.identity = Some(program.to_string());
                    self.connection.send(&Order::Proceed).unwrap();
                }
                Report::Rejected { reason } => return Some(End::Rejected(reason)),
                Report::Failed { reason } => return Some(End::Failed(reason)),
                Report::Built => {
                    let [object, manifest] = <[OwnedFd; 2]>::try_from(descriptors).unwrap();
                    let manifest = memory_file::read_sealed(manifest, 1 << 20).unwrap();
                    return Some(End::Built {
                        object: memory_file::read_sealed(object, 16 << 20).unwrap(),
                        manifest: serde_json::from_slice(&manifest).unwrap(),
                    });
                }
            }
        }
    }

    /// Waits for the process to end.
    pub fn wait(&mut self) -> ExitStatus {
        self.process.wait().unwrap()
    }

    /// Lines of the log with this severity.
    pub fn lines(&self, level: Level) -> Vec<&str> {
        self.log
            .iter()
            .filter(|(found, _)| *found == level)
            .map(|(_, line)| line.as_str())
            .collect()
    }

    /// Processes that work in this worker's folder.
    pub fn compilers(&self) -> Vec<i32> {
        let folder = self.folder.path().canonicalize().unwrap();
        let numbers = std::fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
        numbers
            .filter(|number: &i32| {
                std::fs::read_link(format!("/proc/{number}/cwd")).is_ok_and(|cwd| cwd.starts_with(&folder))
            })
            .collect()
    }
}

/// One whole build.
pub fn build(files: &BTreeMap<String, String>) -> (End, Worker) {
    let mut worker = Worker::start(&[], |_| {});
    worker.order(&zip(files));
    let end = worker.converse(|_| false).unwrap();
    worker.wait();
    (end, worker)
}

/// Orders a build that is busy with its compilers when this returns.
pub fn busy_build(arguments: &[&str]) -> Worker {
    let mut worker = Worker::start(arguments, |_| {});
    worker.order(&zip(&program_with("c_blocks_code.cpp", &endless_unit())));
    assert!(worker.converse(|line| line.starts_with("Compiler:")).is_none());
    wait_until("a compiler runs", || worker.compilers().len() > 1);
    worker
}

/// Waits for something that comes soon, without guessing when.
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    for _ in 0..1500 {
        if condition() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("did not come: {what}");
}

/// Bytes of a zip of these files.
pub fn upload(files: &BTreeMap<String, String>) -> Vec<u8> {
    zip(files)
}

/// Whether neither a compiler nor a file of it is left.
pub fn is_clean(worker: &Worker) -> bool {
    worker.compilers().is_empty() && std::fs::read_dir(worker.folder.path()).unwrap().next().is_none()
}
