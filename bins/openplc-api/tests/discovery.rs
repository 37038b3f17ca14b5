//! Editors that look for runtimes, and what the runtime says it is.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use serde_json::{Value, json};
use support::http::{MULTIPART, multipart, part};
use support::runtime::Runtime;
use support::wait_for;
use tempfile::TempDir;

const REQUEST: &[u8] = b"OPENPLC_DISCOVER_V1";

/// An Editor's socket. `number` makes it another computer: everything in 127.0.0.0/8 is this one.
fn editor(number: u8) -> UdpSocket {
    let socket = UdpSocket::bind((std::net::Ipv4Addr::new(127, 0, 0, number), 0)).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    socket
}

/// Asks until there is an answer.
fn found(runtime: &Runtime, editor: &UdpSocket) -> (Value, SocketAddr) {
    let mut buffer = [0; 2048];
    wait_for("an answer", || {
        editor.send_to(REQUEST, runtime.discovery()).unwrap();
        let (length, from) = editor.recv_from(&mut buffer).ok()?;
        Some((serde_json::from_slice(&buffer[..length]).unwrap(), from))
    })
}

fn settings(text: &str) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("api.toml"), text).unwrap();
    directory
}

fn with_settings(directory: &TempDir) -> Runtime {
    let runtime = Runtime::start_with(&[("CONFIGURATION_DIRECTORY", directory.path().as_os_str())]);
    support::core::serve(&runtime.core_socket(), support::core::running);
    support::worker::serve(&runtime.compile_socket(), support::worker::builds);
    runtime
}

/// Uploads a program with a project of this name.
fn upload_project(runtime: &Runtime, name: &str) {
    let client = runtime.engineer();
    let metadata = json!({
        "formatVersion": 1,
        "projectName": name,
        "timestamp": "2026-01-02T03:04:05Z",
    });
    let body = [
        part("name=\"snapshot\"; filename=\"project.zip\"", b"PK project"),
        part("name=\"snapshot_metadata\"", metadata.to_string().as_bytes()),
        multipart(b"zip"),
    ]
    .concat();
    let answer = client.request("POST", "/api/upload-file", &[MULTIPART], &body);
    assert_eq!(answer.status, 200, "{answer:?}");
    wait_for("the project", || {
        let info = client.get("/api/project-snapshot/info").json();
        (info["projectName"] == name).then_some(())
    });
}

#[test]
fn an_editor_finds_the_runtime_and_learns_nothing_about_the_project() {
    let runtime = Runtime::start();
    upload_project(&runtime, "Mill");
    let (answer, from) = found(&runtime, &editor(1));
    assert_eq!(from, runtime.discovery());
    let hostname = nix::unistd::gethostname().unwrap().into_string().unwrap();
    assert_eq!(
        answer,
        json!({
            "service": "openplc-runtime",
            "protocol_version": 1,
            "runtime_version": "v4.2.3",
            "hostname": hostname,
            "api_port": runtime.address().port(),
        })
    );
}

#[test]
fn the_project_is_named_where_that_is_wished_for() {
    let directory = settings("[discovery]\nproject = true\n");
    let runtime = with_settings(&directory);
    let (answer, _) = found(&runtime, &editor(1));
    assert!(answer.get("project_name").is_none(), "absent, not empty");
    upload_project(&runtime, "Mill");
    let (answer, _) = found(&runtime, &editor(2));
    assert_eq!(answer["project_name"], "Mill");
    assert_eq!(answer["project_timestamp"], "2026-01-02T03:04:05Z");
    let long = "µ".repeat(500);
    upload_project(&runtime, &long);
    let (answer, _) = found(&runtime, &editor(6));
    assert_eq!(answer["project_name"], "µ".repeat(64));
}

#[test]
fn a_flood_and_what_is_no_request_get_no_answer() {
    let runtime = Runtime::start();
    let (flooding, other) = (editor(3), editor(4));
    found(&runtime, &flooding);
    for _ in 0..200 {
        flooding.send_to(REQUEST, runtime.discovery()).unwrap();
    }
    for rubbish in [&b""[..], b"OPENPLC_DISCOVER_V2", &[0; 60_000]] {
        other.send_to(rubbish, runtime.discovery()).unwrap();
    }
    let (_, from) = found(&runtime, &other);
    assert_eq!(from, runtime.discovery());
    other.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
    assert!(other.recv_from(&mut [0; 16]).is_err(), "rubbish was answered");
    let mut answers = 0;
    while flooding.recv_from(&mut [0; 2048]).is_ok() {
        answers += 1;
    }
    // Ten a second at most; the flood is over in much less than ten seconds.
    assert!(answers < 100, "{answers} of 200 requests were answered");
}

#[test]
fn who_does_not_wish_to_be_found_is_not_and_ends_when_idle() {
    let directory = settings("exit-when-idle = \"1s\"\n[discovery]\nanswer = false\n");
    let mut runtime = with_settings(&directory);
    let editor = editor(5);
    editor.send_to(REQUEST, runtime.discovery()).unwrap();
    let status = runtime.restart_after_own_end();
    assert!(status.success());
    editor.set_nonblocking(true).unwrap();
    assert!(editor.recv_from(&mut [0; 16]).is_err());
    // Nothing is left to be read that would start the API again.
    let (answer, _) = found(&runtime, &editor);
    assert_eq!(
        answer["service"], "openplc-runtime",
        "without those settings it answers"
    );
}

#[test]
fn the_whole_version_is_announced_where_that_is_wished_for() {
    let directory = settings("announced-version = \"full\"\n");
    let runtime = with_settings(&directory);
    let answer = runtime.stranger().get("/api/get-users-info");
    assert!(
        answer
            .head
            .to_lowercase()
            .contains("\r\nx-openplc-runtime-version: v4.2.3\r\n"),
        "{answer:?}"
    );
}
