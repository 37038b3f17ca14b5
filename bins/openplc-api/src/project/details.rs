//! What is known of a project without looking into its archive.

use serde::Serialize;
use serde_json::Value;
use thiserror::Error;

/// Longest text that is kept, in characters.
const LONGEST: usize = 512;
/// Libraries that are kept.
const MOST_LIBRARIES: usize = 256;

/// Metadata as the Editor sends them, `snapshot_metadata`, and as they are stored and shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Details {
    pub format_version: u32,
    pub project_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub editor_version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uploaded_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
    pub libraries: Vec<Library>,
}

/// A library that the project uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Library {
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
}

/// Why metadata cannot be used.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum DetailsError {
    #[error("the description of the project is not JSON: {0}")]
    Malformed(String),
    #[error("the description of the project is no JSON object")]
    NotAnObject,
    #[error("the description of the project has no formatVersion of 1 or more")]
    VersionMissing,
    #[error("the description of the project has no projectName")]
    NameMissing,
}

impl Details {
    /// What an Editor sent.
    ///
    /// # Errors
    /// When it is no JSON, or lacks what must be there.
    pub fn from_text(text: &[u8]) -> Result<Self, DetailsError> {
        let document =
            serde_json::from_slice(text).map_err(|error| DetailsError::Malformed(error.to_string()))?;
        Self::from_document(&document)
    }

    /// As [`Self::from_text`]. Keys that are not known and values of a wrong type are left out.
    ///
    /// # Errors
    /// When what must be there is not.
    pub fn from_document(document: &Value) -> Result<Self, DetailsError> {
        if !document.is_object() {
            return Err(DetailsError::NotAnObject);
        }
        let format_version = document["formatVersion"]
            .as_u64()
            .and_then(|version| u32::try_from(version).ok())
            .filter(|version| *version >= 1)
            .ok_or(DetailsError::VersionMissing)?;
        let libraries = document["libraries"].as_array().into_iter().flatten();
        let libraries = libraries.filter_map(|library| {
            Some(Library {
                name: text(&library["name"])?,
                version: text(&library["version"]),
                hash: text(&library["hash"]),
            })
        });
        Ok(Self {
            format_version,
            project_name: text(&document["projectName"]).ok_or(DetailsError::NameMissing)?,
            editor_version: text(&document["editorVersion"]),
            uploaded_by: text(&document["uploadedBy"]),
            timestamp: text(&document["timestamp"]),
            libraries: libraries.take(MOST_LIBRARIES).collect(),
        })
    }
}

/// A text that people can read, shortened; absent when nothing is left.
fn text(value: &Value) -> Option<String> {
    let printable = value
        .as_str()?
        .chars()
        .filter(|character| openplc_text::is_visible(*character));
    let text: String = printable.take(LONGEST).collect();
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn unknown_keys_and_what_people_cannot_read_are_left_out() {
        let details = Details::from_document(&json!({
            "formatVersion": 3,
            "projectName": "M\u{202e}il\u{2028}l\u{1b}[31m\n",
            "editorVersion": "x".repeat(600),
            "uploadedBy": 7,
            "color": "red",
            "libraries": [{ "name": "oscat", "hash": "abc", "path": "/" }, { "version": "1" }, 5],
        }))
        .unwrap();
        assert_eq!(details.project_name, "Mill[31m");
        assert_eq!(details.editor_version.as_ref().map(String::len), Some(LONGEST));
        let document = serde_json::to_value(&details).unwrap();
        assert_eq!(document["libraries"], json!([{ "name": "oscat", "hash": "abc" }]));
        assert_eq!(document["formatVersion"], 3);
        assert!(document.get("uploadedBy").is_none());
        assert!(document.get("color").is_none());
        assert_eq!(Details::from_document(&document), Ok(details));
    }

    #[test]
    fn without_a_name_and_a_version_there_is_no_project() {
        for (text, expected) in [
            ("[]", DetailsError::NotAnObject),
            (r#"{"projectName":"a"}"#, DetailsError::VersionMissing),
            (
                r#"{"projectName":"a","formatVersion":0}"#,
                DetailsError::VersionMissing,
            ),
            (
                r#"{"projectName":"a","formatVersion":"1"}"#,
                DetailsError::VersionMissing,
            ),
            (
                r#"{"projectName":" \n","formatVersion":1}"#,
                DetailsError::NameMissing,
            ),
        ] {
            assert_eq!(Details::from_text(text.as_bytes()), Err(expected), "{text}");
        }
        assert!(matches!(
            Details::from_text(b"{"),
            Err(DetailsError::Malformed(_))
        ));
    }
}
