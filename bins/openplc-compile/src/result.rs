//! Object and manifest, as they are handed over.

use std::fs::File;
use std::path::Path;

use anyhow::Context;
use openplc_bundle::Bundle;
use openplc_bundle::bundle::hexadecimal;
use openplc_wire::manifest::{FORMAT, MAX_MANIFEST, MAX_OBJECT, Manifest, ProgramId};
use openplc_wire::memory_file;
use sha2::{Digest, Sha256};

/// What a build hands over, as sealed memory files.
#[derive(Debug)]
pub struct BuildResult {
    /// The shared object.
    pub object: File,
    /// The manifest in JSON.
    pub manifest: File,
    /// Bytes of the object.
    pub object_size: usize,
}

/// Seals the object at `path` and writes its manifest.
///
/// # Errors
/// When the object cannot be read or is larger than the core accepts, or there is no memory.
pub fn seal(
    path: &Path,
    bundle: &Bundle,
    program: ProgramId,
    compiler: String,
) -> anyhow::Result<BuildResult> {
    let object = std::fs::read(path).context("the linked program cannot be read")?;
    anyhow::ensure!(
        object.len() as u64 <= MAX_OBJECT,
        "the built program is larger than {MAX_OBJECT} bytes"
    );
    let manifest = serde_json::to_vec(&Manifest {
        format: FORMAT,
        program,
        object_sha256: hexadecimal(&Sha256::digest(&object)),
        generation: bundle.generation,
        md5: bundle.program.md5.clone(),
        compiler,
        tasks: bundle.program.tasks.clone(),
        variables: bundle.program.variables.clone(),
        conf: bundle.conf.clone(),
        uses_python: bundle.program.uses_python,
        retains: bundle.program.retains,
        image_conf: bundle.program.image_conf.clone(),
    })?;
    anyhow::ensure!(
        manifest.len() as u64 <= MAX_MANIFEST,
        "the manifest is larger than {MAX_MANIFEST} bytes"
    );
    Ok(BuildResult {
        object: memory_file::sealed("openplc-program", &object).context("no memory for the built program")?,
        manifest: memory_file::sealed("openplc-manifest", &manifest).context("no memory for the manifest")?,
        object_size: object.len(),
    })
}
