//! The source project that is stored on the device.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Output;
use crate::client::Client;
use crate::failure::Failure;
use crate::screen;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Project {
    project_name: String,
    content_base64: String,
}

/// Shows what is stored, or saves it as a zip.
///
/// # Errors
/// When nothing is stored, the account is no admin's, or the file cannot be written.
pub async fn project(client: &mut Client, output: Output, file: Option<PathBuf>) -> Result<(), Failure> {
    let Some(file) = file else {
        return describe(client, output).await;
    };
    let project: Project = client.get_large("/api/project-snapshot").await?.document()?;
    let archive = STANDARD
        .decode(project.content_base64)
        .context("The stored project is damaged")?;
    save(&file, &archive).with_context(|| format!("{} cannot be written", file.display()))?;
    output.result(
        &format!(
            "Saved {} ({} bytes) as {}",
            project.project_name,
            archive.len(),
            file.display()
        ),
        &json!({ "project": project.project_name, "file": file, "bytes": archive.len() }),
    );
    Ok(())
}

/// A file that is there already is somebody's work.
fn save(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let mut file = std::fs::File::create_new(path)?;
    file.write_all(content)?;
    file.sync_all()
}

async fn describe(client: &mut Client, output: Output) -> Result<(), Failure> {
    let info: Value = client.get("/api/project-snapshot/info").await?.document()?;
    if output.json {
        screen::line(&info.to_string());
    } else {
        screen::lines(&lines(&info));
    }
    Ok(())
}

fn lines(info: &Value) -> Vec<String> {
    if info["present"] != true {
        return vec!["No project is stored on this device".to_owned()];
    }
    let mut rows = Vec::new();
    for (label, key) in [
        ("Project", "projectName"),
        ("Stored by", "uploadedBy"),
        ("Of", "timestamp"),
        ("Editor", "editorVersion"),
        ("Bytes", "sizeBytes"),
    ] {
        match &info[key] {
            Value::Null => {}
            Value::String(text) => rows.push(vec![label.to_owned(), text.clone()]),
            other => rows.push(vec![label.to_owned(), other.to_string()]),
        }
    }
    for library in info["libraries"].as_array().into_iter().flatten() {
        let part = |key: &str| library[key].as_str().unwrap_or_default().to_owned();
        rows.push(vec![
            "Library".to_owned(),
            format!("{} {}", part("name"), part("version")).trim().to_owned(),
        ]);
    }
    screen::table(&rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_is_described_as_far_as_it_is_known() {
        let info = json!({ "present": true, "projectName": "Mill", "sizeBytes": 12,
            "libraries": [{ "name": "oscat", "version": "3" }, { "name": "own" }] });
        assert_eq!(
            lines(&info),
            ["Project  Mill", "Bytes    12", "Library  oscat 3", "Library  own"]
        );
        assert_eq!(lines(&json!({ "present": false })).len(), 1);
    }

    #[test]
    fn no_file_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mill.zip");
        save(&path, b"first").unwrap();
        assert!(save(&path, b"second").is_err());
        assert_eq!(std::fs::read(path).unwrap(), b"first");
    }
}
