//! Bodies, codes and quirks that the OpenPLC Editor depends on.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use serde_json::{Value, json};
use support::runtime::{PASSWORD, Runtime};

#[test]
fn the_first_day() {
    let runtime = Runtime::start();
    let mut client = runtime.stranger();
    let answer = client.get("/api/get-users-info");
    assert_eq!(
        (answer.status, answer.json()),
        (404, json!({ "msg": "No users found" }))
    );
    let body = json!({ "username": "engineer", "password": PASSWORD, "role": "user" });
    let answer = client.post("/api/create-user", &body);
    assert_eq!(
        (answer.status, answer.json()),
        (201, json!({ "msg": "User created", "id": 1, "role": "admin" }))
    );
    let answer = client.get("/api/get-users-info");
    assert_eq!(
        (answer.status, answer.json()),
        (200, json!({ "msg": "Users found" }))
    );
    let answer = client.credentials("/api/login", "engineer", "wrong");
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (401, "\"Wrong username or password\"")
    );
    assert_eq!(
        client.credentials("/api/login", "nobody", "wrong").body,
        answer.body
    );
    client.log_in("engineer", PASSWORD);
    let users = json!([{ "id": 1, "username": "engineer", "role": "admin" }]);
    assert_eq!(client.get("/api/get-users-info").json(), users);
    assert_eq!(client.get("/api/whoami").json(), users[0]);
    assert_eq!(client.get("/api/get-user-info/1").json(), users[0]);
    assert_eq!(client.get("/api/get-user-info/2").status, 404);
}

#[test]
fn the_editor_finds_a_runtime_that_it_accepts() {
    let runtime = Runtime::start();
    let client = runtime.stranger();
    assert_eq!(client.get("/api/version").json(), json!({ "version": "v4.2.3" }));
    assert_eq!(client.get("/api/capabilities").json()["runtimeVersion"], "v4.2.3");
    for path in ["/api/version", "/api/status", "/api/get-users-info", "/nothing"] {
        assert!(
            client
                .get(path)
                .head
                .contains("\r\nx-openplc-runtime-version: v4\r\n"),
            "{path}"
        );
    }
}

#[test]
fn whoever_is_not_known_is_told_so() {
    let runtime = Runtime::start();
    let mut client = runtime.engineer();
    let good = client.token.take().unwrap();
    let missing = json!({ "msg": "Missing Authorization Header" });
    for path in [
        "status",
        "start-plc",
        "runtime-logs",
        "whoami",
        "variables",
        "frobnicate",
        "discovery/interfaces",
    ] {
        let answer = client.get(&format!("/api/{path}"));
        assert_eq!((answer.status, answer.json()), (401, missing.clone()), "{path}");
    }
    assert_eq!(client.upload("/api/upload-file", b"zip").json(), missing);
    for bad in [
        "",
        "x",
        "a.b.c",
        &good[..good.len() - 1],
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.",
    ] {
        client.token = Some(bad.to_owned());
        let answer = client.get("/api/status");
        assert_eq!(answer.status, 401, "{bad}");
        // The Editor logs in again when it reads one of these words.
        let body = answer.body.to_lowercase();
        assert!(
            body.contains("token") || body.contains("expired") || body.contains("bearer"),
            "{body}"
        );
    }
}

#[test]
fn status_and_commands_speak_the_editors_words() {
    let runtime = Runtime::start();
    let client = runtime.engineer();
    assert_eq!(
        client.get("/api/status").json(),
        json!({ "status": "STATUS:RUNNING" })
    );
    let figures = client.get("/api/status?include_stats=true").json()["timing_stats"].clone();
    assert_eq!(
        (&figures["scan_count"], &figures["scan_time_avg"]),
        (&json!(42), &json!(2.0))
    );
    assert_eq!(figures["tasks"][0]["name"], "task0");
    assert_eq!(
        figures["overruns"], 2,
        "every scan that was skipped, as OpenPLC Runtime v4 counts"
    );
    let ours =
        |query: &str| client.get(&format!("/api/status?{query}")).json()["runtime"]["tasks"][0].clone();
    let task = ours("include_stats=true");
    assert_eq!((&task["overruns"], &task["skipped"]), (&json!(1), &json!(2)));
    assert_eq!(task["scan_time"]["percentiles"]["p99_9_ns"], 3000);
    assert_eq!(task["scan_time"]["histogram"], Value::Null);
    let task = ours("include_stats=true&include_histograms=true");
    assert_eq!(task["scan_time"]["histogram"][0], json!([1000, 1007, 21]));
    for (path, word) in [
        ("start-plc", "START:ERROR_ALREADY_RUNNING"),
        ("cold-start-plc", "COMMAND:BUSY"),
        ("stop-plc", "STOP:OK"),
        ("ping", "PING:OK"),
    ] {
        assert_eq!(client.get(&format!("/api/{path}")).json()["status"], word);
    }
    assert!(client.get("/api/serial-ports").json()["ports"].is_array());
    assert_eq!(
        client.get("/api/compilation-status").json(),
        json!({ "status": "IDLE", "logs": [], "exit_code": null })
    );
    assert_eq!(
        client.get("/api/variables").json()["variables"][0]["type"],
        "BOOL"
    );
    let response = client
        .post("/api/debug-command", &json!({ "command": "45 de ad 00 00" }))
        .json();
    assert_eq!(response, json!({ "success": true, "data": "45 7E DE AD 00 00" }));
}

#[test]
fn logs_are_read_from_where_the_editor_left_off() {
    let runtime = Runtime::start();
    let client = runtime.engineer();
    let ids = |query: &str| -> Vec<u64> {
        let answer = client.get(&format!("/api/runtime-logs{query}")).json();
        answer["runtime-logs"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["id"].as_u64().unwrap())
            .collect()
    };
    assert_eq!(ids(""), [100, 101]);
    assert_eq!(ids("?id=101"), [101]);
    assert!(ids("?id=102").is_empty());
    assert_eq!(ids("?level=WARN"), [101]);
    assert_eq!(ids("?id=x&level=y"), [100, 101]);
}

