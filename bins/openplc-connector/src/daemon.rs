//! Answering the core.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use openplc_plugin::{Command, Field, Plugin, Reply, Statistics};
use openplc_wire::communication::{CONNECT, Connect};
use serde_json::{Value, json};

use crate::allowed::Allowed;
use crate::connect::connect;

/// Time between two looks at whether to leave.
const ROUND: Duration = Duration::from_millis(200);

/// What was asked for since the start.
#[derive(Default)]
struct Counters {
    connected: AtomicU64,
    failed: AtomicU64,
    forbidden: AtomicU64,
}

/// Connects until it is time to leave.
///
/// # Errors
/// When the configuration cannot be used.
pub fn run(plugin: &Plugin) -> Result<(), Box<dyn Error>> {
    tracing::info!("Programs may connect to {} places", Allowed::load()?.len());
    let counters = Arc::new(Counters::default());
    plugin.on_command({
        let counters = Arc::clone(&counters);
        // The file is read for each wish: what the administrator has changed counts at once.
        move |command| match Allowed::load() {
            Ok(allowed) => answer(command, &allowed, &counters),
            Err(error) => Reply::from(json!({ "error": error.to_string() })),
        }
    });
    while !plugin.is_leaving() {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        plugin.set_statistics(&Statistics {
            label: "Communication blocks".into(),
            fields: vec![
                Field::new("Connected", count(&counters.connected)),
                Field::new("Failed", count(&counters.failed)),
                Field::new("Not allowed", count(&counters.forbidden)),
            ],
        });
        thread::sleep(ROUND);
    }
    Ok(())
}

fn answer(command: &Command, allowed: &Allowed, counters: &Counters) -> Reply {
    let count = |counter: &AtomicU64| counter.fetch_add(1, Ordering::Relaxed);
    let failed = |why: String| Reply::from(json!({ "error": why }));
    if command.command != CONNECT {
        return failed(format!("there is no command {:?}", command.command));
    }
    let wish: Connect = match serde_json::from_value(command.params.clone()) {
        Ok(wish) => wish,
        Err(error) => return failed(error.to_string()),
    };
    if !allowed.contains(wish.address) {
        count(&counters.forbidden);
        return failed(format!(
            "communication.json does not allow it: add \"{}\" to \"allow\"",
            wish.address
        ));
    }
    match connect(wish) {
        Ok(socket) => {
            count(&counters.connected);
            Reply {
                document: Value::Object(serde_json::Map::new()),
                descriptors: vec![socket],
            }
        }
        Err(error) => {
            count(&counters.failed);
            failed(error.to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn ask(command: &str, params: Value, allow: &str) -> Reply {
        let allowed = Allowed::parse(&format!(r#"{{"allow": [{allow:?}]}}"#)).unwrap();
        let command = Command {
            command: command.into(),
            params,
        };
        answer(&command, &allowed, &Counters::default())
    }

    #[test]
    fn only_what_is_allowed_is_connected() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let params = json!({ "address": address, "protocol": "tcp" });
        let reply = ask(CONNECT, params.clone(), &address);
        assert_eq!((reply.document, reply.descriptors.len()), (json!({}), 1));
        listener.accept().unwrap();
        let reply = ask(CONNECT, params.clone(), "127.0.0.2:*");
        assert!(reply.descriptors.is_empty());
        assert!(reply.document["error"].as_str().unwrap().contains(&address));
        drop(listener);
        let reply = ask(CONNECT, params, &address);
        assert!(reply.descriptors.is_empty() && reply.document["error"].is_string());
        let udp = json!({ "address": address, "protocol": "udp" });
        assert_eq!(ask(CONNECT, udp, &address).descriptors.len(), 1);
    }

    #[test]
    fn what_is_no_wish_is_refused() {
        for (command, params) in [
            ("listen", json!({})),
            (CONNECT, Value::Null),
            (CONNECT, json!({ "address": "plc.local:1", "protocol": "tcp" })),
            (CONNECT, json!({ "address": "127.0.0.1:1", "protocol": "sctp" })),
        ] {
            let reply = ask(command, params, "0.0.0.0/0:*");
            assert!(reply.document["error"].is_string() && reply.descriptors.is_empty());
        }
    }
}
