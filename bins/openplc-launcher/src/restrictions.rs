//! What every service loses whoever runs it, as its unit file would take it away: a file of its own choice to write, another
//! network than the sockets that it inherits, and what serves only to break out.
//!
//! Each part is best effort, because an old kernel may not offer it or a container forbid it.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use landlock::{
    ABI, AccessFs, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetStatus, Scope, path_beneath_rules,
};
use nix::libc;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch,
};

/// Writable besides a service's own folders: what a private `/tmp` and `/dev` would be under systemd. Who may write to a
/// device or to a file of a process is for the kernel to say.
const SHARED_FOLDERS: [&str; 3] = ["/tmp", "/var/tmp", "/dev/shm"];
const KERNEL_FILES: [&str; 2] = ["/dev", "/proc"];

/// System calls that no service has any use for.
const REFUSED_CALLS: [libc::c_long; 22] = [
    // Another way to sockets and files, past any filter.
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    // Rights within namespaces of one's own.
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    // Other processes.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    // Parts of the kernel with a history.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_open_by_handle_at,
    libc::SYS_personality,
];

/// Memory that is written is not executed: code comes from files.
#[cfg(target_pointer_width = "64")]
const MAPPING_CALLS: [libc::c_long; 1] = [libc::SYS_mmap];
#[cfg(target_pointer_width = "32")]
const MAPPING_CALLS: [libc::c_long; 1] = [libc::SYS_mmap2];

/// Flags of `clone(2)` that make a namespace.
const NAMESPACE_FLAGS: [libc::c_int; 7] = [
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWNS,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWUTS,
];

/// From here on this process can write only below `writable` and where everybody may, and can signal only its own kind.
///
/// # Errors
/// When the kernel has no Landlock, or this container forbids it.
pub fn restrict_files<'a>(writable: impl IntoIterator<Item = &'a Path>) -> Result<()> {
    let abi = ABI::V6;
    let write = AccessFs::from_write(abi);
    let status = Ruleset::default()
        .handle_access(write)?
        .scope(Scope::AbstractUnixSocket | Scope::Signal)?
        .create()?
        .add_rules(path_beneath_rules(writable, write))?
        .add_rules(path_beneath_rules(SHARED_FOLDERS, write))?
        .add_rules(path_beneath_rules(
            KERNEL_FILES,
            AccessFs::WriteFile | AccessFs::Truncate | AccessFs::IoctlDev,
        ))?
        .restrict_self()
        .context("Landlock")?;
    if status.ruleset == RulesetStatus::NotEnforced {
        bail!("this kernel has no Landlock, or it is switched off");
    }
    Ok(())
}

/// From here on this process makes no sockets but Unix ones (unless it has the `network`), no namespaces, no code in memory, and none of [`REFUSED_CALLS`].
///
/// # Errors
/// When the kernel has no filter of system calls.
pub fn restrict_calls(network: bool) -> Result<()> {
    let families: &[libc::c_int] = if network {
        &[libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK]
    } else {
        &[libc::AF_UNIX]
    };
    let other_families = families
        .iter()
        .map(|family| SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, number(*family)));
    let other_families: Result<_, _> = other_families.collect();
    let sockets = BTreeMap::from([(libc::SYS_socket, vec![SeccompRule::new(other_families?)?])]);
    apply(sockets, libc::EAFNOSUPPORT)?;

    // Its flags are in memory, where no filter can look. Libraries know what to do on a kernel without it.
    apply(BTreeMap::from([(libc::SYS_clone3, Vec::new())]), libc::ENOSYS)?;

    let mut refused: BTreeMap<_, _> = REFUSED_CALLS.into_iter().map(|call| (call, Vec::new())).collect();
    let namespaces = NAMESPACE_FLAGS
        .into_iter()
        .map(|flag| with_all_of(0, flag))
        .collect::<Result<_>>()?;
    refused.insert(libc::SYS_clone, namespaces);
    for call in MAPPING_CALLS {
        refused.insert(call, vec![with_all_of(2, libc::PROT_WRITE | libc::PROT_EXEC)?]);
    }
    for call in [libc::SYS_mprotect, libc::SYS_pkey_mprotect] {
        refused.insert(call, vec![with_all_of(2, libc::PROT_EXEC)?]);
    }
    apply(refused, libc::EPERM)
}

/// Matches a call whose argument number `argument`, from 0, has all bits of `flags` set.
fn with_all_of(argument: u8, flags: libc::c_int) -> Result<SeccompRule> {
    let flags = number(flags);
    let set = SeccompCondition::new(
        argument,
        SeccompCmpArgLen::Dword,
        SeccompCmpOp::MaskedEq(flags),
        flags,
    )?;
    Ok(SeccompRule::new(vec![set])?)
}

/// Answers these calls, if their rules match, with the error `errno`.
fn apply(calls: BTreeMap<libc::c_long, Vec<SeccompRule>>, errno: libc::c_int) -> Result<()> {
    #[allow(
        clippy::useless_conversion,
        reason = "c_long has 32 bits on 32-bit processors"
    )]
    let calls = calls
        .into_iter()
        .map(|(call, rules)| (i64::from(call), rules))
        .collect();
    let refuse = SeccompAction::Errno(errno.cast_unsigned());
    let architecture = TargetArch::try_from(std::env::consts::ARCH)?;
    let program: BpfProgram =
        SeccompFilter::new(calls, SeccompAction::Allow, refuse, architecture)?.try_into()?;
    seccompiler::apply_filter(&program)?;
    Ok(())
}

/// A constant of the C library as an argument register holds it.
fn number(constant: libc::c_int) -> u64 {
    constant.cast_unsigned().into()
}
