//! The source project that an Editor stores on the device.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use support::http::{Answer, Client, MULTIPART, multipart, part};
use support::runtime::{PASSWORD, Runtime};
use support::{core, wait_for, worker};

const DETAILS: &str = r#"{"formatVersion":1,"projectName":"Mill","editorVersion":"4.3.0",
    "libraries":[{"name":"oscat","version":"3"}],"uploadedBy":"somebody else","secret":"x"}"#;

fn project(archive: &[u8], details: &str) -> Vec<u8> {
    [
        part("name=\"snapshot\"; filename=\"project.zip\"", archive),
        part("name=\"snapshot_metadata\"", details.as_bytes()),
    ]
    .concat()
}

/// Uploads, waits for the end of the build, and returns the warning and the end.
fn upload(client: &Client, before: &[u8]) -> (String, String) {
    let body = [before, &multipart(b"zip")].concat();
    let answer = client.request("POST", "/api/upload-file", &[MULTIPART], &body);
    assert_eq!(answer.status, 200, "{answer:?}");
    let warning = answer.json()["ProjectSnapshotWarning"]
        .as_str()
        .unwrap()
        .to_owned();
    let end = wait_for("the end of the build", || {
        let status = client.get("/api/compilation-status").json()["status"].clone();
        ["SUCCESS", "FAILED"].iter().find(|end| status == **end).copied()
    });
    (warning, end.to_owned())
}

fn present(client: &Client) -> Value {
    client.get("/api/project-snapshot/info").json()
}

fn fetched(answer: &Answer) -> Vec<u8> {
    assert_eq!(answer.status, 200, "{answer:?}");
    let document = answer.json();
    assert_eq!(document["projectName"], "Mill");
    STANDARD
        .decode(document["contentBase64"].as_str().unwrap())
        .unwrap()
}

#[test]
fn a_project_comes_back_as_it_was_sent_and_goes_with_its_program() {
    let mut runtime = Runtime::start();
    let client = runtime.engineer();
    let archive: Vec<u8> = b"PK"
        .iter()
        .copied()
        .chain((0..3_000_001_u32).map(|n| (n % 253) as u8))
        .collect();
    let (warning, end) = upload(&client, &project(&archive, DETAILS));
    assert_eq!((warning.as_str(), end.as_str()), ("", "SUCCESS"));
    runtime.restart();
    let client = runtime.engineer();
    assert_eq!(
        present(&client),
        json!({
            "present": true,
            "formatVersion": 1,
            "projectName": "Mill",
            "editorVersion": "4.3.0",
            "uploadedBy": "engineer",
            "libraries": [{ "name": "oscat", "version": "3" }],
            "sizeBytes": archive.len(),
        })
    );
    assert!(fetched(&client.get("/api/project-snapshot")) == archive);
    upload(&client, b"");
    assert_eq!(present(&client), json!({ "present": false }));
    let answer = client.get("/api/project-snapshot");
    assert_eq!(
        (answer.status, answer.json()),
        (404, json!({ "msg": "No project is stored on this device" }))
    );
}

#[test]
fn only_admins_get_the_sources() {
    let runtime = Runtime::start();
    let admin = runtime.engineer();
    upload(&admin, &project(b"PK project", DETAILS));
    let user = json!({ "username": "operator", "password": PASSWORD, "role": "user" });
    assert_eq!(admin.post("/api/create-user", &user).status, 201);
    let mut operator = runtime.stranger();
    assert_eq!(operator.get("/api/project-snapshot").status, 401);
    assert_eq!(operator.get("/api/project-snapshot/info").status, 401);
    operator.log_in("operator", PASSWORD);
    let answer = operator.get("/api/project-snapshot");
    assert_eq!(
        (answer.status, answer.json()),
        (403, json!({ "msg": "Admin privileges required" }))
    );
    assert_eq!(present(&operator)["projectName"], "Mill");
}

#[test]
fn a_project_that_cannot_be_kept_costs_itself_only() {
    let runtime = Runtime::start();
    let client = runtime.engineer();
    let large = [b"PK".to_vec(), vec![0; 101 << 20]].concat();
    let long = format!(
        r#"{{"formatVersion":1,"projectName":"{}"}}"#,
        "x".repeat(300 << 10)
    );
    for (parts, reason) in [
        (project(b"no zip", DETAILS), "the project is no zip file"),
        (project(b"PK", "{"), "not JSON"),
        (project(b"PK", r#"{"formatVersion":1}"#), "no projectName"),
        (project(b"PK", &long), "longer than 256 KiB"),
        (part("name=\"snapshot\"", b"PK"), "without its description"),
        (
            part("name=\"snapshot_metadata\"", DETAILS.as_bytes()),
            "without a project",
        ),
        (project(&large, DETAILS), "larger than 100 MiB"),
    ] {
        let (warning, end) = upload(&client, &parts);
        assert_eq!(end, "SUCCESS");
        assert!(warning.contains(reason), "{warning:?} does not say {reason:?}");
        assert_eq!(present(&client), json!({ "present": false }));
    }
    let left = std::fs::read_dir(runtime.state().join("project_snapshot")).unwrap();
    assert_eq!(left.count(), 0);
}

#[test]
fn a_build_that_fails_leaves_the_project_of_the_program_that_runs_on() {
    let runtime = Runtime::start_alone();
    core::serve(&runtime.core_socket(), core::running);
    let builds = std::sync::atomic::AtomicUsize::new(0);
    worker::serve(&runtime.compile_socket(), move |connection, zip| {
        if builds.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0 {
            worker::builds(connection, zip);
        } else {
            worker::identify(connection);
            // The worker dies.
        }
    });
    let client = runtime.engineer();
    assert_eq!(upload(&client, &project(b"PK first", DETAILS)).1, "SUCCESS");
    assert_eq!(upload(&client, &project(b"PK second", DETAILS)).1, "FAILED");
    assert_eq!(fetched(&client.get("/api/project-snapshot")), b"PK first");
}
