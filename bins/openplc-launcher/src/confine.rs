//! The child's side of starting a service: the launcher executes itself once more, gives up what the service must not
//! have, and then becomes the service. All of it happens in a fresh process with one thread.

use std::ffi::CString;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Error, Result};
use caps::{CapSet, Capability, CapsHashSet};
use nix::sys::prctl;
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit, rlim_t, setrlimit};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{User, geteuid, initgroups, setresgid, setresuid};
use openplc_wire::PLUGIN_FOLDER_VARIABLE;

use crate::arguments::Confinement;
use crate::restrictions::{restrict_calls, restrict_files};

/// Highest real-time priority that the core may choose.
const REAL_TIME_PRIORITY: rlim_t = 90;
/// Private memory (bytes) of a plugin, in place of its unit's `MemoryMax=`. Address space that is reserved counts, too, as for stacks of
/// threads, so it is twice as much.
const PLUGIN_MEMORY: rlim_t = 1 << 30;

/// Executes the program; returns only when that failed.
pub fn confine_and_execute(confinement: &Confinement) -> Error {
    match prepare(confinement) {
        Err(error) => error,
        Ok(()) => {
            let (program, arguments) = match confinement.command.split_first() {
                Some(parts) => parts,
                None => return Error::msg("No program was named"),
            };
            let mut command = Command::new(program);
            command.args(arguments).current_dir("/");
            if std::env::var_os("LISTEN_FDS").is_some() {
                command.env("LISTEN_PID", std::process::id().to_string());
            }
            if std::env::var_os("WATCHDOG_USEC").is_some() {
                command.env("WATCHDOG_PID", std::process::id().to_string());
            }
            Error::new(command.exec()).context(format!("Cannot execute {}", program.display()))
        }
    }
}

fn prepare(confinement: &Confinement) -> Result<()> {
    // The launcher blocks the signals that it reads from a descriptor.
    SigSet::empty()
        .thread_set_mask()
        .context("Cannot reset the signal mask")?;
    umask(Mode::from_bits_truncate(0o077));
    // Memory of a service holds secrets and programs.
    set_limit(Resource::RLIMIT_CORE, 0);
    if confinement.real_time {
        set_limit(Resource::RLIMIT_RTPRIO, REAL_TIME_PRIORITY);
        set_limit(Resource::RLIMIT_MEMLOCK, RLIM_INFINITY);
    } else {
        // Nothing else may take the processor from a scan, whatever this container or user is allowed.
        set_limit(Resource::RLIMIT_RTPRIO, 0);
    }
    if confinement.network {
        set_limit(Resource::RLIMIT_DATA, PLUGIN_MEMORY);
    }
    if geteuid().is_root() {
        let kept = kept_capabilities(confinement)?;
        limit_bounding_set(&kept);
        if let Some(name) = &confinement.user {
            become_user(name)?;
        }
        set_capabilities(&kept).context("Cannot give up capabilities")?;
    }
    prctl::set_no_new_privs().context("Cannot set no_new_privs")?;
    if !confinement.expendable {
        restrict(confinement.network);
    }
    // After the change of user, which resets it. A service without a supervisor would hold on to port and sockets.
    let signal = if confinement.expendable {
        Signal::SIGKILL
    } else {
        Signal::SIGTERM
    };
    prctl::set_pdeathsig(signal).context("Cannot tie the process to the launcher")
}

/// Builds restrict themselves, further than this, and a guard of theirs cleans up outside of these restrictions.
fn restrict(network: bool) {
    // To plugins the last one is for reading.
    let own = ["STATE_DIRECTORY", "RUNTIME_DIRECTORY", PLUGIN_FOLDER_VARIABLE].map(std::env::var_os);
    let own = &own[..if network { 2 } else { 3 }];
    let own: Vec<_> = own.iter().flatten().map(Path::new).collect();
    if let Err(error) = restrict_files(own) {
        eprintln!("<4>This service can write where its user can: {error:#}");
    }
    if let Err(error) = restrict_calls(network) {
        eprintln!("<4>This service can open sockets of any kind: {error:#}");
    }
}

/// Sets a limit as far as we may. The core itself tries what it needs, and explains what is missing.
fn set_limit(resource: Resource, wanted: rlim_t) {
    if setrlimit(resource, wanted, wanted).is_err()
        && let Ok((_, hard)) = getrlimit(resource)
    {
        let _ = setrlimit(resource, hard.min(wanted), hard);
    }
}

fn kept_capabilities(confinement: &Confinement) -> Result<CapsHashSet> {
    let permitted = caps::read(None, CapSet::Permitted).context("Cannot read our capabilities")?;
    let wanted = [
        (confinement.real_time, Capability::CAP_SYS_NICE),
        (confinement.network, Capability::CAP_NET_BIND_SERVICE),
    ];
    let kept = wanted.into_iter().filter(|(wanted, _)| *wanted);
    Ok(kept
        .map(|(_, capability)| capability)
        .filter(|capability| permitted.contains(capability))
        .collect())
}

/// What is not in the bounding set can never come back. A container may forbid even this.
fn limit_bounding_set(kept: &CapsHashSet) {
    let bounding = caps::read(None, CapSet::Bounding).unwrap_or_default();
    for capability in bounding.difference(kept) {
        if let Err(error) = caps::drop(None, CapSet::Bounding, *capability) {
            eprintln!("<4>The capability bounding set cannot be reduced: {error}");
            return;
        }
    }
}

fn become_user(name: &str) -> Result<()> {
    let about = || format!("Cannot become the user {name}");
    let user = User::from_name(name).with_context(about)?.with_context(about)?;
    prctl::set_keepcaps(true).with_context(about)?;
    initgroups(&CString::new(name)?, user.gid).with_context(about)?;
    setresgid(user.gid, user.gid, user.gid).with_context(about)?;
    setresuid(user.uid, user.uid, user.uid).with_context(about)
}

/// Leaves exactly `kept`, in a way that survives the execution of a program by an ordinary user.
fn set_capabilities(kept: &CapsHashSet) -> Result<(), caps::errors::CapsError> {
    for set in [CapSet::Inheritable, CapSet::Effective, CapSet::Permitted] {
        caps::set(None, set, kept)?;
    }
    caps::clear(None, CapSet::Ambient)?;
    kept.iter()
        .try_for_each(|capability| caps::raise(None, CapSet::Ambient, *capability))
}
