//! Uploads: from the Editor's multipart body to the build log.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::io::Write;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use openplc_wire::build::{Order, Report};
use openplc_wire::control::{Answer, Level, Refusal, Request};
use openplc_wire::transport::Connection;
use serde_json::{Value, json};
use support::core::{self, Heard, Said};
use support::http::{Client, MULTIPART, multipart, part, receive};
use support::runtime::Runtime;
use support::{wait_for, worker};

const ACCEPTED: &str = r#"{"CompilationStatus":"COMPILING","ProjectSnapshotWarning":"","UploadFileFail":""}"#;

/// The build when it has ended.
fn ended(client: &Client) -> Value {
    wait_for("the end of the build", || {
        let build = client.get("/api/compilation-status").json();
        ["SUCCESS", "FAILED"]
            .iter()
            .any(|end| build["status"] == *end)
            .then_some(build)
    })
}

/// A worker that says when it has a zip, and goes on when the test says so.
struct HeldWorker {
    has_zip: Receiver<()>,
    go: Sender<()>,
}

impl HeldWorker {
    fn serve(runtime: &Runtime, build: impl Fn(&mut Connection) + Send + Sync + 'static) -> Self {
        let (say, has_zip) = channel();
        let (go, wait) = channel();
        let channels = Mutex::new((say, wait));
        worker::serve(&runtime.compile_socket(), move |connection, _| {
            let channels = channels.lock().unwrap();
            channels.0.send(()).unwrap();
            channels.1.recv().unwrap();
            build(connection);
        });
        Self { has_zip, go }
    }
}

