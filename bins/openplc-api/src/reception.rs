//! Reading an upload: the parts of a multipart body, each bounded where it arrives.

use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::{Stream, StreamExt};
use http_body_util::BodyDataStream;
use multer::{Constraints, Field, Multipart, SizeLimit};
use openplc_wire::memory_file;
use thiserror::Error;

use crate::body::{BodyError, RequestBody};
use crate::project::{Details, Project, ProjectStore, StageError, Staged};

/// Largest `program.zip`, in bytes.
const MAX_ZIP: u64 = 50 << 20;
/// Largest request, in bytes: the Editor may add a project of up to 100 MiB.
pub const MAX_REQUEST: u64 = 152 << 20;
/// What may arrive before a part's next piece of content: its headers, in bytes.
const MAX_PART_HEADERS: usize = 256 << 10;
/// Longest description of a project, in bytes.
const MAX_DETAILS: usize = 256 << 10;

/// What an upload brought.
#[derive(Debug)]
pub struct Received {
    /// Sealed memory file with the content of the part `file`.
    pub zip: File,
    /// Parts `snapshot` and `snapshot_metadata`, if both were there.
    pub project: Option<Project>,
    /// Why there is no project although one was sent. The program is built all the same.
    pub project_warning: Option<String>,
}

/// Why an upload cannot be used at all.
#[derive(Debug, Error)]
pub enum ReceptionError {
    #[error("File is too large: program.zip may have at most {} MiB", MAX_ZIP >> 20)]
    TooLarge,
    #[error("No file part in the request")]
    NoFile,
    #[error("The device has no memory left for the upload")]
    NoMemory(#[source] io::Error),
    #[error("The upload is incomplete or is no sound multipart/form-data")]
    Broken(#[source] multer::Error),
}

impl From<multer::Error> for ReceptionError {
    fn from(error: multer::Error) -> Self {
        match error {
            multer::Error::FieldSizeExceeded { .. } | multer::Error::StreamSizeExceeded { .. } => {
                Self::TooLarge
            }
            error => Self::Broken(error),
        }
    }
}

/// Reads the whole of `body`. Parts that are not known are read and dropped.
///
/// # Errors
/// See [`ReceptionError`].
pub async fn receive(
    body: &mut RequestBody,
    boundary: String,
    projects: &ProjectStore,
) -> Result<Received, ReceptionError> {
    let unused = Arc::new(AtomicUsize::new(0));
    let limits = SizeLimit::new()
        .whole_stream(MAX_REQUEST)
        .for_field("file", MAX_ZIP);
    let stream = bounded(body, Arc::clone(&unused));
    let mut parts = Multipart::with_constraints(stream, boundary, Constraints::new().size_limit(limits));
    let (mut zip, mut archive, mut details) = (None, None, None);
    while let Some(part) = parts.next_field().await? {
        unused.store(0, Ordering::Relaxed);
        let mut part = Part {
            field: part,
            unused: &unused,
        };
        match part.field.name() {
            Some("file") if zip.is_none() => zip = Some(part.zip().await?),
            Some("snapshot") if archive.is_none() => archive = Some(part.archive(projects).await?),
            Some("snapshot_metadata") if details.is_none() => details = Some(part.details().await?),
            _ => part.drop_content().await?,
        }
    }
    let zip = zip.ok_or(ReceptionError::NoFile)?;
    memory_file::seal(&zip).map_err(ReceptionError::NoMemory)?;
    let project = match (archive, details) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err("a description came without a project".into()),
        (Some(_), None) => Err("it came without its description".into()),
        (Some(Err(error)), _) => Err(error.to_string()),
        (_, Some(Err(error))) => Err(error),
        (Some(Ok(archive)), Some(Ok(details))) => Ok(Some(Project { details, archive })),
    };
    let (project, warning) = match project {
        Ok(project) => (project, None),
        Err(reason) => (
            None,
            Some(format!("The project is not stored on the device: {reason}")),
        ),
    };
    Ok(Received {
        zip,
        project,
        project_warning: warning,
    })
}

/// A part whose content is arriving.
struct Part<'a, 'b> {
    field: Field<'a>,
    unused: &'b AtomicUsize,
}

impl Part<'_, '_> {
    async fn piece(&mut self) -> Result<Option<bytes::Bytes>, ReceptionError> {
        let piece = self.field.chunk().await?;
        self.unused.store(0, Ordering::Relaxed);
        Ok(piece)
    }

    async fn drop_content(&mut self) -> Result<(), ReceptionError> {
        while self.piece().await?.is_some() {}
        Ok(())
    }

    async fn zip(&mut self) -> Result<File, ReceptionError> {
        let mut file = memory_file::create("program.zip").map_err(ReceptionError::NoMemory)?;
        while let Some(piece) = self.piece().await? {
            file.write_all(&piece).map_err(ReceptionError::NoMemory)?;
        }
        Ok(file)
    }

    /// The outer error ends the upload, the inner one costs the project only.
    async fn archive(
        &mut self,
        projects: &ProjectStore,
    ) -> Result<Result<Staged, StageError>, ReceptionError> {
        let mut staged = projects.stage().map_err(StageError::from);
        while let Some(piece) = self.piece().await? {
            if let Ok(begun) = staged {
                staged = begun.add(&piece).await;
            }
        }
        Ok(match staged {
            Ok(staged) => staged.complete().await,
            Err(error) => Err(error),
        })
    }

    /// As [`Self::archive`].
    async fn details(&mut self) -> Result<Result<Details, String>, ReceptionError> {
        let mut text = Vec::new();
        while let Some(piece) = self.piece().await? {
            if text.len() <= MAX_DETAILS {
                text.extend_from_slice(&piece);
            }
        }
        Ok(if text.len() > MAX_DETAILS {
            Err(format!(
                "its description is longer than {} KiB",
                MAX_DETAILS >> 10
            ))
        } else {
            Details::from_text(&text).map_err(|error| error.to_string())
        })
    }
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
