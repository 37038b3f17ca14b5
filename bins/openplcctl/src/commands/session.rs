//! Logging in and out.

use std::io::Write;

use anyhow::Context;
use hyper::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Output;
use crate::arguments::Login;
use crate::client::Client;
use crate::failure::Failure;
use crate::memory::Session;
use crate::password::{self, Asked};

#[derive(Deserialize)]
struct LoggedIn {
    access_token: String,
}

/// Logs in, and creates the first user before if asked for.
///
/// # Errors
/// When the runtime refuses or cannot be reached.
pub async fn login(client: &mut Client, output: Output, login: Login) -> Result<(), Failure> {
    client.leave_session();
    let new_runtime = client.get("/api/get-users-info").await?.status() == StatusCode::NOT_FOUND;
    match (new_runtime, login.create) {
        (true, false) => {
            let host = client.host();
            return Err(Failure::Refused(format!(
                "{host} has no user yet. Create the first one with: openplcctl login --create {host}"
            )));
        }
        (false, true) => {
            return Err(Failure::Refused(format!(
                "{} has users already: log in without --create",
                client.host()
            )));
        }
        _ => {}
    }
    let user = match login.user {
        Some(user) => user,
        None => ask_user()?,
    };
    let asked = if login.create { Asked::First } else { Asked::Login };
    let password = password::obtain(login.password_stdin, asked)?;
    let account = json!({ "username": user, "password": password });
    if login.create {
        let answer = client.post("/api/create-user", &account).await?;
        if answer.status() != StatusCode::CREATED {
            return Err(answer.refusal());
        }
    }
    let answer = client.post("/api/login", &account).await?;
    if !answer.status().is_success() {
        return Err(answer.refusal());
    }
    let token = answer.document::<LoggedIn>()?.access_token;
    client.memory().remember_session(
        client.host(),
        Session {
            user: user.clone(),
            token,
        },
    )?;
    let host = client.host().to_string();
    output.result(
        &format!("Logged in to {host} as {user}"),
        &json!({ "host": host, "user": user }),
    );
    Ok(())
}

/// Ends the session here and on the runtime.
///
/// # Errors
/// When what is remembered cannot be changed.
pub async fn logout(client: &mut Client, output: Output) -> Result<(), Failure> {
    // A session that has ended there already, or a host that is gone, is left all the same.
    let ended = client
        .post("/api/logout", &Value::Object(serde_json::Map::new()))
        .await;
    client.memory().forget_session(client.host())?;
    let host = client.host().to_string();
    output.result(&format!("Logged out of {host}"), &json!({ "host": host }));
    match ended {
        Err(failure @ Failure::CertificateChanged { .. }) => Err(failure),
        _ => Ok(()),
    }
}

/// Forgets certificate and session of the host.
///
/// # Errors
/// When what is remembered cannot be changed.
pub fn forget(client: &Client, output: Output) -> Result<(), Failure> {
    client.memory().remember_certificate(client.host(), None)?;
    client.memory().forget_session(client.host())?;
    let host = client.host().to_string();
    output.result(
        &format!("Forgot the certificate and the session of {host}"),
        &json!({ "host": host }),
    );
    Ok(())
}

fn ask_user() -> Result<String, Failure> {
    eprint!("User: ");
    let _ = std::io::stderr().flush();
    let mut line = String::new();
    std::io::stdin()
        .read_line(&mut line)
        .context("Cannot read the user name")?;
    let user = line.trim().to_owned();
    if user.is_empty() {
        Err(Failure::Refused("A user name is needed: --user NAME".into()))
    } else {
        Ok(user)
    }
}
