//! The connection to the scan engine: without one, with one that hangs, that is new, or that ended.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use openplc_wire::control::{Answer, Refusal, Request};
use serde_json::json;
use support::core::{self, Heard, Said};
use support::runtime::Runtime;

#[test]
fn without_a_core_everything_is_answered() {
    let runtime = Runtime::start_alone();
    let client = runtime.engineer();
    let none = json!({ "status": "No response from runtime" });
    for path in [
        "status",
        "status?include_stats=true",
        "ping",
        "start-plc",
        "stop-plc",
    ] {
        let answer = client.get(&format!("/api/{path}"));
        assert_eq!((answer.status, answer.json()), (200, none.clone()), "{path}");
    }
    assert_eq!(
        client.get("/api/runtime-logs").json(),
        json!({ "runtime-logs": [] })
    );
    let response = client
        .post("/api/debug-command", &json!({ "command": "45 DE AD 00 00" }))
        .json();
    assert_eq!(
        response,
        json!({ "success": false, "error": "No response from runtime" })
    );

    core::serve(&runtime.core_socket(), core::running);
    assert_eq!(
        client.get("/api/status").json(),
        json!({ "status": "STATUS:RUNNING" })
    );
}

#[test]
fn a_core_that_hangs_delays_nobody_beyond_what_the_editor_waits() {
    let runtime = Runtime::start_alone();
    core::serve(&runtime.core_socket(), |heard| match heard {
        Heard::Request(Request::Ping) => Said::Answer(Answer::Done),
        _ => Said::Later(Duration::from_secs(600), Box::new(Said::Nothing)),
    });
    let client = runtime.engineer();
    std::thread::scope(|scope| {
        for path in ["status", "runtime-logs", "stop-plc"] {
            let client = &client;
            scope.spawn(move || {
                let start = Instant::now();
                assert_eq!(client.get(&format!("/api/{path}")).status, 200);
                assert!(start.elapsed() < Duration::from_secs(5), "{path}");
            });
        }
        let start = Instant::now();
        assert_eq!(client.get("/api/ping").json(), json!({ "status": "PING:OK" }));
        assert!(start.elapsed() < Duration::from_secs(1));
    });
}

#[test]
fn a_new_core_is_found_at_once_and_a_late_answer_is_never_taken_for_another() {
    let runtime = Runtime::start_alone();
    core::serve(&runtime.core_socket(), |heard| match heard {
        Heard::Request(Request::Stop) => Said::Answer(core::refused(Refusal::NotRunning)),
        Heard::Debug(frame) if frame[0] == 0x44 => {
            Said::Later(Duration::from_millis(2200), Box::new(Said::Debug(vec![0x44])))
        }
        heard => core::running(heard),
    });
    let client = runtime.engineer();
    let debug = |command| {
        client
            .post("/api/debug-command", &json!({ "command": command }))
            .json()
    };
    assert_eq!(
        debug("44 00 01 00 00"),
        json!({ "success": false, "error": "No response from runtime" })
    );
    for _ in 0..20 {
        assert_eq!(debug("45"), json!({ "success": true, "data": "45 7E" }));
    }
    assert_eq!(client.get("/api/stop-plc").json()["status"], "STOP:ERROR");
    core::serve(&runtime.core_socket(), core::running);
    assert_eq!(client.get("/api/stop-plc").json()["status"], "STOP:OK");
}

#[test]
fn connections_that_ended_with_an_earlier_core_are_not_noticed() {
    let runtime = Runtime::start_alone();
    let heard = AtomicUsize::new(0);
    core::serve(&runtime.core_socket(), move |request| {
        // Every other request finds that its connection has ended.
        if heard.fetch_add(1, Ordering::Relaxed) % 2 == 1 {
            Said::Nothing
        } else {
            core::running(request)
        }
    });
    let client = runtime.engineer();
    for _ in 0..10 {
        assert_eq!(
            client.get("/api/status").json(),
            json!({ "status": "STATUS:RUNNING" })
        );
    }
}
