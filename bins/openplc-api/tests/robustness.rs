//! Clients that misbehave, and a supervisor that does not.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::json;
use support::core::{self, Heard, Said};
use support::debugger::Debugger;
use support::runtime::Runtime;
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
fn more_connections_than_are_served_are_closed_and_places_become_free() {
    let runtime = Runtime::start();
    let client = runtime.engineer();
    let mut many: Vec<TcpStream> = (0..256)
        .map(|_| TcpStream::connect(runtime.address()).unwrap())
        .collect();
    let mut refused = TcpStream::connect(runtime.address()).unwrap();
    refused.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    assert_eq!(refused.read(&mut [0]).unwrap_or(0), 0, "closed without a word");
    many.clear();
    support::wait_for("a free place", || {
        let mut stream = client.connect();
        stream
            .write_all(b"GET /api/version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            .ok()?;
        stream.read(&mut [0]).ok().filter(|count| *count > 0)
    });
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
