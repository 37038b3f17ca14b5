//! `conf/*.json`: configuration of plugins.

use std::collections::BTreeMap;

use crate::archive::Files;
use crate::bundle::BundleError;

/// Name of each `conf/NAME.json` without its ending, and its text. A file of nothing but white space counts as absent:
/// some Editors write one for a plugin that is not configured.
///
/// # Errors
/// [`BundleError::ConfNotText`].
pub(crate) fn collect(files: &Files) -> Result<BTreeMap<String, String>, BundleError> {
    let mut conf = BTreeMap::new();
    for (path, content) in files {
        let Some(name) = path
            .strip_prefix("conf/")
            .and_then(|name| name.strip_suffix(".json"))
        else {
            continue;
        };
        if name.is_empty() || name.contains('/') {
            continue;
        }
        let text =
            std::str::from_utf8(content).map_err(|_| BundleError::ConfNotText { path: path.clone() })?;
        let text = text.trim_start_matches('\u{feff}');
        if !text.trim().is_empty() {
            conf.insert(name.to_owned(), text.to_owned());
        }
    }
    Ok(conf)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_files_and_other_files_count_as_absent() {
        let files = Files::from([
            ("conf/modbus_slave.json".into(), b"{}".to_vec()),
            ("conf/ethercat.json".into(), b" \r\n".to_vec()),
            ("conf/readme.txt".into(), b"x".to_vec()),
            ("conf/sub/x.json".into(), b"{}".to_vec()),
            ("s7comm.json".into(), b"{}".to_vec()),
        ]);
        assert_eq!(
            collect(&files).unwrap(),
            BTreeMap::from([("modbus_slave".into(), "{}".into())])
        );
    }

    #[test]
    fn a_file_that_is_no_text_is_refused() {
        let files = Files::from([("conf/opcua.json".into(), vec![0xff])]);
        assert!(
            matches!(collect(&files), Err(BundleError::ConfNotText { path }) if path == "conf/opcua.json")
        );
    }
}
