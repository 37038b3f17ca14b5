//! Programs for a core.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use openplc_wire::manifest::{FORMAT, Generation, Manifest, ProgramId, Task};
use sha2::{Digest, Sha256};

/// An object and its manifest.
#[derive(Clone)]
pub struct Built {
    pub object: Vec<u8>,
    pub manifest: Manifest,
}

/// Compiles the probe with these definitions.
pub fn build(definitions: &[&str]) -> Built {
    let directory = tempfile::tempdir().unwrap();
    let object = directory.path().join("probe.so");
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-Wl,-z,noexecstack", "-o"])
        .arg(&object)
        .arg("-I")
        .arg(here.join("../../crates/openplc-program/include"))
        .args(definitions)
        .arg(here.join("tests/probe.c"))
        .status()
        .unwrap();
    assert!(compiled.success());
    built(std::fs::read(object).unwrap())
}

/// Gives any bytes a manifest that fits them.
pub fn built(object: Vec<u8>) -> Built {
    let hash: String = Sha256::digest(&object)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let manifest = Manifest {
        format: FORMAT,
        program: ProgramId::try_from(hash.clone()).unwrap(),
        object_sha256: hash,
        generation: Generation::Matiec,
        md5: "0123456789abcdef0123456789abcdef".into(),
        compiler: "cc".into(),
        tasks: vec![Task {
            name: "probe".into(),
            interval_ns: 1_000_000,
            priority: 0,
        }],
        variables: Vec::new(),
        conf: BTreeMap::new(),
        uses_python: false,
        retains: true,
        image_conf: None,
    };
    Built { object, manifest }
}