#[test]
fn a_program_is_built_loaded_and_running_before_success_is_shown() {
    let runtime = Runtime::start_alone();
    let loads = Arc::new(Mutex::new(0));
    core::serve(&runtime.core_socket(), {
        let loads = Arc::clone(&loads);
        move |heard| match heard {
            Heard::Request(Request::Load) => {
                *loads.lock().unwrap() += 1;
                Said::Later(Duration::from_millis(300), Box::new(Said::Answer(Answer::Done)))
            }
            heard => core::running(heard),
        }
    });
    let seen = Arc::new(Mutex::new(Vec::new()));
    worker::serve(&runtime.compile_socket(), {
        let seen = Arc::clone(&seen);
        move |connection, zip| {
            *seen.lock().unwrap() = zip.clone();
            worker::builds(connection, zip);
        }
    });
    let client = runtime.engineer();
    let zip: Vec<u8> = (0..300_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let answer = client.upload("/api/upload-file", &zip);
    assert_eq!((answer.status, answer.body.as_str()), (200, ACCEPTED));
    assert_eq!(
        client.get("/api/compilation-status").json()["status"],
        "COMPILING"
    );
    let build = ended(&client);
    assert_eq!(
        (&build["status"], &build["exit_code"]),
        (&json!("SUCCESS"), &json!(0))
    );
    let logs: Vec<&str> = build["logs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line.as_str().unwrap())
        .collect();
    assert!(
        logs.contains(&"[WARNING] Res0.c:3: unused variable\n"),
        "{logs:?}"
    );
    assert!(logs.iter().all(|line| line.ends_with('\n')), "{logs:?}");
    assert_eq!(*loads.lock().unwrap(), 1);
    assert!(*seen.lock().unwrap() == zip, "the worker gets the very bytes");
}

#[test]
fn a_failure_names_its_reason_last() {
    let runtime = Runtime::start_alone();
    core::serve(&runtime.core_socket(), |heard| match heard {
        Heard::Request(Request::Load) => Said::Answer(core::refused(Refusal::Failed)),
        heard => core::running(heard),
    });
    let client = runtime.engineer();
    let last = |build: &Value| {
        build["logs"]
            .as_array()
            .unwrap()
            .last()
            .unwrap()
            .as_str()
            .unwrap()
            .to_owned()
    };

    worker::serve(&runtime.compile_socket(), worker::builds);
    client.upload("/api/upload-file", b"zip");
    let build = ended(&client);
    assert_eq!(
        (&build["status"], &build["exit_code"]),
        (&json!("FAILED"), &json!(1))
    );
    assert_eq!(last(&build), "[ERROR] The reason in a sentence\n");

    // A worker that is killed.
    worker::serve(&runtime.compile_socket(), |connection, _| {
        worker::identify(connection)
    });
    client.upload("/api/upload-file", b"zip");
    let build = ended(&client);
    assert_eq!(build["status"], "FAILED");
    assert!(last(&build).contains("killed"), "{build}");

    // A supervisor that runs as many builds as it may closes the connection.
    std::fs::remove_file(runtime.compile_socket()).unwrap();
    let listener = std::os::unix::net::UnixListener::bind(runtime.compile_socket()).unwrap();
    std::thread::spawn(move || listener.incoming().for_each(drop));
    client.upload("/api/upload-file", b"zip");
    let build = ended(&client);
    assert_eq!(build["status"], "FAILED");
    assert!(last(&build).contains("MaxConnections="), "{build}");
}

#[test]
fn a_refused_upload_leaves_the_last_build_as_it_was() {
    let runtime = Runtime::start();
    let client = runtime.engineer();
    client.upload("/api/upload-file", b"zip");
    let before = ended(&client);
    worker::serve(&runtime.compile_socket(), |connection, _| {
        worker::log(connection, Level::Info, "looking");
        connection
            .send(&Report::Rejected {
                reason: "../etc/passwd leaves the folder".into(),
            })
            .unwrap();
    });
    let answer = client.upload("/api/upload-file", b"zip");
    assert_eq!(answer.status, 400);
    assert_eq!(
        answer.json(),
        json!({ "UploadFileFail": "../etc/passwd leaves the folder" })
    );

    std::fs::remove_file(runtime.compile_socket()).unwrap();
    let answer = client.upload("/api/upload-file", b"zip");
    assert_eq!(answer.status, 503);
    assert!(answer.body.contains("openplc-compile.socket"), "{}", answer.body);
    assert_eq!(client.get("/api/compilation-status").json(), before);
}

#[test]
fn one_program_is_built_at_a_time() {
    let runtime = Runtime::start();
    let held = HeldWorker::serve(&runtime, |connection| worker::builds(connection, Vec::new()));
    let client = runtime.engineer();
    std::thread::scope(|scope| {
        let first = scope.spawn(|| client.upload("/api/upload-file", b"zip"));
        held.has_zip.recv().unwrap();
        let second = client.upload("/api/upload-file", b"zip");
        assert_eq!(second.status, 409);
        assert!(
            second.json()["UploadFileFail"]
                .as_str()
                .unwrap()
                .contains("another program")
        );
        held.go.send(()).unwrap();
        assert_eq!(first.join().unwrap().status, 200);
    });
    assert_eq!(ended(&client)["status"], "SUCCESS");
}

#[test]
fn a_verdict_that_takes_long_does_not_keep_the_editor_waiting() {
    let runtime = Runtime::start();
    let held = HeldWorker::serve(&runtime, |connection| {
        connection
            .send(&Report::Rejected {
                reason: "too many files".into(),
            })
            .unwrap();
    });
    let client = runtime.engineer();
    let start = Instant::now();
    let answer = client.upload("/api/upload-file", b"zip");
    assert_eq!((answer.status, answer.body.as_str()), (200, ACCEPTED));
    assert!(start.elapsed() < Duration::from_millis(4800));
    assert_eq!(
        client.get("/api/compilation-status").json()["status"],
        "UNZIPPING"
    );
    held.go.send(()).unwrap();
    let build = ended(&client);
    assert_eq!(build["status"], "FAILED");
    assert_eq!(
        build["logs"].as_array().unwrap().last().unwrap(),
        "[ERROR] too many files\n"
    );
}

#[test]
fn clean_builds_what_is_known_already() {
    let runtime = Runtime::start_alone();
    core::serve(&runtime.core_socket(), |heard| match heard {
        Heard::Request(Request::Holds { .. }) => Said::Answer(Answer::Holds { held: true }),
        heard => core::running(heard),
    });
    let proceeded = Arc::new(Mutex::new(Vec::new()));
    worker::serve(&runtime.compile_socket(), {
        let proceeded = Arc::clone(&proceeded);
        move |connection, _| {
            worker::identify(connection);
            let proceeds = matches!(connection.receive::<Order>(), Ok((Order::Proceed, _)));
            proceeded.lock().unwrap().push(proceeds);
            if proceeds {
                worker::built(connection);
            }
        }
    });
    let client = runtime.engineer();
    for (path, builds) in [("/api/upload-file", false), ("/api/upload-file?clean=1", true)] {
        assert_eq!(client.upload(path, b"zip").status, 200);
        assert_eq!(ended(&client)["status"], "SUCCESS");
        wait_for("the worker", || {
            (proceeded.lock().unwrap().last() == Some(&builds)).then_some(())
        });
    }
}

#[test]
fn unknown_parts_are_ignored() {
    let runtime = Runtime::start();
    let client = runtime.engineer();
    let unknown = part("name=\"license\"; filename=\"license.bin\"", &vec![7; 3 << 20]);
    let text = part("name=\"comment\"", b"{\"formatVersion\":1}");
    let body = [unknown, text, multipart(b"zip")].concat();
    let answer = client.request("POST", "/api/upload-file", &[MULTIPART], &body);
    assert_eq!((answer.status, answer.body.as_str()), (200, ACCEPTED));
    assert_eq!(ended(&client)["status"], "SUCCESS");
}

#[test]
fn what_is_no_upload_is_refused_in_words() {
    let runtime = Runtime::start();
    let client = runtime.engineer();
    let json_type = "Content-Type: application/json";
    let nothing: &[u8] = b"------WebKitFormBoundaryX--\r\n";
    let other = [part("name=\"other\"", b"x"), nothing.to_vec()].concat();
    let endless_header = [b"------WebKitFormBoundaryX\r\n".to_vec(), vec![b'x'; 2 << 20]].concat();
    for (kind, body) in [
        (json_type, b"{}".to_vec()),
        (MULTIPART, nothing.to_vec()),
        (MULTIPART, other),
        (MULTIPART, b"no multipart at all".to_vec()),
        (MULTIPART, Vec::new()),
        (MULTIPART, endless_header),
    ] {
        let answer = client.request("POST", "/api/upload-file", &[kind], &body);
        assert_eq!(answer.status, 400, "{answer:?}");
        let reason = answer.json()["UploadFileFail"].as_str().unwrap().to_lowercase();
        assert!(!reason.is_empty());
        for word in ["token", "expired", "unauthorized"] {
            assert!(!reason.contains(word), "{reason}");
        }
    }
    assert_eq!(client.get("/api/compilation-status").json()["status"], "IDLE");
}

#[test]
fn an_upload_that_breaks_off_is_refused_and_leaves_the_place_free() {
    let runtime = Runtime::start();
    let client = runtime.engineer();
    let whole = multipart(&[1; 5000]);
    // The body ends early but is announced as it is.
    let answer = client.request("POST", "/api/upload-file", &[MULTIPART], &whole[..3000]);
    assert_eq!(answer.status, 400, "{answer:?}");
    // The connection ends early.
    let mut stream = client.connect();
    client.send_head(
        &mut stream,
        "POST",
        "/api/upload-file",
        &[MULTIPART, &format!("Content-Length: {}", whole.len())],
    );
    stream.write_all(&whole[..3000]).unwrap();
    stream.flush().unwrap();
    drop(stream);
    wait_for("a free place", || {
        (client.upload("/api/upload-file", b"zip").status == 200).then_some(())
    });
    assert_eq!(ended(&client)["status"], "SUCCESS");
}

#[test]
fn a_body_that_is_too_large_is_refused_quickly_and_not_kept() {
    let runtime = Runtime::start();
    let client = runtime.engineer();
    let before = runtime.memory("VmHWM");
    let start = Instant::now();
    let answer = client.upload("/api/upload-file", &vec![b'x'; 60 << 20]);
    assert_eq!(answer.status, 413, "{answer:?}");
    assert!(
        answer.json()["UploadFileFail"]
            .as_str()
            .unwrap()
            .contains("too large")
    );
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    assert!(runtime.memory("VmHWM") < before + 8 * 1024, "{before} kB before");

    // Announced size decides at once: nothing of the body is needed.
    let mut stream = client.connect();
    client.send_head(
        &mut stream,
        "POST",
        "/api/upload-file",
        &[MULTIPART, "Content-Length: 99999999999"],
    );
    let mut answer = [0; 12];
    std::io::Read::read_exact(&mut stream, &mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 413");
}

#[test]
fn a_stranger_learns_that_before_the_body_is_kept() {
    let runtime = Runtime::start();
    runtime.engineer();
    let answer = runtime
        .stranger()
        .upload("/api/upload-file", &vec![b'x'; 5 << 20]);
    assert_eq!(
        (answer.status, answer.json()),
        (401, json!({ "msg": "Missing Authorization Header" }))
    );
    // Chunked, without a length.
    let client = runtime.engineer();
    let mut stream = client.connect();
    client.send_head(
        &mut stream,
        "POST",
        "/api/upload-file",
        &[MULTIPART, "Transfer-Encoding: chunked"],
    );
    for piece in multipart(b"zip").chunks(10) {
        write!(stream, "{:x}\r\n", piece.len()).unwrap();
        stream.write_all(piece).unwrap();
        stream.write_all(b"\r\n").unwrap();
    }
    stream.write_all(b"0\r\n\r\n").unwrap();
    stream.flush().unwrap();
    assert_eq!(receive(&mut stream).body, ACCEPTED);
}
