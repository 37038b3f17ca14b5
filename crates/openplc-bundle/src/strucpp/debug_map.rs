//! `debug-map.json`: names, types and addresses of debug variables.

use openplc_wire::manifest::Variable;
use serde::Deserialize;

/// Most variables that are read.
const MOST: usize = 1 << 20;
/// Longest name of a variable or type, in bytes.
const LONGEST: usize = 1024;

/// What the file says.
#[derive(Debug)]
pub(super) struct DebugMap {
    /// MD5 of the program that it belongs to, where it says so.
    pub md5: Option<String>,
    /// The variables in the order of their addresses.
    pub variables: Vec<Variable>,
}

#[derive(Deserialize)]
struct Document {
    version: u32,
    #[serde(default)]
    md5: String,
    leaves: Vec<Leaf>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Leaf {
    array_idx: u8,
    elem_idx: u16,
    path: String,
    #[serde(rename = "type")]
    iec_type: String,
}

/// Reads the file.
///
/// # Errors
/// What is wrong, in words.
pub(super) fn parse(content: &[u8]) -> Result<DebugMap, String> {
    let document: Document = serde_json::from_slice(content).map_err(|error| error.to_string())?;
    if document.version != 2 {
        return Err(format!("version {}", document.version));
    }
    if document.leaves.len() > MOST {
        return Err(format!("{} variables", document.leaves.len()));
    }
    let readable =
        |text: &str| !text.is_empty() && text.len() <= LONGEST && !text.chars().any(char::is_control);
    let mut variables: Vec<Variable> = document
        .leaves
        .into_iter()
        .filter(|leaf| readable(&leaf.path) && readable(&leaf.iec_type))
        .map(|leaf| Variable {
            index: u32::from(leaf.array_idx) << 16 | u32::from(leaf.elem_idx),
            path: leaf.path,
            iec_type: leaf.iec_type.to_uppercase(),
            retain: false,
            location: None,
        })
        .collect();
    variables.sort_by_key(|variable| variable.index);
    variables.dedup_by_key(|variable| variable.index);
    Ok(DebugMap {
        md5: (document.md5.len() == 32).then_some(document.md5),
        variables,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_come_in_the_order_of_their_addresses() {
        let map = parse(
            br#"{"version":2,"md5":"00112233445566778899AABBCCDDEEFF","typeTags":{"BOOL":0},"arrays":[{"index":0,"count":1}],
                "leaves":[{"arrayIdx":1,"elemIdx":2,"path":"INSTANCE0.B[1]","type":"int","size":2,"more":true},
                          {"arrayIdx":0,"elemIdx":0,"path":"INSTANCE0.A","type":"BOOL","size":1}]}"#,
        )
        .unwrap();
        let found: Vec<_> = map
            .variables
            .iter()
            .map(|v| (v.index, v.path.as_str(), v.iec_type.as_str()))
            .collect();
        assert_eq!(
            found,
            [(0, "INSTANCE0.A", "BOOL"), (65_538, "INSTANCE0.B[1]", "INT")]
        );
        assert!(map.md5.is_some());
    }

    #[test]
    fn what_is_no_map_is_said() {
        for bad in [
            &b"{"[..],
            b"[]",
            br#"{"version":1,"leaves":[]}"#,
            br#"{"version":2}"#,
            b"\xff",
        ] {
            assert!(parse(bad).is_err());
        }
    }
}
