//! The project that is stored beside the program.

use std::io;
use std::sync::Arc;

use hyper::StatusCode;
use openplc_accounts::Session;
use serde_json::{Value, json};

use super::accounts::require_admin;
use crate::answers::{self, Answer};
use crate::application::Application;
use crate::project::{Download, Stored};

/// The whole project, for admins only: it is the source of what the machine does.
pub async fn fetch(application: &Arc<Application>, session: &Session) -> Result<Answer, Answer> {
    require_admin(session)?;
    let Some(stored) = stored(application).await? else {
        return Err(answers::message(
            StatusCode::NOT_FOUND,
            "No project is stored on this device",
        ));
    };
    let (by, name) = (&session.user.username, &stored.details.project_name);
    tracing::info!(user = by, "The stored project {name:?} is fetched by {by:?}");
    let download = Download::new(stored);
    Ok(answers::stream(download.length(), download.pieces()))
}

/// What is known of it.
pub async fn describe(application: &Arc<Application>) -> Result<Answer, Answer> {
    let Some(stored) = stored(application).await? else {
        return Ok(answers::ok(&json!({ "present": false })));
    };
    let mut document = serde_json::to_value(&stored.details).map_err(|error| unreadable(&error.into()))?;
    document["present"] = Value::from(true);
    document["sizeBytes"] = Value::from(stored.size);
    Ok(answers::ok(&document))
}

async fn stored(application: &Arc<Application>) -> Result<Option<Stored>, Answer> {
    let application = Arc::clone(application);
    tokio::task::spawn_blocking(move || application.projects.stored())
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error)))
        .map_err(|error| unreadable(&error))
}

fn unreadable(error: &io::Error) -> Answer {
    tracing::error!("The stored project cannot be read: {error}");
    answers::error(
        StatusCode::INTERNAL_SERVER_ERROR,
        "The stored project cannot be read; the next upload with a project replaces it",
    )
}
