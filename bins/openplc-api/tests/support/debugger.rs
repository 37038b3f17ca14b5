//! A debug client that speaks Socket.IO over a websocket.

use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

use super::http::{Client, Tls};

/// A connected client.
pub struct Debugger(pub WebSocket<Tls>);

impl Debugger {
    /// Connects to the namespace and waits for the event `connected`.
    pub fn connect(client: &Client) -> Self {
        Self::join(client, &json!({ "token": client.token })).unwrap()
    }

    /// Connects with this payload; the server's packet when it refuses.
    pub fn join(client: &Client, payload: &Value) -> Result<Self, String> {
        let mut debugger = Self(open(client, ""));
        debugger.send(&format!("40/api/debug,{payload}"));
        let answer = debugger.receive();
        if !answer.starts_with("40/api/debug,") {
            return Err(answer);
        }
        assert_eq!(debugger.event(), json!(["connected", { "status": "ok" }]));
        Ok(debugger)
    }

    pub fn send(&mut self, packet: &str) {
        self.0.send(Message::text(packet)).unwrap();
    }

    pub fn emit(&mut self, event: &str, data: &Value) {
        self.send(&format!("42/api/debug,{}", json!([event, data])));
    }

    /// Sends a command and returns its response.
    pub fn command(&mut self, command: &str) -> Value {
        self.emit("debug_command", &json!({ "command": command }));
        self.response()
    }

    pub fn response(&mut self) -> Value {
        let event = self.event();
        assert_eq!(event[0], "debug_response");
        event[1].clone()
    }

    pub fn event(&mut self) -> Value {
        let packet = self.receive();
        serde_json::from_str(
            packet
                .strip_prefix("42/api/debug,")
                .unwrap_or_else(|| panic!("{packet}")),
        )
        .unwrap()
    }

    /// The next packet that is no ping.
    pub fn receive(&mut self) -> String {
        loop {
            match self.0.read().unwrap() {
                Message::Text(text) if text.as_str() == "2" => self.send("3"),
                Message::Text(text) => return text.as_str().to_owned(),
                other => panic!("{other:?}"),
            }
        }
    }
}

/// An Engine.IO session over a websocket.
pub fn open(client: &Client, query: &str) -> WebSocket<Tls> {
    let stream = client.connect();
    let address = stream.sock.peer_addr().unwrap();
    let url = format!("wss://{address}/socket.io/?EIO=4&transport=websocket{query}");
    let (mut socket, _) = tungstenite::client(url, stream).unwrap();
    let packet = socket.read().unwrap().into_text().unwrap();
    let open: Value = serde_json::from_str(packet.as_str().strip_prefix('0').unwrap()).unwrap();
    assert_eq!(
        (&open["pingInterval"], &open["pingTimeout"]),
        (&json!(25_000), &json!(60_000))
    );
    socket
}
