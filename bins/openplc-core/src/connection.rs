//! One control client: its requests, one after the other.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use openplc_wire::control::{Answer, Refusal, Request};
use openplc_wire::frame::{Kind, MAX_REQUEST};
use openplc_wire::manifest::{MAX_MANIFEST, MAX_OBJECT};
use openplc_wire::memory_file;
use openplc_wire::retain::Start;
use openplc_wire::transport::{Connection, Received, TransportError};
use serde_json::Value;

use crate::log_ring::LogRing;
use crate::machine::{Machine, Refused};
use crate::plugins::Plugins;

/// A client that does not take its answer for this long is given up.
const ANSWER_PATIENCE: Duration = Duration::from_secs(5);

/// Answers requests until the client hangs up or breaks the protocol.
pub fn serve(stream: UnixStream, machine: &Arc<Machine>, plugins: Option<&Plugins>, log: &LogRing) {
    let error = match stream.set_write_timeout(Some(ANSWER_PATIENCE)) {
        Ok(()) => converse(Connection::new(stream, MAX_REQUEST), machine, plugins, log),
        Err(error) => TransportError::Io(error),
    };
    if !matches!(error, TransportError::Closed) {
        tracing::debug!("A control client was given up: {error}");
    }
}

/// Goes on until an error ends it.
fn converse(
    mut connection: Connection,
    machine: &Arc<Machine>,
    plugins: Option<&Plugins>,
    log: &LogRing,
) -> TransportError {
    loop {
        let result = connection
            .receive_frame()
            .and_then(|received| match received.kind {
                kind @ (Kind::Debug | Kind::DebugLittleEndian) => {
                    match machine.debug(&received.payload, kind == Kind::DebugLittleEndian) {
                        Ok(answer) => connection.send_frame(kind, &answer, &[]),
                        Err(refused) => connection.send(&refuse(refused)),
                    }
                }
                Kind::Message => connection.send(&answer(received, machine, plugins, log)),
            });
        if let Err(error) = result {
            return error;
        }
    }
}

fn answer(received: Received, machine: &Arc<Machine>, plugins: Option<&Plugins>, log: &LogRing) -> Answer {
    let request = match serde_json::from_slice(&received.payload) {
        Ok(request) => request,
        Err(error) => {
            return Answer::Refused {
                reason: Refusal::Invalid,
                message: format!("the request is not understood: {error}"),
            };
        }
    };
    let outcome = match request {
        Request::Ping => Ok(()),
        Request::Status { detail } => return Answer::Status(Box::new(machine.status(detail))),
        Request::Logs { from, level } => {
            return Answer::Logs {
                entries: log.read(from, level),
            };
        }
        Request::Variables => {
            let (program, variables) = machine.variables();
            return Answer::Variables { program, variables };
        }
        Request::Retain => return Answer::Retain(Box::new(machine.retain_status())),
        Request::Plugins => {
            return Answer::Plugins {
                plugins: plugins.map(Plugins::status).unwrap_or_default(),
            };
        }
        Request::PluginCommand {
            plugin,
            command,
            params,
        } => return command_plugin(plugins, &plugin, &command, params),
        Request::Holds { program } => {
            return Answer::Holds {
                held: machine.holds(&program),
            };
        }
        Request::Start => machine.start(Start::Warm),
        Request::ColdStart => machine.start(Start::Cold),
        Request::Stop => machine.stop(),
        Request::Load => load(received.descriptors, machine),
        Request::Activate { program } => machine.activate(&program),
    };
    outcome.map_or_else(refuse, |()| Answer::Done)
}

fn load(descriptors: Vec<OwnedFd>, machine: &Arc<Machine>) -> Result<(), Refused> {
    let invalid = |message: String| Refused {
        reason: Refusal::Invalid,
        message,
    };
    let [object, manifest] = <[OwnedFd; 2]>::try_from(descriptors)
        .map_err(|_| invalid("load needs two descriptors: object and manifest".into()))?;
    let object = memory_file::read_sealed(object, MAX_OBJECT).map_err(|error| invalid(error.to_string()))?;
    let manifest =
        memory_file::read_sealed(manifest, MAX_MANIFEST).map_err(|error| invalid(error.to_string()))?;
    machine.load(&object, &manifest)
}

fn command_plugin(plugins: Option<&Plugins>, plugin: &str, command: &str, params: Value) -> Answer {
    let answer = plugins.map(|plugins| plugins.command(plugin, command, params));
    match answer.unwrap_or_else(|| Err("no plugin can work here: no image socket was passed".into())) {
        Ok(document) => Answer::PluginAnswer { document },
        Err(message) => Answer::Refused {
            reason: Refusal::Failed,
            message,
        },
    }
}

fn refuse(refused: Refused) -> Answer {
    Answer::Refused {
        reason: refused.reason,
        message: refused.message,
    }
}
