//! What Prometheus finds.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use openplc_wire::control::Answer;
use serde_json::json;
use support::core::{self, Heard, Said};
use support::http::{self, Client};
use support::runtime::{PASSWORD, Runtime};

fn scrape(client: &Client, credentials: &str) -> http::Answer {
    let header = format!("Authorization: Basic {}", BASE64_STANDARD.encode(credentials));
    client.request("GET", "/metrics", &[&header], b"")
}

fn has(answer: &http::Answer, line: &str) {
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(
        answer.body.lines().any(|written| written == line),
        "{line} is not in {}",
        answer.body
    );
}

#[test]
fn the_figures_of_the_tasks_are_there() {
    let runtime = Runtime::start();
    let answer = runtime.engineer().get("/metrics");
    assert!(
        answer
            .head
            .contains("content-type: text/plain; version=0.0.4; charset=utf-8"),
        "{}",
        answer.head
    );
    for line in [
        "openplc_core_up 1",
        "openplc_plc_state{state=\"RUNNING\"} 1",
        "openplc_plc_state{state=\"ERROR\"} 0",
        "openplc_task_scans_total{task=\"task0\"} 42",
        "openplc_task_overruns_total{task=\"task0\"} 1",
        "openplc_task_skipped_scans_total{task=\"task0\"} 2",
        "openplc_task_interval_seconds{task=\"task0\"} 0.02",
        "# TYPE openplc_task_scan_time_seconds histogram",
        "openplc_task_scan_time_seconds_bucket{task=\"task0\",le=\"0.000001\"} 0",
        "openplc_task_scan_time_seconds_bucket{task=\"task0\",le=\"0.000002\"} 21",
        "openplc_task_scan_time_seconds_bucket{task=\"task0\",le=\"+Inf\"} 42",
        "openplc_task_scan_time_seconds_sum{task=\"task0\"} 0.000084",
        "openplc_task_scan_time_seconds_count{task=\"task0\"} 42",
        "openplc_task_scan_time_max_seconds{task=\"task0\"} 0.000003",
    ] {
        has(&answer, line);
    }
}

#[test]
fn answers_are_counted() {
    let runtime = Runtime::start();
    let client = runtime.engineer();
    client.get("/nothing");
    let before = client.get("/metrics").body;
    let count = |text: &str, class: &str| -> u64 {
        let start = format!("openplc_api_responses_total{{class=\"{class}\"}} ");
        let line = text.lines().find_map(|line| line.strip_prefix(&start));
        line.unwrap().parse().unwrap()
    };
    client.get("/nothing");
    let after = client.get("/metrics").body;
    assert_eq!(count(&after, "4xx"), count(&before, "4xx") + 1);
    assert_eq!(count(&after, "2xx"), count(&before, "2xx") + 1);
}

#[test]
fn without_the_scan_engine_this_is_what_is_said() {
    let runtime = Runtime::start_alone();
    let client = runtime.engineer();
    let answer = client.get("/metrics");
    has(&answer, "openplc_core_up 0");
    assert!(!answer.body.contains("openplc_plc_state"), "{}", answer.body);
    core::serve(&runtime.core_socket(), |heard| match heard {
        Heard::Request(_) => Said::Answer(Answer::Done),
        Heard::Debug(_) => Said::Nothing,
    });
    has(&client.get("/metrics"), "openplc_core_up 0");
}

#[test]
fn a_password_is_as_good_as_a_token_here_and_here_only() {
    let runtime = Runtime::start();
    let engineer = runtime.engineer();
    let stranger = runtime.stranger();
    let good = format!("engineer:{PASSWORD}");
    for answer in [stranger.get("/metrics"), scrape(&stranger, "engineer:wrong")] {
        assert_eq!(answer.status, 401, "{answer:?}");
        assert!(
            answer.head.contains("www-authenticate: bearer, basic realm="),
            "{}",
            answer.head
        );
        assert!(!answer.body.contains("openplc_"), "{}", answer.body);
    }
    for credentials in ["", ":", "engineer", "engineer:", "nobody:secret"] {
        assert_eq!(scrape(&stranger, credentials).status, 401, "{credentials:?}");
    }
    // The second time it is recognised.
    for _ in 0..2 {
        has(&scrape(&stranger, &good), "openplc_core_up 1");
    }
    assert_eq!(scrape(&stranger, "engineer:wrong").status, 401);
    let header = format!("Authorization: Basic {}", BASE64_STANDARD.encode(&good));
    let status = stranger.request("GET", "/api/status", &[&header], b"").status;
    assert_eq!(status, 401, "the API itself takes tokens only");

    let change = json!({ "password": "another", "current_password": PASSWORD });
    assert_eq!(engineer.json("PUT", "/api/update-user/1", &change).status, 200);
    assert_eq!(scrape(&stranger, &good).status, 401);
    has(&scrape(&stranger, "engineer:another"), "openplc_core_up 1");
}

#[test]
fn damaged_credentials_are_refused() {
    let runtime = Runtime::start();
    let stranger = runtime.stranger();
    for header in [
        "Authorization: Basic",
        "Authorization: Basic ",
        "Authorization: Basic %%%%",
        "Authorization: Basic /////w==",
        "Authorization: Digest abc",
    ] {
        let answer = stranger.request("GET", "/metrics", &[header], b"");
        assert_eq!(answer.status, 401, "{header}: {answer:?}");
    }
    assert_eq!(
        stranger.request("POST", "/metrics", &[], b"").status,
        405,
        "only GET"
    );
}
