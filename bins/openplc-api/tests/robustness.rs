//! Clients that misbehave, and a supervisor that does not.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::json;
use support::core::{self, Heard, Said};
use support::debugger::Debugger;
use support::http::{self, Answer, Client, MULTIPART, multipart};
use support::runtime::{PASSWORD, Runtime};
use tempfile::TempDir;

fn settings(text: &str) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("api.toml"), text).unwrap();
    directory
}

#[test]
fn a_wrong_setting_is_shown_and_costs_only_itself() {
    let settings = settings("session-lifetime = \"2h\"\nmax-connections = \"many\"\n");
    let runtime = Runtime::start_with(&[("CONFIGURATION_DIRECTORY", settings.path().as_os_str())]);
    core::serve(&runtime.core_socket(), core::running);
    let client = runtime.engineer();
    let status = client.get("/api/status?include_stats=true").json();
    let problems = &status["runtime"]["settings_problems"];
    let problem = problems[0].as_str().unwrap();
    assert!(
        problem.contains("api.toml, line 2: max-connections cannot be"),
        "{problem}"
    );
    assert_eq!(problems.as_array().unwrap().len(), 1);
}

#[test]
fn an_idle_api_ends_and_its_sessions_go_on() {
    let settings = settings("exit-when-idle = \"2s\"\n");
    let mut runtime = Runtime::start_with(&[("CONFIGURATION_DIRECTORY", settings.path().as_os_str())]);
    core::serve(&runtime.core_socket(), core::running);
    let client = runtime.engineer();
    let mut kept_open = client.connect();
    let limit = Instant::now() + Duration::from_secs(4);
    while Instant::now() < limit {
        // Asking on this connection proves that it is still served: it holds the process though nobody else is there.
        kept_open
            .write_all(b"GET /api/version HTTP/1.1\r\nHost: x\r\n\r\n")
            .unwrap();
        kept_open.flush().unwrap();
        let mut answer = [0; 1024];
        assert_ne!(kept_open.read(&mut answer).unwrap(), 0);
        std::thread::sleep(Duration::from_millis(200));
    }
    drop(kept_open);
    assert!(runtime.restart_after_own_end().success());
    assert_eq!(
        client.get("/api/status").status,
        200,
        "the session outlives the process"
    );
}

#[test]
fn silent_connections_block_nobody() {
    let runtime = Runtime::start();
    let client = runtime.engineer();
    let silent: Vec<TcpStream> = (0..100)
        .map(|_| TcpStream::connect(runtime.address()).unwrap())
        .collect();
    let mut half_a_request = client.connect();
    half_a_request
        .write_all(b"GET /api/status HTTP/1.1\r\nHost: x\r\nX-")
        .unwrap();
    half_a_request.flush().unwrap();
    let start = Instant::now();
    assert_eq!(client.get("/api/status").status, 200);
    assert!(start.elapsed() < Duration::from_secs(1));
    drop(silent);
}

#[test]
fn strangers_make_room_and_who_is_known_stays() {
    let runtime = Runtime::start();
    let client = runtime.engineer();
    let mut known = client.connect();
    let mut ask = || {
        let head = format!(
            "GET /api/whoami HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n",
            client.token.as_ref().unwrap()
        );
        known.write_all(head.as_bytes()).unwrap();
        known.flush().unwrap();
        let mut answer = [0; 1024];
        let count = known.read(&mut answer).unwrap();
        assert!(answer[..count].starts_with(b"HTTP/1.1 200"));
    };
    ask();
    let mut debugger = Debugger::connect(&client);
    // 128 are served of one address, and 256 in all.
    let mut strangers: Vec<TcpStream> = (0..300)
        .map(|_| TcpStream::connect(runtime.address()).unwrap())
        .collect();
    let mut first = strangers.remove(0);
    first.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    assert_eq!(first.read(&mut [0]).unwrap_or(0), 0, "closed without a word");
    assert_eq!(client.get("/api/status").status, 200);
    ask();
    assert_eq!(debugger.command("45")["success"], true);
}

#[test]
fn rubbish_instead_of_tls_or_http_is_survived() {
    let runtime = Runtime::start();
    let client = runtime.engineer();
    for rubbish in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        b"\x16\x03\x01\xff\xff",
        &[0xFF; 5000],
    ] {
        let mut stream = TcpStream::connect(runtime.address()).unwrap();
        let _ = stream.write_all(rubbish);
    }
    for rubbish in [
        &b"\0\0\0\0\r\n\r\n"[..],
        b"GET\r\n\r\n",
        b"GET /api/\xff HTTP/1.1\r\n\r\n",
    ] {
        let mut stream = client.connect();
        stream.write_all(rubbish).unwrap();
        let _ = stream.flush();
        let _ = stream.read_to_end(&mut Vec::new());
    }
    let long = format!("/api/{}", "x".repeat(100_000));
    let mut stream = client.connect();
    let _ = write!(stream, "GET {long} HTTP/1.1\r\n\r\n").and_then(|()| stream.flush());
    assert_eq!(client.get("/api/status").status, 200);
}

