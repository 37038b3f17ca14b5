//! The debugger's channel: Socket.IO, namespace `/api/debug`.
//!
//! The protocol has no identity that would tie a response to its command. So each client has its own queue and its own
//! task: one response to each command, in order, to that client only.

use std::sync::Arc;
use std::time::{Duration, Instant};

use openplc_accounts::TokenError;
use openplc_wire::frame::Kind;
use serde::Deserialize;
use serde_json::{Value, json};
use socketioxide::SocketIo;
use socketioxide::extract::{SocketRef, TryData};
use socketioxide::handler::ConnectHandler;
use tokio::sync::{Notify, mpsc};

use crate::application::Application;
use crate::core_client::DebugReply;
use crate::debug_frame;
use crate::places::Visitor;

/// Name of the namespace.
const NAMESPACE: &str = "/api/debug";
/// Commands of one client that may wait. The Editor has at most two under way.
const QUEUE: usize = 64;
/// Longest time from a command to its response, whatever else waits. The Editor gives up after 5 s and would take a later
/// response for that to its next command.
const PATIENCE: Duration = Duration::from_secs(4);
/// How often a client that is silent is looked at.
const LOOK: Duration = Duration::from_secs(60);
/// What is said for the core when it says nothing.
const NO_RESPONSE: &str = "No response from runtime";

/// A token, as the connection's payload or in `reauth`.
#[derive(Deserialize)]
struct Credentials {
    token: String,
}

#[derive(Deserialize)]
struct Command {
    command: String,
}

/// What a client asked for.
enum Task {
    Command { text: Option<String>, received: Instant },
    Reauthenticate(Option<String>),
}

/// Serves the namespace.
pub fn serve(io: &SocketIo, application: &Arc<Application>) {
    let admit = {
        let application = Arc::clone(application);
        async move |socket: SocketRef, TryData(credentials): TryData<Credentials>| match token_of(
            &socket,
            credentials.ok(),
        )
        .map(|token| application.accounts.authenticate(&token))
        {
            Some(Ok(session)) => {
                set_known(&socket, true);
                let user = &session.user.username;
                tracing::info!(user, client = %socket.id, "Debugger {} of {user:?} connected", socket.id);
                Ok(())
            }
            _ => Err("Connection rejected by server"),
        }
    };
    let connected = {
        let application = Arc::clone(application);
        // Not async: it runs before the next message of the client is looked at, which may be a command.
        move |socket: SocketRef, TryData(credentials): TryData<Credentials>| {
            if let Some(token) = token_of(&socket, credentials.ok()) {
                attend(&socket, token, &application);
            }
            std::future::ready(())
        }
    };
    io.ns(NAMESPACE, connected.with(admit));
}

/// The token of the connection's payload, otherwise of its query.
fn token_of(socket: &SocketRef, credentials: Option<Credentials>) -> Option<String> {
    let from_query = || {
        let query = socket.req_parts().uri.query()?;
        query
            .split('&')
            .find_map(|pair| pair.strip_prefix("token="))
            .map(str::to_owned)
    };
    credentials
        .map(|credentials| credentials.token)
        .or_else(from_query)
}

/// Starts to serve one client.
fn attend(socket: &SocketRef, token: String, application: &Arc<Application>) {
    let (sender, tasks) = mpsc::channel(QUEUE);
    socket.on("debug_command", {
        let sender = sender.clone();
        // Not async: it runs as the command is read, so the queue has the order of the wire.
        move |socket: SocketRef, TryData(command): TryData<Command>| {
            let text = command.ok().map(|command| command.command);
            enqueue(
                &socket,
                &sender,
                Task::Command {
                    text,
                    received: Instant::now(),
                },
            );
            std::future::ready(())
        }
    });
    socket.on(
        "reauth",
        move |socket: SocketRef, TryData(credentials): TryData<Credentials>| {
            let token = credentials.ok().map(|credentials| credentials.token);
            enqueue(&socket, &sender, Task::Reauthenticate(token));
            std::future::ready(())
        },
    );
    let gone = Arc::new(Notify::new());
    socket.on_disconnect({
        let gone = Arc::clone(&gone);
        move |socket: SocketRef, reason: socketioxide::socket::DisconnectReason| {
            tracing::info!(client = %socket.id, "Debugger {} disconnected: {reason}", socket.id);
            gone.notify_one();
            std::future::ready(())
        }
    });
    tokio::spawn(work(socket.clone(), token, Arc::clone(application), tasks, gone));
}

