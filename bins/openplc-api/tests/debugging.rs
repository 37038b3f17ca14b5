//! The debugger's channel.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use support::core::{self, Heard, Said};
use support::debugger::Debugger;
use support::runtime::{PASSWORD, Runtime};
use support::wait_for;

#[test]
fn a_command_gets_the_cores_answer_as_the_editor_parses_it() {
    let runtime = Runtime::start();
    let mut debugger = Debugger::connect(&runtime.engineer());
    assert_eq!(
        debugger.command("45 DE AD 00 00"),
        json!({ "success": true, "data": "45 7E DE AD 00 00" })
    );
    assert_eq!(
        debugger.command(" 44deAD\n"),
        json!({ "success": true, "data": "44 7E DE AD" })
    );
}

#[test]
fn the_token_may_be_a_parameter_and_must_be_good() {
    let runtime = Runtime::start();
    let mut client = runtime.engineer();
    let token = client.token.clone().unwrap();
    let mut by_query = Debugger(support::debugger::open(&client, &format!("&token={token}")));
    by_query.send("40/api/debug,");
    assert!(by_query.receive().starts_with("40/api/debug,"));
    let refusal = json!({ "message": "Connection rejected by server" });
    for payload in [
        json!({ "token": "x" }),
        json!({ "token": "" }),
        json!({}),
        Value::Null,
    ] {
        assert_eq!(
            Debugger::join(&client, &payload).err().unwrap(),
            format!("44/api/debug,{refusal}")
        );
    }
    client.token = None;
    assert!(Debugger::join(&client, &json!({ "token": token })).is_ok());
}

#[test]
fn pipelined_commands_are_answered_in_order_to_their_own_client() {
    let runtime = Runtime::start_alone();
    // The first of them takes the core the longest.
    core::serve(&runtime.core_socket(), |heard| match heard {
        Heard::Debug(frame) => {
            let wait = Duration::from_millis(u64::from(40_u8.saturating_sub(frame[2])));
            Said::Later(wait, Box::new(Said::Debug(frame)))
        }
        heard => core::running(heard),
    });
    let client = runtime.engineer();
    let mut debuggers = [1_u8, 2, 3].map(|number| (number, Debugger::connect(&client)));
    for sequence in 0..40_u8 {
        for (number, debugger) in &mut debuggers {
            debugger.emit(
                "debug_command",
                &json!({ "command": format!("44 {number:02X} {sequence:02X}") }),
            );
        }
    }
    for sequence in 0..40_u8 {
        for (number, debugger) in &mut debuggers {
            let expected = json!({ "success": true, "data": format!("44 {number:02X} {sequence:02X}") });
            assert_eq!(debugger.response(), expected);
        }
    }
}

#[test]
fn what_is_no_command_never_reaches_the_core() {
    let runtime = Runtime::start_alone();
    let heard_frames = Arc::new(Mutex::new(Vec::new()));
    core::serve(&runtime.core_socket(), {
        let heard_frames = Arc::clone(&heard_frames);
        move |heard| {
            if let Heard::Debug(frame) = &heard {
                heard_frames.lock().unwrap().push(frame.clone());
            }
            core::running(heard)
        }
    });
    let mut debugger = Debugger::connect(&runtime.engineer());
    assert_eq!(
        debugger.command(""),
        json!({ "success": false, "error": "Empty command" })
    );
    for bad in [
        "4",
        "45 DE A",
        "zz",
        "45\nSTOP",
        "{\"request\":\"stop\"}",
        &"00 ".repeat(5000),
        "45 \u{0}",
    ] {
        let response = debugger.command(bad);
        assert_eq!(response["success"], false, "{bad}");
        assert!(!response["error"].as_str().unwrap().is_empty());
    }
    for data in [
        json!({}),
        json!({ "command": 45 }),
        json!([]),
        json!("45"),
        Value::Null,
    ] {
        debugger.emit("debug_command", &data);
        assert_eq!(debugger.response()["success"], false, "{data}");
    }
    assert_eq!(debugger.command("45")["success"], true);
    assert_eq!(*heard_frames.lock().unwrap(), [[0x45]]);
}

#[test]
fn an_ended_token_ends_the_commands_until_it_is_replaced() {
    let runtime = Runtime::start();
    let mut client = runtime.engineer();
    let mut debugger = Debugger::connect(&client);
    client.post("/api/logout", &Value::Null);
    assert_eq!(
        debugger.command("45"),
        json!({ "success": false, "error": "Unauthorized" })
    );
    debugger.emit("reauth", &json!({}));
    assert_eq!(
        debugger.event(),
        json!(["reauth_result", { "success": false, "error": "no token" }])
    );
    debugger.emit("reauth", &json!({ "token": "x" }));
    assert_eq!(
        debugger.event(),
        json!(["reauth_result", { "success": false, "error": "Unauthorized" }])
    );
    client.log_in("engineer", PASSWORD);
    debugger.emit("reauth", &json!({ "token": client.token }));
    assert_eq!(debugger.event(), json!(["reauth_result", { "success": true }]));
    assert_eq!(debugger.command("45")["success"], true);
}