#[test]
fn bodies_that_are_no_login_are_refused() {
    let runtime = Runtime::start();
    let client = runtime.engineer();
    let kind = "Content-Type: application/json";
    for (headers, body, status) in [
        (&[kind][..], &b"{"[..], 400),
        (&[kind], b"", 400),
        (&[kind], b"[]", 400),
        (&[kind], b"\xff", 400),
        (&[kind], b"{\"username\":1,\"password\":2}", 400),
        (&[kind], &[b' '; 100_000], 413),
        (&[], b"{\"username\":\"a\",\"password\":\"b\"}", 415),
        (
            &["Content-Type: text/plain"],
            b"{\"username\":\"a\",\"password\":\"b\"}",
            415,
        ),
    ] {
        let answer = client.request("POST", "/api/login", headers, body);
        assert_eq!(answer.status, status, "{answer:?}");
    }
    let endless = "x".repeat(10_000);
    assert_eq!(client.credentials("/api/login", &endless, "y").status, 401);
    assert_eq!(client.credentials("/api/login", "x", &endless).status, 401);
    let named = client.credentials("/api/create-user", "line\nfeed", "y");
    assert_eq!(named.status, 400);
}

/// Begins a request and keeps back the end of its body, so that it has been allowed and is not complete.
fn hold(
    client: &Client,
    method: &str,
    path: &str,
    kind: &str,
    body: &[u8],
) -> impl FnOnce() -> Answer + use<> {
    let mut stream = client.connect();
    let length = format!("Content-Length: {}", body.len());
    let headers = [kind, &length, "Expect: 100-continue"];
    client.send_head(&mut stream, method, path, &headers);
    let mut go_on = [0; 25];
    stream.read_exact(&mut go_on).unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    let (begin, end) = body.split_at(body.len() / 2);
    stream.write_all(begin).unwrap();
    stream.flush().unwrap();
    let end = end.to_owned();
    move || {
        stream.write_all(&end).unwrap();
        stream.flush().unwrap();
        http::receive(&mut stream)
    }
}

#[test]
fn what_was_allowed_before_its_body_came_ends_with_the_account() {
    let runtime = Runtime::start();
    let admin = runtime.engineer();
    let leaver = json!({ "username": "leaver", "password": PASSWORD, "role": "admin" });
    assert_eq!(admin.post("/api/create-user", &leaver).status, 201);
    let mut client = runtime.stranger();
    client.log_in("leaver", PASSWORD);
    let kind = "Content-Type: application/json";
    let backdoor = json!({ "username": "backdoor", "password": PASSWORD, "role": "admin" }).to_string();
    let demote = json!({ "role": "user" }).to_string();
    let held = || {
        [
            hold(&client, "POST", "/api/create-user", kind, backdoor.as_bytes()),
            hold(&client, "PUT", "/api/update-user/1", kind, demote.as_bytes()),
        ]
    };
    let before_demotion = held();
    assert_eq!(
        admin
            .json("PUT", "/api/update-user/2", &json!({ "role": "user" }))
            .status,
        200
    );
    for end in before_demotion {
        assert_eq!(end().status, 403);
    }
    assert_eq!(
        admin
            .json("PUT", "/api/update-user/2", &json!({ "role": "admin" }))
            .status,
        200
    );
    let upload = hold(
        &client,
        "POST",
        "/api/upload-file",
        MULTIPART,
        &multipart(&[7; 5000]),
    );
    let debug = hold(
        &client,
        "POST",
        "/api/debug-command",
        kind,
        br#"{"command":"45"}"#,
    );
    let before_deletion = held();
    assert_eq!(
        admin.request("DELETE", "/api/delete-user/2", &[], b"").status,
        200
    );
    assert_eq!(upload().status, 401);
    assert_eq!(debug().status, 401);
    for end in before_deletion {
        assert_eq!(end().status, 401);
    }
    assert_eq!(
        admin.get("/api/get-users-info").json().as_array().unwrap().len(),
        1
    );
    assert_eq!(admin.get("/api/compilation-status").json()["status"], "IDLE");
}

