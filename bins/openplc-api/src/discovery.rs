//! Answers to Editors that look for runtimes in the local network.
//!
//! An Editor broadcasts a word to UDP port 33333; every runtime answers with one datagram to where it came from. Whoever sends
//! datagrams may lie about their origin, so answers are few, short, and say little.

mod rate;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use openplc_settings::api::Discovery;
use serde_json::{Value, json};
use tokio::net::UdpSocket;

use self::rate::RateLimit;
use crate::answers::COMPATIBLE_VERSION;
use crate::application::Application;

/// What Editors send, by itself or with white space around it.
const REQUEST: &[u8] = b"OPENPLC_DISCOVER_V1";
/// Longest request that is looked at, in bytes.
const LONGEST: usize = 64;
/// Most of a text in an answer, in characters: a short request must not fetch a long answer to somebody else.
const MOST: usize = 64;
/// How long nothing is received after an error.
const PAUSE: Duration = Duration::from_millis(50);

/// Who answers.
pub struct Responder {
    answers: bool,
    names_project: bool,
    api_port: u16,
    application: Arc<Application>,
    rate: RateLimit,
}

impl Responder {
    /// For a runtime whose API is at `api_port`.
    pub fn new(settings: &Discovery, api_port: u16, application: Arc<Application>) -> Self {
        Self {
            answers: settings.answer,
            names_project: settings.project,
            api_port,
            application,
            rate: RateLimit::default(),
        }
    }

    /// Answers for ever. Where answers are not wished for, requests are taken all the same: a socket with something to read
    /// would start the API again as soon as it ends.
    pub async fn serve(mut self, socket: UdpSocket) {
        // One byte more, to tell what is too long.
        let mut buffer = [0; LONGEST + 1];
        loop {
            match socket.recv_from(&mut buffer).await {
                Ok((length, from)) => {
                    self.receive(&socket, buffer.get(..length).unwrap_or_default(), from)
                        .await
                }
                Err(error) => {
                    tracing::debug!("No request can be received: {error}");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    async fn receive(&mut self, socket: &UdpSocket, datagram: &[u8], from: SocketAddr) {
        if !self.answers || !is_request(datagram) || !self.rate.admits(from.ip(), Instant::now()) {
            return;
        }
        let answer = self.answer().await.to_string();
        match socket.send_to(answer.as_bytes(), from).await {
            Ok(_) => tracing::debug!("{from} was told where the API is"),
            Err(error) => tracing::debug!("{from} cannot be answered: {error}"),
        }
    }

    async fn answer(&self) -> Value {
        let hostname = nix::unistd::gethostname().unwrap_or_default();
        let mut answer = json!({
            "service": "openplc-runtime",
            "protocol_version": 1,
            "runtime_version": COMPATIBLE_VERSION,
            "hostname": hostname.to_string_lossy(),
            "api_port": self.api_port,
        });
        if self.names_project {
            let application = Arc::clone(&self.application);
            let stored = tokio::task::spawn_blocking(move || application.projects.stored()).await;
            // What cannot be read is complained about where somebody asks for it.
            if let Ok(Ok(Some(stored))) = stored {
                answer["project_name"] = Value::from(beginning(&stored.details.project_name));
                if let Some(time) = stored.details.timestamp {
                    answer["project_timestamp"] = Value::from(beginning(&time));
                }
            }
        }
        answer
    }
}

fn beginning(text: &str) -> String {
    text.chars().take(MOST).collect()
}

fn is_request(datagram: &[u8]) -> bool {
    datagram.len() <= LONGEST && datagram.trim_ascii() == REQUEST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_word_is_a_request() {
        for request in [&b"OPENPLC_DISCOVER_V1"[..], b" OPENPLC_DISCOVER_V1\r\n"] {
            assert!(is_request(request));
        }
        let padded = [REQUEST, &[b' '; LONGEST - 18]].concat();
        assert_eq!(padded.len(), LONGEST + 1);
        for other in [
            &b""[..],
            b"OPENPLC_DISCOVER_V2",
            b"OPENPLC_DISCOVER_V1\0",
            b"OPENPLC_DISCOVER_V",
            &padded,
        ] {
            assert!(!is_request(other));
        }
    }
}
