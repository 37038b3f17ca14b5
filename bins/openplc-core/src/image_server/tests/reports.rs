//! What plugins say, and what they are told.

use openplc_wire::control::Level;
use openplc_wire::image::{Order, Report};
use serde_json::json;

use super::*;

#[test]
fn what_a_plugin_says_is_kept_and_shown() {
    let host = Host::start();
    let mut plugin = host.attach("talker");
    let mut say = |report: Report| plugin.connection.send(&report).unwrap();
    let (level, message) = (Level::Warning, "two\nlines".to_owned());
    say(Report::Log { level, message });
    say(Report::Statistics {
        document: json!({ "label": "Talker\u{1b}[2J", "fields": [{ "na\nme": "\u{202e}pump", "value": 1 }] }),
    });
    say(Report::Statistics {
        document: json!("no object"),
    });
    let deep = (0..100).fold(json!(0), |inner, _| json!([inner]));
    say(Report::Statistics {
        document: json!({ "fields": deep }),
    });
    say(Report::Failure {
        message: "no\u{2028}device\u{1b}".into(),
    });
    say(Report::Switch {
        run: false,
        reason: "turned".into(),
    });
    assert!(!host.switched.recv_timeout(SOON).unwrap());
    let record = host.record("talker").unwrap();
    // Nobody who looks at it is led astray.
    assert_eq!(
        record.statistics,
        Some(json!({ "label": "Talker\\u001b[2J", "fields": [{ "na me": "\\u202epump", "value": 1 }] }))
    );
    assert_eq!(record.failure.as_deref(), Some("no device\\u001b"));
    let lines = host.log.read(None, None);
    assert_eq!(
        (lines[0].level, lines[0].message.as_str()),
        (Level::Warning, "talker: two lines")
    );
}

#[test]
fn a_reader_is_not_listened_to_and_forgotten() {
    let host = Host::start();
    let mut reader = host.attach("reader");
    let (level, message) = (Level::Error, "hear me".to_owned());
    reader.connection.send(&Report::Log { level, message }).unwrap();
    reader
        .connection
        .send(&Report::Switch {
            run: true,
            reason: String::new(),
        })
        .unwrap();
    drop(reader);
    host.wait_until(|host| host.record("reader").is_none());
    assert!(host.log.read(None, None).is_empty());
    assert!(host.switched.try_recv().is_err());
}

#[test]
fn a_command_is_answered_or_refused_in_words() {
    let host = Host::start();
    assert!(
        host.server
            .command("worker", "scan", Value::Null)
            .unwrap_err()
            .contains("not at work")
    );
    let mut plugin = host.attach("worker");
    let worker = thread::spawn(move || {
        let (
            Order::Command {
                number,
                command,
                params,
            },
            _,
        ) = plugin.connection.receive().unwrap();
        let document = json!([command, params]);
        plugin
            .connection
            .send(&Report::Answer { number, document })
            .unwrap();
        // The second one is never answered.
        plugin.connection.receive::<Order>().unwrap();
    });
    assert_eq!(
        host.server.command("worker", "scan", json!({ "from": 1 })),
        Ok(json!(["scan", { "from": 1 }]))
    );
    let long = json!("x".repeat(MAX_MESSAGE));
    assert!(
        host.server
            .command("worker", "scan", long)
            .unwrap_err()
            .contains("longer")
    );
    assert!(
        host.server
            .command("worker", "scan", Value::Null)
            .unwrap_err()
            .contains("not answered")
    );
    worker.join().unwrap();
}

#[test]
fn a_flood_of_reports_does_not_get_through() {
    let host = Host::start();
    let plugin = host.attach("flooder");
    // Writes until the socket is full, and what is in it is not taken for a while.
    plugin.connection.stream().set_nonblocking(true).unwrap();
    let mut plugin = plugin;
    let mut sent = 0;
    while plugin
        .connection
        .send(&Report::Log {
            level: Level::Info,
            message: "x".repeat(1000),
        })
        .is_ok()
    {
        sent += 1;
        assert!(sent < 100_000, "the core takes everything");
    }
    assert!(host.log.read(None, None).len() < 1000);
}

#[test]
fn commands_that_nobody_waits_for_any_more_keep_none_from_the_plugin() {
    let host = Host::start();
    let mut plugin = host.attach("mute");
    let ask = || host.server.ask("mute", "scan", Value::Null);
    let awaited: Vec<_> = std::iter::repeat_with(ask)
        .map_while(Result::ok)
        .take(100)
        .collect();
    assert!(awaited.len() < 100 && ask().is_err_and(|why| why.contains("to answer already")));
    for _ in &awaited {
        plugin.connection.receive::<Order>().unwrap();
    }
    drop(awaited);
    let awaited = ask().unwrap();
    let (Order::Command { number, .. }, _) = plugin.connection.receive().unwrap();
    let document = json!("done");
    let answer = Report::Answer { number, document };
    plugin.connection.send(&answer).unwrap();
    assert_eq!(awaited.receive(SOON).unwrap().document, json!("done"));
}
