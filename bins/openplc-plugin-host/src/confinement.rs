//! What no plugin needs and could cost a scan time: taking pages out of the journal that it shares with the scan engine, which
//! then would have to wait for the kernel to make new ones (docs/process-image.md).

use std::collections::BTreeMap;
use std::env;

use anyhow::Result;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch,
};

/// From here on this process, and what it executes, makes no holes in shared memory.
///
/// # Errors
/// When the kernel has no filter of system calls.
pub fn refuse_holes() -> Result<()> {
    let removes = SeccompCondition::new(
        2,
        SeccompCmpArgLen::Dword,
        SeccompCmpOp::Eq,
        libc::MADV_REMOVE.cast_unsigned().into(),
    )?;
    let calls = [
        (libc::SYS_fallocate, Vec::new()),
        (libc::SYS_madvise, vec![SeccompRule::new(vec![removes])?]),
    ];
    #[allow(
        clippy::useless_conversion,
        reason = "c_long has 32 bits on 32-bit processors"
    )]
    let calls: BTreeMap<i64, _> = calls
        .into_iter()
        .map(|(call, rules)| (i64::from(call), rules))
        .collect();
    let refuse = SeccompAction::Errno(libc::EPERM.cast_unsigned());
    let architecture = TargetArch::try_from(env::consts::ARCH)?;
    let program: BpfProgram =
        SeccompFilter::new(calls, SeccompAction::Allow, refuse, architecture)?.try_into()?;
    // It also sees to it that no program executed gains privileges.
    seccompiler::apply_filter(&program)?;
    Ok(())
}
