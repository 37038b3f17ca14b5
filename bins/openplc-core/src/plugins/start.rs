//! Puts plugins to work: who may attach, and where their configurations go.

use std::env;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use openplc_settings::core;
use openplc_wire::retain::Start;
use openplc_wire::{PLUGIN_FOLDER, PLUGIN_FOLDER_VARIABLE};

use super::{Enabled, Plugins};
use crate::daemon::STACK;
use crate::image_server::{Admission, ImageServer};
use crate::in_scan_plugin::InScanPlugin;
use crate::log_ring::LogRing;
use crate::machine::Machine;
use crate::process_image::ProcessImage;

/// Serves plugins at `listener`, and has them follow the state of `machine`; one of them may be `within_scan`.
///
/// # Errors
/// When a thread cannot be made.
pub fn start(
    listener: UnixListener,
    image: Arc<ProcessImage>,
    machine: &Arc<Machine>,
    log: &LogRing,
    settings: &core::Plugins,
    within_scan: Option<Arc<InScanPlugin>>,
) -> io::Result<Arc<Plugins>> {
    let folder = env::var_os(PLUGIN_FOLDER_VARIABLE).map_or_else(|| PLUGIN_FOLDER.into(), PathBuf::from);
    let enabled = Enabled::default();
    let admission = admission(&folder, enabled.clone(), settings.clone(), machine.clone());
    let server = ImageServer::start(listener, image, admission, log.clone())?;
    let plugins = Arc::new(Plugins::new(
        server,
        enabled,
        folder,
        openplc_settings::directory(),
        within_scan,
    ));
    plugins.start(machine.clone())?;
    Ok(plugins)
}

/// The administrator, our own user, and the group of the plugins, which is that of the folder: so no user has to be looked up
/// by its name in this process.
fn admission(folder: &Path, enabled: Enabled, settings: core::Plugins, machine: Arc<Machine>) -> Admission {
    let group = fs::metadata(folder).ok().map(|metadata| metadata.gid());
    Admission {
        users: vec![0, nix::unistd::getuid().as_raw()],
        group: group.filter(|group| *group != nix::unistd::getgid().as_raw()),
        rules: Box::new(move |name| Some(enabled.rules(name, &settings))),
        switch: {
            let busy = Arc::new(AtomicBool::new(false));
            Box::new(move |run| switch(&machine, run, &busy))
        },
    }
}

/// Starts or stops the PLC on behalf of a plugin, beside everything else, and one at a time: who asks while the last one is not done
/// yet asks too often.
fn switch(machine: &Arc<Machine>, run: bool, busy: &Arc<AtomicBool>) {
    if busy.swap(true, Ordering::AcqRel) {
        return;
    }
    let (machine, done) = (machine.clone(), busy.clone());
    let work = move || {
        let outcome = if run {
            machine.start(Start::Warm)
        } else {
            machine.stop()
        };
        if let Err(refused) = outcome {
            tracing::warn!("What the plugin has asked for was not done: {}", refused.message);
        }
        done.store(false, Ordering::Release);
    };
    let thread = thread::Builder::new()
        .name("switch".into())
        .stack_size(STACK)
        .spawn(work);
    if let Err(error) = thread {
        tracing::error!("What the plugin has asked for was not done, for want of a thread: {error}");
        busy.store(false, Ordering::Release);
    }
}
