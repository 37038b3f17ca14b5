//! An upload: received, given to a build, and answered.

use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use hyper::header::CONTENT_TYPE;
use openplc_accounts::Session;
use openplc_wire::deploy::DeployError;
use serde_json::json;

use super::Request;
use crate::answers::{self, Answer};
use crate::application::Application;
use crate::deployment::{self, Upload};
use crate::reception::{self, MAX_REQUEST, ReceptionError};

/// Longest time in which an upload arrives: the Editor's own limit.
const RECEPTION: Duration = Duration::from_secs(300);

pub async fn receive(
    application: &Arc<Application>,
    request: &mut Request<'_>,
    session: Session,
) -> Result<Answer, Answer> {
    let clean = request.parameter("clean").is_some_and(|value| value == "1");
    let boundary = request
        .parts
        .headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|kind| multer::parse_boundary(kind).ok())
        .ok_or_else(|| {
            refused(
                StatusCode::BAD_REQUEST,
                "A multipart/form-data body with a part 'file' is expected",
            )
        })?;
    if hyper::body::Body::size_hint(request.body).lower() > MAX_REQUEST {
        return Err(refusal(&ReceptionError::TooLarge));
    }
    if application.builds.is_reserved() {
        return Err(busy());
    }
    let reception = application.builds.receive().ok_or_else(|| {
        refused(
            StatusCode::CONFLICT,
            "Runtime is receiving several other uploads, please wait a few seconds",
        )
    })?;
    let received = reception::receive(request.body, boundary, &application.projects);
    let mut received = tokio::time::timeout(RECEPTION, received)
        .await
        .map_err(|_| {
            refused(
                StatusCode::REQUEST_TIMEOUT,
                "The upload took longer than five minutes and was given up",
            )
        })?
        .map_err(|error| refusal(&error))?;
    drop(reception);
    let user = application.confirm(&session)?.user;
    if let Some(project) = &mut received.project {
        // Who it is, and not who the client says it is.
        project.details.uploaded_by = Some(user.username.clone());
    }
    // Not before: an upload that stalls on its way must keep nobody else from building.
    let slot = application.builds.reserve().ok_or_else(busy)?;
    let size = received
        .zip
        .metadata()
        .map(|metadata| metadata.len())
        .unwrap_or_default();
    let (name, peer) = (&user.username, request.peer);
    tracing::info!(user = name, %peer, size, clean, "Upload of {size} bytes received from {name:?} at {peer}");
    let warning = received.project_warning.unwrap_or_default();
    if !warning.is_empty() {
        tracing::warn!(user = name, "{warning}");
    }
    let upload = Upload {
        zip: received.zip,
        project: received.project,
        user,
        clean,
        slot,
    };
    match deployment::start(application, upload).await {
        Ok(()) => Ok(answers::ok(&json!({
            "UploadFileFail": "",
            "CompilationStatus": "COMPILING",
            "ProjectSnapshotWarning": warning,
        }))),
        Err(DeployError::Rejected(reason)) => Err(refused(StatusCode::BAD_REQUEST, &reason)),
        Err(DeployError::Unavailable(reason) | DeployError::Failed(reason)) => {
            Err(refused(StatusCode::SERVICE_UNAVAILABLE, &reason))
        }
    }
}

/// Why an upload is refused: nothing of it was used.
fn refused(status: StatusCode, reason: &str) -> Answer {
    answers::json(status, &json!({ "UploadFileFail": reason }))
}

fn busy() -> Answer {
    refused(
        StatusCode::CONFLICT,
        "Runtime is compiling another program, please wait until it has finished",
    )
}

fn refusal(error: &ReceptionError) -> Answer {
    let status = match error {
        ReceptionError::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ReceptionError::NoFile => StatusCode::BAD_REQUEST,
        ReceptionError::NoMemory(error) => {
            tracing::error!("An upload cannot be kept: {error}");
            StatusCode::INSUFFICIENT_STORAGE
        }
        ReceptionError::Broken(error) => {
            tracing::info!("An upload is broken: {error}");
            StatusCode::BAD_REQUEST
        }
    };
    refused(status, &error.to_string())
}
