//! Commands that somebody sends to the plugin by `POST /api/plugin-command`.

use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use openplc_wire::image::Report;
use serde_json::{Value, json};

/// Commands at work at the same time.
const MOST: usize = 4;
/// Longest answer in bytes, as a JSON text; less than the longest message.
const LONGEST: usize = 60 << 10;
/// How long a plugin may take from its start until it says what answers commands.
const BEGINNING: Duration = Duration::from_secs(1);

/// A command.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    /// What is wanted.
    pub command: String,
    /// A JSON object, or null.
    pub params: Value,
}

/// The answer to a command.
#[derive(Debug)]
pub struct Reply {
    /// Any JSON document.
    pub document: Value,
    /// Descriptors for the core, which knows what to do with them: users get the document only.
    pub descriptors: Vec<OwnedFd>,
}

impl From<Value> for Reply {
    fn from(document: Value) -> Self {
        Self {
            document,
            descriptors: Vec::new(),
        }
    }
}

/// What answers commands.
pub(crate) type Handler = dyn Fn(&Command) -> Reply + Send + Sync;

/// Counts a command for as long as it lives.
struct AtWork(Arc<AtomicUsize>);

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Where the plugin puts what answers, once it has begun.
#[derive(Default)]
struct HandlerPlace {
    handler: Mutex<Option<Arc<Handler>>>,
    is_there: Condvar,
}

impl HandlerPlace {
    /// A command may come before the plugin has said what answers: it is attached before it begins.
    fn wait(&self) -> Option<Arc<Handler>> {
        let handler = self.handler.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self
            .is_there
            .wait_timeout_while(handler, BEGINNING, |handler| handler.is_none());
        let (handler, _) = waited.unwrap_or_else(PoisonError::into_inner);
        handler.clone()
    }
}

/// Answers commands, each on a thread of its own: one that takes long holds up nothing.
#[derive(Clone, Default)]
pub(crate) struct Commands {
    handler: Arc<HandlerPlace>,
    at_work: Arc<AtomicUsize>,
}

impl Commands {
    pub fn set(&self, handler: Arc<Handler>) {
        *self
            .handler
            .handler
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(handler);
        self.handler.is_there.notify_all();
    }

    /// Has a command answered; `send` gets the answer, from whatever thread.
    pub fn answer(
        &self,
        number: u64,
        command: Command,
        send: impl Fn(Report, Vec<OwnedFd>) + Send + 'static,
    ) {
        if self.at_work.fetch_add(1, Ordering::Relaxed) >= MOST {
            self.at_work.fetch_sub(1, Ordering::Relaxed);
            let document = json!({ "error": "the plugin is busy with other commands" });
            return send(Report::Answer { number, document }, Vec::new());
        }
        let at_work = AtWork(self.at_work.clone());
        let handler = self.handler.clone();
        // One that cannot start is not answered; the core says so after a while.
        let _ = thread::Builder::new().name("command".into()).spawn(move || {
            let _at_work = at_work;
            let Reply {
                document,
                descriptors,
            } = match handler.wait() {
                Some(handler) => handler(&command),
                None => json!({ "error": "this plugin takes no commands" }).into(),
            };
            let document = if document.to_string().len() > LONGEST {
                json!({ "error": "the plugin's answer is too long" })
            } else {
                document
            };
            send(Report::Answer { number, document }, descriptors);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    fn answer(commands: &Commands, command: &str) -> Value {
        let (sender, receiver) = channel();
        let command = Command {
            command: command.into(),
            params: Value::Null,
        };
        commands.answer(7, command, move |report, _| sender.send(report).unwrap());
        match receiver.recv().unwrap() {
            Report::Answer { number: 7, document } => document,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_command_is_answered_whatever_the_handler_does() {
        let commands = Commands::default();
        assert!(
            answer(&commands, "x")["error"]
                .as_str()
                .unwrap()
                .contains("takes no")
        );
        commands.set(Arc::new(|command: &Command| match command.command.as_str() {
            "long" => Value::from("x".repeat(LONGEST)).into(),
            other => json!({ "did": other }).into(),
        }));
        assert_eq!(answer(&commands, "it"), json!({ "did": "it" }));
        assert!(answer(&commands, "long")["error"].is_string());
        assert_eq!(answer(&commands, "again"), json!({ "did": "again" }));
    }
}
