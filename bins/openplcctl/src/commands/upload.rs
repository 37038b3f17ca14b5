//! Uploading a program and following its build.

use std::time::Duration;

use anyhow::Context;
use bytes::{BufMut, Bytes, BytesMut};
use serde::Deserialize;
use serde_json::json;

use super::Output;
use crate::arguments::Upload;
use crate::client::Client;
use crate::failure::Failure;
use crate::progress::Content;
use crate::screen;

const REFRESH: Duration = Duration::from_millis(100);

#[derive(Deserialize)]
struct Uploaded {
    #[serde(rename = "UploadFileFail", default)]
    refusal: String,
}

#[derive(Deserialize)]
struct Build {
    status: String,
    #[serde(default)]
    logs: Vec<String>,
}

/// Uploads, and on request waits until the program runs.
///
/// # Errors
/// When the file cannot be read, or is refused, or does not build.
pub async fn upload(client: &mut Client, output: Output, arguments: Upload) -> Result<(), Failure> {
    let file = std::fs::read(&arguments.file)
        .with_context(|| format!("Cannot read {}", arguments.file.display()))?;
    let (form, body) = form(&file);
    let path = if arguments.clean {
        "/api/upload-file?clean=1"
    } else {
        "/api/upload-file"
    };
    let answer = client
        .upload(path, &form, Content::measured(body, output.json))
        .await?;
    let uploaded: Uploaded = answer.document()?;
    if !uploaded.refusal.is_empty() {
        return Err(Failure::Refused(uploaded.refusal));
    }
    if arguments.follow {
        return follow(client, output).await;
    }
    let text = "Uploaded. The runtime builds the program and then starts it; --follow shows how";
    output.result(text, &json!({ "uploaded": file.len() }));
    Ok(())
}

async fn follow(client: &mut Client, output: Output) -> Result<(), Failure> {
    let mut shown = 0;
    loop {
        let build: Build = client.get("/api/compilation-status").await?.document()?;
        for line in build.logs.iter().skip(shown) {
            output.result(line.trim_end(), &json!({ "log": line.trim_end() }));
        }
        shown = build.logs.len().max(shown);
        match build.status.as_str() {
            "SUCCESS" => {
                if output.json {
                    screen::line(&json!({ "build": "SUCCESS" }).to_string());
                } else {
                    screen::line("The program is built and running");
                }
                return Ok(());
            }
            "FAILED" => {
                let text = "The build failed; the program that ran before is untouched";
                return Err(Failure::Refused(text.into()));
            }
            _ => tokio::time::sleep(REFRESH).await,
        }
    }
}

/// A `multipart/form-data` body as the Editor sends it, and its content type.
fn form(file: &[u8]) -> (String, Bytes) {
    // No part may contain the boundary.
    let mut boundary = String::from("----openplcctl");
    while file
        .windows(boundary.len())
        .any(|window| window == boundary.as_bytes())
    {
        boundary.push('x');
    }
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"program.zip\"\r\n\
         Content-Type: application/zip\r\n\r\n"
    );
    let tail = format!("\r\n--{boundary}--\r\n");
    let mut body = BytesMut::with_capacity(head.len() + file.len() + tail.len());
    body.put(head.as_bytes());
    body.put(file);
    body.put(tail.as_bytes());
    (format!("multipart/form-data; boundary={boundary}"), body.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_boundary_does_not_occur_in_the_file() {
        let (content_type, body) = form(b"--------openplcctl and ----openplcctlx");
        let boundary = content_type.split_once("boundary=").unwrap().1;
        let marker = format!("--{boundary}");
        let count = body
            .windows(marker.len())
            .filter(|window| *window == marker.as_bytes())
            .count();
        assert_eq!(count, 2);
    }
}
