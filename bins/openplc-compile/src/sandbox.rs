//! What the worker takes away from itself, and so from the compilers: it is the only sandbox where no unit file makes one.
//!
//! Every part is best effort, because a container or an old kernel may not offer it, or a unit's filter may forbid to
//! change it. [`restrict`] says what was had.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus,
    path_beneath_rules,
};
use nix::sys::resource::{RLIM_INFINITY, Resource, rlim_t, setrlimit};
use openplc_settings::compile::Compile;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch};

/// How much compilers give way to others, of at most 19.
const NICENESS: i32 = 10;
/// Largest file, in bytes.
const FILE_SIZE: u64 = 1 << 30;
/// Open files of one process.
const OPEN_FILES: u64 = 1024;

/// What compilers read.
const READABLE: [&str; 9] = [
    "/usr",
    "/lib",
    "/lib32",
    "/lib64",
    "/bin",
    "/etc/alternatives",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
];

/// Restricts this process, from here on, to reading the system and `readable` and writing below `writable`, without network
/// and within limits. To be called while there is one thread. Returns what was had, for the log.
pub fn restrict(readable: &[PathBuf], writable: &Path, settings: &Compile) -> String {
    // Compilers shall not take time from whoever scans or answers.
    let niceness = if lower_priority() {
        "low priority"
    } else {
        "ordinary priority"
    };
    let limits = if limit_resources(settings) {
        "limits"
    } else {
        "no limits"
    };
    let privileges = match nix::sys::prctl::set_no_new_privs() {
        Ok(()) => "no new privileges",
        Err(_) => "new privileges possible",
    };
    let files = match restrict_files(readable, writable) {
        Ok(RulesetStatus::FullyEnforced) => "files restricted (landlock)",
        Ok(RulesetStatus::PartiallyEnforced) => "files partly restricted (old landlock)",
        Ok(RulesetStatus::NotEnforced) | Err(_) => "files not restricted (no landlock)",
    };
    let calls = match restrict_calls() {
        Ok(()) => "system calls filtered (seccomp)",
        Err(_) => "system calls not filtered (no seccomp)",
    };
    [niceness, limits, privileges, files, calls].join(", ")
}

/// A unit may have lowered it already, and forbid to change it.
fn lower_priority() -> bool {
    rustix::process::getpriority_process(None).is_ok_and(|niceness| niceness >= NICENESS)
        || rustix::process::nice(NICENESS).is_ok()
}

fn limit_resources(settings: &Compile) -> bool {
    let seconds = settings.time_limit.as_secs() + 60;
    let limits = [
        (Resource::RLIMIT_CORE, 0),
        (Resource::RLIMIT_CPU, seconds),
        (Resource::RLIMIT_FSIZE, FILE_SIZE),
        (Resource::RLIMIT_NOFILE, OPEN_FILES),
        (Resource::RLIMIT_AS, settings.memory_limit),
    ];
    limits.into_iter().fold(true, |all, (resource, value)| {
        // What a 32-bit processor cannot even express is no limit there.
        #[allow(
            clippy::useless_conversion,
            reason = "rlim_t has 32 bits on 32-bit processors"
        )]
        let value = rlim_t::try_from(value).unwrap_or(RLIM_INFINITY);
        setrlimit(resource, value, value).is_ok() && all
    })
}

fn restrict_files(readable: &[PathBuf], writable: &Path) -> Result<RulesetStatus, RulesetError> {
    let abi = ABI::V5;
    let read = AccessFs::from_read(abi);
    let all = AccessFs::from_all(abi);
    let status = Ruleset::default()
        .handle_access(all)?
        .handle_access(AccessNet::from_all(abi))?
        .create()?
        .add_rules(path_beneath_rules(READABLE, read))?
        .add_rules(path_beneath_rules(readable, read))?
        .add_rules(path_beneath_rules(
            ["/dev/null"],
            AccessFs::ReadFile | AccessFs::WriteFile,
        ))?
        .add_rules(path_beneath_rules([writable], all))?
        .restrict_self()?;
    Ok(status.ruleset)
}

/// System calls that neither the worker nor a compiler has any use for.
const REFUSED_CALLS: [libc::c_long; 38] = [
    libc::SYS_socket,
    libc::SYS_socketpair,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept4,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_open_by_handle_at,
    libc::SYS_shmget,
    libc::SYS_msgget,
];

fn restrict_calls() -> anyhow::Result<()> {
    #[allow(
        clippy::useless_conversion,
        reason = "c_long has 32 bits on 32-bit processors"
    )]
    let rules: BTreeMap<i64, Vec<_>> = REFUSED_CALLS
        .into_iter()
        .map(|call| (i64::from(call), Vec::new()))
        .collect();
    let refuse = SeccompAction::Errno(libc::EPERM.cast_unsigned());
    let architecture = TargetArch::try_from(std::env::consts::ARCH)?;
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refuse, architecture)?;
    let program: BpfProgram = filter.try_into()?;
    seccompiler::apply_filter(&program)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;
    use std::os::unix::net::UnixDatagram;
    use std::thread;

    use super::*;

    #[test]
    fn nobody_below_it_makes_a_socket_of_any_kind() {
        if let Err(error) = TargetArch::try_from(std::env::consts::ARCH) {
            return println!("SKIPPED: calls are not filtered on this processor: {error}");
        }
        // A filter holds for the thread that asks for it, and for what it starts.
        let tried = thread::spawn(|| {
            restrict_calls().unwrap();
            let refused = |error: std::io::Error| error.raw_os_error() == Some(libc::EPERM);
            assert!(UnixDatagram::unbound().is_err_and(refused));
            assert!(UnixDatagram::pair().is_err_and(refused));
            assert!(UdpSocket::bind("127.0.0.1:0").is_err_and(refused));
        });
        tried.join().unwrap();
        assert!(UnixDatagram::unbound().is_ok(), "others are not concerned");
    }
}