#[test]
fn a_body_that_trickles_is_given_up() {
    let runtime = Runtime::start();
    let client = runtime.stranger();
    let mut stream = client.connect();
    let headers = ["Content-Type: application/json", "Content-Length: 60000"];
    client.send_head(&mut stream, "POST", "/api/login", &headers);
    stream
        .sock
        .set_read_timeout(Some(Duration::from_millis(100)))
        .unwrap();
    let mut answer = [0; 12];
    support::wait_for("an answer before the body is whole", || {
        let _ = stream.write_all(b" ").and_then(|()| stream.flush());
        stream.read_exact(&mut answer).ok()
    });
    assert_eq!(&answer, b"HTTP/1.1 408");
}

#[test]
fn a_flood_of_logins_leaves_everything_else_answered() {
    let runtime = Runtime::start();
    let client = runtime.engineer();
    std::thread::scope(|scope| {
        let logins: Vec<_> = (0..40)
            .map(|_| {
                let stranger = runtime.stranger();
                scope.spawn(move || stranger.credentials("/api/login", "engineer", "wrong").status)
            })
            .collect();
        for _ in 0..10 {
            let start = Instant::now();
            assert_eq!(client.get("/api/status").status, 200);
            assert!(start.elapsed() < Duration::from_secs(2));
        }
        let statuses: Vec<u16> = logins.into_iter().map(|login| login.join().unwrap()).collect();
        assert!(
            statuses.iter().all(|status| [401, 429].contains(status)),
            "{statuses:?}"
        );
        assert!(statuses.contains(&429), "the queue is bounded");
    });
}

#[test]
fn a_client_that_stops_reading_costs_bounded_memory() {
    let runtime = Runtime::start_alone();
    core::serve(&runtime.core_socket(), |heard| match heard {
        Heard::Debug(_) => Said::Debug(vec![0x44; 4000]),
        heard => core::running(heard),
    });
    let client = runtime.engineer();
    let mut deaf = Debugger::connect(&client);
    let before = runtime.memory("VmRSS");
    deaf.0
        .get_mut()
        .sock
        .set_write_timeout(Some(Duration::from_millis(300)))
        .unwrap();
    // It sends until it is cut off or nothing is taken any more.
    for _ in 0..20_000 {
        let packet = format!("42/api/debug,{}", json!(["debug_command", { "command": "44" }]));
        if deaf.0.send(tungstenite::Message::text(packet)).is_err() {
            break;
        }
    }
    assert!(
        runtime.memory("VmRSS") < before + 8 * 1024,
        "{before} kB before, {} kB now",
        runtime.memory("VmRSS")
    );
    assert_eq!(client.get("/api/status").status, 200);
    assert_eq!(Debugger::connect(&client).command("45")["success"], true);
}

#[test]
fn the_end_is_orderly() {
    let mut runtime = Runtime::start();
    let client = runtime.engineer();
    let mut debugger = Debugger::connect(&client);
    let mut idle = client.connect();
    idle.write_all(b"GET /api/version HTTP/1.1\r\nHost: x\r\n\r\n")
        .unwrap();
    idle.read_exact(&mut [0; 12]).unwrap();
    let start = Instant::now();
    assert!(runtime.stop().success());
    assert!(start.elapsed() < Duration::from_secs(3));
    support::wait_for("the end of the debug session", || {
        debugger.0.read().is_err().then_some(())
    });
    // The listener belongs to the supervisor: whoever connects meanwhile is answered by the next process.
    let stranger = runtime.stranger();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(move || stranger.get("/api/version").status);
        runtime.restart_after_stop();
        assert_eq!(waiting.join().unwrap(), 200);
    });
}

#[test]
fn the_supervisor_is_told_and_fed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("notify");
    let socket = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut runtime = Runtime::start_with(&[
        ("NOTIFY_SOCKET", path.as_os_str()),
        ("WATCHDOG_USEC", "200000".as_ref()),
    ]);
    let told = |wanted: &str| {
        let mut buffer = [0; 500];
        loop {
            let count = socket.recv(&mut buffer).unwrap();
            let text = String::from_utf8_lossy(&buffer[..count]).into_owned();
            if text.contains(wanted) {
                return text;
            }
        }
    };
    assert!(told("READY=1").contains("STATUS=Serving https://127.0.0.1"));
    let start = Instant::now();
    for _ in 0..5 {
        told("WATCHDOG=1");
    }
    assert!(start.elapsed() < Duration::from_secs(2));

    core::serve(&runtime.core_socket(), core::running);
    support::worker::serve(&runtime.compile_socket(), support::worker::builds);
    std::thread::scope(|scope| {
        // Beside, because a socket that nobody reads would hold up the API.
        scope.spawn(|| runtime.engineer().upload("/api/upload-file", b"zip"));
        told("STATUS=Building an upload of \"engineer\"");
        let ended = told("STATUS=Serving; last build at ");
        let running = " UTC: program abababababab is running";
        assert!(ended.trim_end().ends_with(running), "{ended}");
    });

    assert!(runtime.stop().success());
    told("STOPPING=1");
}