fn enqueue(socket: &SocketRef, sender: &mpsc::Sender<Task>, task: Task) {
    if sender.try_send(task).is_err() {
        // An answer now would be out of order.
        drop_client(socket, "sends commands without waiting for their responses");
    }
}

fn drop_client(socket: &SocketRef, why: &str) {
    tracing::warn!(client = %socket.id, "Debugger {} is disconnected: it {why}", socket.id);
    set_known(socket, false);
    // It is gone already.
    let _ = socket.clone().disconnect();
}

/// Says whether the client's connection is that of somebody known.
fn set_known(socket: &SocketRef, known: bool) {
    if let Some(visitor) = socket.req_parts().extensions.get::<Visitor>() {
        visitor.set_known(known);
    }
}

/// Answers the commands of one client, one after the other, until it leaves.
async fn work(
    socket: SocketRef,
    mut token: String,
    application: Arc<Application>,
    mut tasks: mpsc::Receiver<Task>,
    gone: Arc<Notify>,
) {
    let mut kind = Kind::Debug;
    let accounts = &application.accounts;
    let mut user = accounts.authenticate(&token).map_or(0, |session| session.user.id);
    let mut sent = socket.emit("connected", &json!({ "status": "ok" })).is_ok();
    while sent {
        // An ended token may be replaced by another, a deleted account has none.
        if accounts.user(user).is_none() {
            return drop_client(&socket, "belongs to an account that is not there any more");
        }
        let next = async {
            tokio::select! {
                task = tasks.recv() => task,
                () = gone.notified() => None,
            }
        };
        sent = match tokio::time::timeout(LOOK, next).await {
            Err(_) => true,
            Ok(None) => return,
            Ok(Some(Task::Command { text, received })) => {
                let response = match accounts.authenticate(&token) {
                    Err(TokenError::Expired) => failure("token_expired"),
                    Err(_) => failure("Unauthorized"),
                    Ok(_) => {
                        let left = PATIENCE.saturating_sub(received.elapsed());
                        let response = respond(&application, text.as_deref(), &mut kind);
                        tokio::time::timeout(left, response)
                            .await
                            .unwrap_or_else(|_| failure(NO_RESPONSE))
                    }
                };
                socket.emit("debug_response", &response).is_ok()
            }
            Ok(Some(Task::Reauthenticate(offered))) => {
                let result = match offered.filter(|offered| !offered.is_empty()) {
                    None => failure("no token"),
                    Some(offered) => match accounts.authenticate(&offered) {
                        Ok(session) => {
                            user = session.user.id;
                            token = offered;
                            json!({ "success": true })
                        }
                        Err(_) => failure("Unauthorized"),
                    },
                };
                socket.emit("reauth_result", &result).is_ok()
            }
        };
    }
    if socket.connected() {
        drop_client(&socket, "does not read its responses");
    }
}

/// The response to one command of a session, the frames of which are of this kind.
pub async fn respond(application: &Application, command: Option<&str>, kind: &mut Kind) -> Value {
    let frame = match debug_frame::parse(command.unwrap_or_default()) {
        Ok(frame) => frame,
        Err(error) => return failure(&error.to_string()),
    };
    *kind = debug_frame::kind(&frame, *kind);
    match application.core.debug(*kind, &frame).await {
        Ok(DebugReply::Frame(reply)) => json!({ "success": true, "data": debug_frame::format(&reply) }),
        Ok(DebugReply::Refused(message)) => failure(&message),
        Err(error) => {
            tracing::debug!("A debug command has no answer: {error}");
            failure(NO_RESPONSE)
        }
    }
}

fn failure(error: &str) -> Value {
    json!({ "success": false, "error": error })
}
