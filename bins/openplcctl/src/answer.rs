//! What a runtime answered.

use bytes::Bytes;
use hyper::StatusCode;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::failure::Failure;
use crate::host::Host;

/// Status and body.
#[derive(Debug)]
pub struct Answer {
    host: Host,
    status: StatusCode,
    body: Bytes,
}

impl Answer {
    /// As it came.
    pub fn new(host: Host, status: StatusCode, body: Bytes) -> Self {
        Self { host, status, body }
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The document of a successful answer.
    ///
    /// # Errors
    /// When the answer is a refusal, or not what this program understands.
    pub fn document<D: DeserializeOwned>(&self) -> Result<D, Failure> {
        if self.status == StatusCode::UNAUTHORIZED {
            let reason = format!(
                "You are not logged in to {}, or the session has ended.",
                self.host
            );
            return Err(Failure::NotLoggedIn {
                host: self.host.clone(),
                reason,
            });
        }
        if !self.status.is_success() {
            return Err(self.refusal());
        }
        serde_json::from_slice(&self.body).map_err(|error| {
            Failure::Refused(format!(
                "The answer of {} was not understood ({error}). Is it an OpenPLC Runtime of this version?",
                self.host
            ))
        })
    }

    /// What the runtime said, as a failure.
    pub fn refusal(&self) -> Failure {
        Failure::Refused(self.message())
    }

    /// The text in the body: the API gives `msg`, `error` or a bare string.
    fn message(&self) -> String {
        let text = match serde_json::from_slice::<Value>(&self.body) {
            Ok(Value::String(text)) => Some(text),
            Ok(Value::Object(object)) => ["msg", "error"]
                .iter()
                .find_map(|key| object.get(*key)?.as_str().map(str::to_owned)),
            _ => None,
        };
        let text = text.unwrap_or_else(|| String::from_utf8_lossy(&self.body).chars().take(500).collect());
        if text.trim().is_empty() {
            format!("{} answered {}", self.host, self.status)
        } else {
            text
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &'static str) -> Answer {
        Answer::new(
            Host::default(),
            StatusCode::from_u16(status).unwrap(),
            Bytes::from_static(body.as_bytes()),
        )
    }

    #[test]
    fn the_runtimes_own_words_are_shown() {
        for (body, expected) in [
            (r#""Wrong username or password""#, "Wrong username or password"),
            (
                r#"{"msg":"Admin privileges required"}"#,
                "Admin privileges required",
            ),
            (r#"{"error":"Empty command"}"#, "Empty command"),
            ("plain text", "plain text"),
            ("", "127.0.0.1:8443 answered 403 Forbidden"),
        ] {
            let failure = answer(403, body).document::<Value>().unwrap_err();
            assert_eq!(failure.to_string(), expected);
            assert_eq!(failure.exit_code(), 1);
        }
    }

    #[test]
    fn an_ended_session_has_its_own_exit_code_and_hint() {
        let failure = answer(401, r#"{"msg":"Token has expired"}"#)
            .document::<Value>()
            .unwrap_err();
        assert_eq!(failure.exit_code(), 4);
        assert!(failure.to_string().contains("openplcctl login"));
    }

    #[test]
    fn another_kind_of_server_is_recognised() {
        let failure = answer(200, "<html>").document::<Value>().unwrap_err();
        assert!(failure.to_string().contains("not understood"), "{failure}");
    }
}
