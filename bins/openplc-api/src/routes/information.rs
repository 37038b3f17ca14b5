//! What the runtime is and what it has not.

use std::path::Path;

use hyper::StatusCode;
use serde_json::json;

use crate::answers::{self, Answer, COMPATIBLE_VERSION};
use crate::network_interfaces;

pub fn version() -> Answer {
    answers::ok(&json!({ "version": COMPATIBLE_VERSION }))
}

pub fn capabilities() -> Answer {
    answers::ok(&json!({
        "runtimeVersion": COMPATIBLE_VERSION,
        "minEditorVersion": "4.1.0",
        "projectSnapshot": true,
    }))
}

/// What is asked about the fieldbus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Discovery {
    Interfaces,
    Availability,
    Other,
}

pub fn discovery(what: Discovery) -> Answer {
    const NONE: &str = "EtherCAT is not available on this runtime";
    match what {
        Discovery::Interfaces => {
            let interfaces = network_interfaces::list(Path::new("/sys/class/net"));
            answers::ok(&json!({ "status": "success", "interfaces": interfaces, "message": NONE }))
        }
        Discovery::Availability => answers::ok(&json!({ "available": false, "message": NONE })),
        Discovery::Other => answers::json(
            StatusCode::NOT_FOUND,
            &json!({ "status": "error", "message": NONE }),
        ),
    }
}