#[test]
fn what_is_not_there_is_refused_politely() {
    let runtime = Runtime::start();
    let client = runtime.engineer();
    assert_eq!(
        client.get("/api/frobnicate").json(),
        json!({ "error": "Unknown argument" })
    );
    assert_eq!(
        client.post("/api/frobnicate", &json!({})).json(),
        json!({ "PostRequestError": "Unknown argument" })
    );
    let command = json!({ "plugin": "nobody", "command": "x", "params": {} });
    let answer = client.post("/api/plugin-command", &command);
    assert_eq!(
        (answer.status, answer.json()),
        (200, json!({ "error": "The reason in a sentence" }))
    );
    assert_eq!(
        client.get("/api/discovery/ethercat/status").json()["available"],
        false
    );
    assert_eq!(
        client.get("/api/project-snapshot/info").json(),
        json!({ "present": false })
    );
    assert_eq!(client.get("/api/project-snapshot").status, 404);
    for path in ["/", "/api", "/api/", "/static/x.svg", "/api/a/b/c"] {
        let answer = client.get(path);
        assert_eq!(
            (answer.status, answer.json()),
            (404, json!({ "error": "Not found" })),
            "{path}"
        );
    }
    for (method, path) in [
        ("HEAD", "status"),
        ("OPTIONS", "status"),
        ("POST", "status"),
        ("DELETE", "login"),
        ("PATCH", "x"),
        ("BREW", "x"),
    ] {
        let answer = client.request(method, &format!("/api/{path}"), &[], b"");
        assert_eq!(answer.status, 405, "{method} {path}");
        assert!(answer.head.contains("\r\nallow: "), "{method} {path}");
    }
}

#[test]
fn accounts_are_managed_by_admins() {
    let runtime = Runtime::start();
    let admin = runtime.engineer();
    let refused = |answer: support::http::Answer, status: u16, text: &str| {
        assert_eq!((answer.status, answer.json()), (status, json!({ "msg": text })));
    };
    refused(
        runtime.stranger().credentials("/api/create-user", "x", "y"),
        401,
        "Authentication required",
    );
    refused(
        admin.post("/api/create-user", &json!({ "username": "x" })),
        400,
        "Missing username or password",
    );
    refused(
        admin.credentials("/api/create-user", "engineer", "y"),
        409,
        "Username already exists",
    );
    assert_eq!(
        admin.credentials("/api/create-user", "operator", "old").json()["role"],
        "user"
    );
    let mut operator = runtime.stranger();
    operator.log_in("operator", "old");

    refused(
        operator.credentials("/api/create-user", "x", "y"),
        403,
        "Admin privileges required",
    );
    refused(
        operator.request("DELETE", "/api/delete-user/1", &[], b""),
        403,
        "Admin privileges required",
    );
    refused(
        operator.json("PUT", "/api/update-user/1", &json!({ "password": "x" })),
        403,
        "Admin privileges required",
    );
    refused(
        operator.json("PUT", "/api/update-user/2", &json!({ "role": "admin" })),
        403,
        "Admin privileges required",
    );
    refused(
        operator.json("PUT", "/api/update-user/2", &json!({})),
        400,
        "No fields to update",
    );
    let change = json!({ "password": "new" });
    refused(
        operator.json("PUT", "/api/update-user/2", &change),
        400,
        "Current password is required",
    );
    let change = json!({ "password": "new", "current_password": "wrong" });
    refused(
        operator.json("PUT", "/api/update-user/2", &change),
        403,
        "Current password is incorrect",
    );
    let change = json!({ "password": "new", "current_password": "old", "username": "renamed" });
    let answer = operator.json("PUT", "/api/update-user/2", &change);
    let user = json!({ "id": 2, "username": "renamed", "role": "user" });
    assert_eq!(
        answer.json(),
        json!({ "msg": "User updated successfully", "user": user })
    );
    refused(operator.get("/api/whoami"), 401, "Token has been revoked");

    operator.log_in("renamed", "new");
    let change = json!({ "old_password": "new", "new_password": "newer" });
    refused(
        operator.json("PUT", "/api/password-change/2", &change),
        200,
        "Password changed successfully",
    );
    operator.log_in("renamed", "newer");
    refused(
        admin.json("PUT", "/api/update-user/1", &json!({ "role": "user" })),
        409,
        "The last admin cannot be removed or lose the role",
    );
    refused(
        admin.request("DELETE", "/api/delete-user/1", &[], b""),
        403,
        "You cannot delete your own account",
    );
    refused(
        admin.request("DELETE", "/api/delete-user/9", &[], b""),
        404,
        "User not found",
    );
    refused(
        admin.request("DELETE", "/api/delete-user/2", &[], b""),
        200,
        "User renamed deleted successfully",
    );
    assert_eq!(operator.get("/api/whoami").status, 401);
}

#[test]
fn a_token_that_was_ended_stays_ended_after_a_restart() {
    let mut runtime = Runtime::start();
    let (ended, kept) = (runtime.engineer(), runtime.engineer());
    let answer = ended.post("/api/logout", &Value::Null);
    assert_eq!(
        (answer.status, answer.json()),
        (200, json!({ "msg": "User logged out successfully" }))
    );
    assert_eq!(ended.get("/api/status").status, 401);
    runtime.restart();
    assert_eq!(
        ended.get("/api/status").json(),
        json!({ "msg": "Token has been revoked" })
    );
    assert_eq!(kept.get("/api/status").status, 200);
}
