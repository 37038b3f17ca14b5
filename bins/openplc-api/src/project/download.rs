//! The answer that carries a whole project: text of a hundred megabytes and more, made while it is sent.

use std::fs::File;
use std::io::{self, Read};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::stream::{self, Stream};
use serde_json::Value;

use super::Stored;

/// What is read at a time, in bytes: a multiple of three, so that pieces of base64 follow each other without padding.
const PIECE: usize = 3 * (128 << 10);

/// `{"projectName": …, "formatVersion": …, "filename": "project.zip", "contentBase64": "…"}`.
#[derive(Debug)]
pub struct Download {
    head: Bytes,
    archive: File,
    size: u64,
}

const TAIL: &[u8] = b"\"}";

impl Download {
    pub fn new(stored: Stored) -> Self {
        let name = Value::from(stored.details.project_name);
        let version = stored.details.format_version;
        let head = format!(
            r#"{{"projectName":{name},"formatVersion":{version},"filename":"project.zip","contentBase64":""#
        );
        Self {
            head: head.into(),
            archive: stored.archive,
            size: stored.size,
        }
    }

    /// Length of the whole text in bytes.
    pub fn length(&self) -> u64 {
        (self.head.len() + TAIL.len()) as u64 + self.size.div_ceil(3) * 4
    }

    /// The text in pieces. The file is read beside the event loop.
    pub fn pieces(self) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
        let head = stream::iter([Ok(self.head)]);
        let content = stream::try_unfold((self.archive, self.size), |(archive, left)| async move {
            if left == 0 {
                return Ok(None);
            }
            tokio::task::spawn_blocking(move || encode_piece(archive, left))
                .await
                .unwrap_or_else(|error| Err(io::Error::other(error)))
                .map(Some)
        });
        let tail = stream::iter([Ok(Bytes::from_static(TAIL))]);
        futures_util::StreamExt::chain(futures_util::StreamExt::chain(head, content), tail)
    }
}

/// The next piece of the text, and what is to be read after it.
fn encode_piece(mut archive: File, left: u64) -> io::Result<(Bytes, (File, u64))> {
    let length = usize::try_from(left).map_or(PIECE, |left| left.min(PIECE));
    let mut piece = vec![0; length];
    archive.read_exact(&mut piece)?;
    Ok((STANDARD.encode(piece).into(), (archive, left - length as u64)))
}

#[cfg(test)]
mod tests {
    use std::io::{Seek, Write};

    use futures_util::StreamExt;
    use serde_json::json;

    use super::*;
    use crate::project::Details;

    #[tokio::test]
    async fn pieces_make_one_document_of_the_length_that_was_told() {
        for size in [0, 1, 2, 3, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE + 2] {
            let content: Vec<u8> = (0..size).map(|number| (number % 251) as u8).collect();
            let mut archive = tempfile::tempfile().unwrap();
            archive.write_all(&content).unwrap();
            archive.rewind().unwrap();
            let details = json!({ "formatVersion": 2, "projectName": "\"Mill\"" });
            let download = Download::new(Stored {
                details: Details::from_document(&details).unwrap(),
                archive,
                size: size as u64,
            });
            let length = download.length();
            let pieces: Vec<Bytes> = download.pieces().map(Result::unwrap).collect().await;
            let text = pieces.concat();
            assert_eq!(text.len() as u64, length, "{size}");
            let document: Value = serde_json::from_slice(&text).unwrap();
            assert_eq!(document["projectName"], "\"Mill\"");
            assert_eq!(document["formatVersion"], 2);
            let decoded = STANDARD
                .decode(document["contentBase64"].as_str().unwrap())
                .unwrap();
            assert_eq!(decoded, content, "{size}");
        }
    }
}