#[test]
fn a_deleted_account_has_no_debugger_any_more() {
    let runtime = Runtime::start();
    let admin = runtime.engineer();
    assert_eq!(
        admin.credentials("/api/create-user", "leaver", PASSWORD).status,
        201
    );
    let mut client = runtime.stranger();
    client.log_in("leaver", PASSWORD);
    let mut debugger = Debugger::connect(&client);
    assert_eq!(
        admin.request("DELETE", "/api/delete-user/2", &[], b"").status,
        200
    );
    assert_eq!(
        debugger.command("45"),
        json!({ "success": false, "error": "Unauthorized" })
    );
    assert_eq!(debugger.receive(), "41/api/debug,");
    assert_eq!(Debugger::connect(&admin).command("45")["success"], true);
}

#[test]
fn who_begins_many_sessions_keeps_nobody_from_theirs() {
    let runtime = Runtime::start();
    let client = runtime.engineer();
    let polling = || client.get("/socket.io/?EIO=4&transport=polling").status;
    support::wait_for("a refusal", || (polling() == 429).then_some(()));
    assert_eq!(Debugger::connect(&client).command("45")["success"], true);
}

#[test]
fn what_the_core_refuses_is_an_error_in_its_words() {
    let runtime = Runtime::start_alone();
    core::serve(&runtime.core_socket(), |heard| match heard {
        Heard::Debug(_) => Said::Answer(core::refused(openplc_wire::control::Refusal::Invalid)),
        heard => core::running(heard),
    });
    let mut debugger = Debugger::connect(&runtime.engineer());
    assert_eq!(
        debugger.command("FF"),
        json!({ "success": false, "error": "The reason in a sentence" })
    );
}

#[test]
fn a_client_that_floods_is_cut_off_and_the_others_go_on() {
    let runtime = Runtime::start_alone();
    core::serve(&runtime.core_socket(), |heard| match heard {
        Heard::Debug(frame) if frame[0] == 0x44 => {
            Said::Later(Duration::from_millis(500), Box::new(Said::Debug(frame)))
        }
        heard => core::running(heard),
    });
    let client = runtime.engineer();
    let mut other = Debugger::connect(&client);
    let mut greedy = Debugger::connect(&client);
    for _ in 0..200 {
        let event = json!(["debug_command", { "command": "44" }]);
        // It may be cut off before it has sent all of them.
        if greedy.0.send(format!("42/api/debug,{event}").into()).is_err() {
            break;
        }
    }
    // At most what was answered before, then the end of the namespace or of the connection.
    wait_for("the end of the greedy client", || match greedy.0.read() {
        Ok(message) => (message.into_text().ok()?.as_str() == "41/api/debug,").then_some(()),
        Err(_) => Some(()),
    });
    assert_eq!(other.command("45")["success"], true);
}

#[test]
fn long_polling_works_as_well() {
    let runtime = Runtime::start();
    let client = runtime.engineer();
    let open = client.get("/socket.io/?EIO=4&transport=polling");
    let open: Value = serde_json::from_str(open.body.strip_prefix('0').unwrap()).unwrap();
    let path = format!(
        "/socket.io/?EIO=4&transport=polling&sid={}",
        open["sid"].as_str().unwrap()
    );
    let text = "Content-Type: text/plain;charset=UTF-8";
    let send = |packet: String| {
        assert_eq!(
            client.request("POST", &path, &[text], packet.as_bytes()).status,
            200
        )
    };
    send(format!("40/api/debug,{}", json!({ "token": client.token })));
    let mut packets = Vec::new();
    let mut receive = |wanted: &str| {
        wait_for(wanted, || {
            packets.extend(client.get(&path).body.split('\u{1e}').map(str::to_owned));
            packets.iter().find(|packet| packet.contains(wanted)).cloned()
        })
    };
    assert_eq!(
        receive("connected"),
        "42/api/debug,[\"connected\",{\"status\":\"ok\"}]"
    );
    send("42/api/debug,[\"debug_command\",{\"command\":\"45 DE\"}]".into());
    assert!(receive("debug_response").contains("45 7E DE"));
}

#[test]
fn pages_of_other_origins_are_kept_out() {
    let runtime = Runtime::start();
    let client = runtime.engineer();
    let own = format!("Origin: https://{}", runtime.address());
    assert_eq!(
        client
            .request("GET", "/socket.io/?EIO=4&transport=polling", &[&own], b"")
            .status,
        200
    );
    for foreign in [
        "Origin: https://evil.example",
        "Origin: null",
        "Origin: https://127.0.0.1:1",
    ] {
        assert_eq!(
            client
                .request("GET", "/socket.io/?EIO=4&transport=polling", &[foreign], b"")
                .status,
            403
        );
        assert_eq!(client.request("GET", "/api/status", &[foreign], b"").status, 403);
    }
}
