//! Reception of `program.zip`: streamed into a memory file, whatever its size.

use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use http_body_util::BodyDataStream;
use hyper::StatusCode;
use hyper::header::CONTENT_TYPE;
use multer::{Constraints, Multipart, SizeLimit};
use openplc_accounts::Session;
use openplc_wire::deploy::DeployError;
use openplc_wire::memory_file;
use serde_json::json;
use thiserror::Error;

use super::Request;
use crate::answers::{self, Answer};
use crate::application::Application;
use crate::body::{BodyError, RequestBody};
use crate::deployment::{self, Upload};

/// Largest `program.zip`, in bytes.
const MAX_ZIP: u64 = 50 << 20;
/// Largest request, in bytes: the Editor may add a project of up to 100 MiB, which is read and dropped.
const MAX_REQUEST: u64 = 152 << 20;
/// What may arrive before a part's next piece of content: its headers, in bytes.
const MAX_PART_HEADERS: usize = 256 << 10;
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
        return Err(too_large());
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
    let zip = tokio::time::timeout(RECEPTION, read_zip(request.body, boundary))
        .await
        .unwrap_or_else(|_| {
            Err(refused(
                StatusCode::REQUEST_TIMEOUT,
                "The upload took longer than five minutes and was given up",
            ))
        })?;
    drop(reception);
    // Not before: an upload that stalls on its way must keep nobody else from building.
    let slot = application.builds.reserve().ok_or_else(busy)?;
    let size = zip.metadata().map(|metadata| metadata.len()).unwrap_or_default();
    let (user, peer) = (&session.user.username, request.peer);
    tracing::info!(user, %peer, size, clean, "Upload of {size} bytes received from {user:?} at {peer}");
    let upload = Upload {
        zip,
        username: session.user.username,
        clean,
        slot,
    };
    match deployment::start(application, upload).await {
        Ok(()) => Ok(answers::ok(&json!({
            "UploadFileFail": "",
            "CompilationStatus": "COMPILING",
            "ProjectSnapshotWarning": "",
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

fn too_large() -> Answer {
    refused(
        StatusCode::PAYLOAD_TOO_LARGE,
        "File is too large: program.zip may have at most 50 MiB",
    )
}

/// The content of the part `file` as a sealed memory file. Other parts are read and dropped.
async fn read_zip(body: &mut RequestBody, boundary: String) -> Result<File, Answer> {
    let unused = Arc::new(AtomicUsize::new(0));
    let limits = SizeLimit::new()
        .whole_stream(MAX_REQUEST)
        .for_field("file", MAX_ZIP);
    let stream = bounded(body, Arc::clone(&unused));
    let mut parts = Multipart::with_constraints(stream, boundary, Constraints::new().size_limit(limits));
    let mut zip = None;
    while let Some(mut part) = parts.next_field().await.map_err(|error| broken(&error))? {
        let mut file = match part.name() {
            Some("file") if zip.is_none() => {
                Some(memory_file::create("program.zip").map_err(|error| no_memory(&error))?)
            }
            _ => None,
        };
        unused.store(0, Ordering::Relaxed);
        while let Some(piece) = part.chunk().await.map_err(|error| broken(&error))? {
            unused.store(0, Ordering::Relaxed);
            if let Some(file) = &mut file {
                file.write_all(&piece).map_err(|error| no_memory(&error))?;
            }
        }
        zip = zip.or(file);
    }
    let zip = zip.ok_or_else(|| refused(StatusCode::BAD_REQUEST, "No file part in the request"))?;
    memory_file::seal(&zip).map_err(|error| no_memory(&error))?;
    Ok(zip)
}

/// The bytes of a body, which fail once more than [`MAX_PART_HEADERS`] have arrived since `unused` was last set to 0:
/// the parser keeps what it cannot use yet.
fn bounded(
    body: &mut RequestBody,
    unused: Arc<AtomicUsize>,
) -> impl Stream<Item = Result<bytes::Bytes, StreamError>> + Send {
    BodyDataStream::new(body).map(move |piece| {
        let piece = piece.map_err(StreamError::Body)?;
        if unused.fetch_add(piece.len(), Ordering::Relaxed) > MAX_PART_HEADERS {
            return Err(StreamError::Headers);
        }
        Ok(piece)
    })
}

/// Why the bytes of an upload end.
#[derive(Debug, Error)]
enum StreamError {
    #[error(transparent)]
    Body(#[from] BodyError),
    #[error("the headers of a part are too long")]
    Headers,
}

fn no_memory(error: &io::Error) -> Answer {
    tracing::error!("An upload cannot be kept: {error}");
    refused(
        StatusCode::INSUFFICIENT_STORAGE,
        "The device has no memory left for the upload",
    )
}

fn broken(error: &multer::Error) -> Answer {
    match error {
        multer::Error::FieldSizeExceeded { .. } | multer::Error::StreamSizeExceeded { .. } => too_large(),
        error => {
            tracing::info!("An upload is broken: {error}");
            refused(
                StatusCode::BAD_REQUEST,
                "The upload is incomplete or is no sound multipart/form-data",
            )
        }
    }
}
