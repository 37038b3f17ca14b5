//! What is retained, in the words of OpenPLC Runtime v4.

use openplc_wire::retain::{RetainStatus, Start};
use serde_json::{Value, json};

/// The number under which OpenPLC Runtime v4 knows stores that name their variables.
const FORMAT: u32 = 2;
/// Results of a start with retained values, of those that v4 has.
const OK: (u32, &str) = (0, "ok");
const EMPTY: (u32, &str) = (1, "empty");
const MIGRATED: (u32, &str) = (7, "migrated");

/// The answer to `retain-status`. Ours stands under `runtime`, where nobody else looks.
pub fn document(status: &RetainStatus) -> Value {
    let restored = status.restored.as_ref();
    let result = match (status.start, restored) {
        (Start::Warm, None) => Some(EMPTY),
        (_, None) => None,
        (_, Some(restored)) if restored.layout == status.layout => Some(OK),
        (_, Some(_)) => Some(MIGRATED),
    };
    let layout = |layout: u32| format!("{layout:08x}");
    let count = |names: Option<&Vec<String>>| names.map_or(0, Vec::len);
    json!({
        "retain": {
            "start": status.start,
            "format": FORMAT,
            "store": if status.store.is_some() { "file" } else { "none" },
            "blob_bytes": status.values_bytes,
            "stored_bytes": status.store.as_ref().map_or(0, |store| store.file_bytes),
            "result": result.map(|(number, _)| number),
            "result_name": result.map(|(_, name)| name),
            "restored": restored.is_some_and(|restored| restored.restored + restored.converted.len() > 0),
            "stored_format": if restored.is_some() { FORMAT } else { 0 },
            "kept": restored.map_or(0, |restored| restored.restored),
            "converted": count(restored.map(|restored| &restored.converted)),
            // A value that does not fit is never cut: it is dropped.
            "truncated": 0,
            "added": count(restored.map(|restored| &restored.added)),
            "dropped": count(restored.map(|restored| &restored.dropped)),
            "refused": 0,
            "stored_layout": layout(restored.map_or(0, |restored| restored.layout)),
            "program_layout": layout(status.layout),
        },
        "runtime": status,
    })
}

#[cfg(test)]
mod tests {
    use openplc_wire::retain::{Restored, Store};

    use super::*;

    fn warm() -> RetainStatus {
        RetainStatus {
            start: Start::Warm,
            variables: vec![("CONFIG0.A".into(), "INT".into())],
            values_bytes: 2,
            layout: 0xAB,
            interval_ms: 100,
            restored: Some(Restored {
                restored: 1,
                dropped: vec!["CONFIG0.B".into()],
                layout: 0xCD,
                ..Restored::default()
            }),
            store: Some(Store {
                file_bytes: 12288,
                taken_ms: 1,
                age_ms: 7,
            }),
            problem: None,
        }
    }

    #[test]
    fn a_start_with_other_variables_than_stored_is_a_migration() {
        let document = document(&warm());
        let retain = &document["retain"];
        assert_eq!(
            (&retain["result"], &retain["result_name"]),
            (&json!(7), &json!("migrated"))
        );
        assert_eq!((&retain["kept"], &retain["dropped"]), (&json!(1), &json!(1)));
        assert_eq!(
            (&retain["stored_layout"], &retain["program_layout"]),
            (&json!("000000cd"), &json!("000000ab"))
        );
        assert_eq!(document["runtime"]["restored"]["dropped"], json!(["CONFIG0.B"]));
    }

    #[test]
    fn results_are_named() {
        let result = |status: &RetainStatus| document(status)["retain"]["result_name"].clone();
        let mut status = warm();
        status.restored.as_mut().unwrap().layout = 0xAB;
        assert_eq!(result(&status), "ok");
        status.restored = None;
        assert_eq!(result(&status), "empty");
        status.start = Start::Cold;
        assert_eq!(result(&status), Value::Null);
    }
}
