//! The system calls that are left: to compute, to read and write what is open, to end.
//!
//! Everything else answers that it is not implemented, which programs know from older kernels: a later firmware that tries
//! something new goes on without it. Calls of another architecture end the program.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

use nix::libc;
use seccompiler::{
    BpfProgram, Error, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, apply_filter,
};

use crate::shim::{Doing, Problem};

/// Allowed with any arguments.
const PLAIN: &[libc::c_long] = &[
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_readv,
    libc::SYS_writev,
    libc::SYS_pread64,
    libc::SYS_lseek,
    libc::SYS_close,
    libc::SYS_fstat,
    libc::SYS_poll,
    libc::SYS_ppoll,
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_futex,
    libc::SYS_set_tid_address,
    libc::SYS_set_robust_list,
    libc::SYS_get_robust_list,
    libc::SYS_rseq,
    libc::SYS_arch_prctl,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_gettid,
    libc::SYS_getpid,
    libc::SYS_getrandom,
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_restart_syscall,
    // An abort is a signal to oneself; of others there is only process 1 of the namespace, of another user.
    libc::SYS_tgkill,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// A thread of the own process: no other process.
const THREAD: u64 = (libc::CLONE_THREAD | libc::CLONE_VM | libc::CLONE_SIGHAND) as u64;

/// Leaves these calls, and starting `program`.
pub(crate) fn system_calls(program: &File) -> Result<(), Problem> {
    let filter = filter(program)
        .map_err(io::Error::other)
        .doing("make the filter")?;
    apply_filter(&filter)
        .map_err(io::Error::other)
        .doing("filter system calls")
}

fn filter(program: &File) -> Result<BpfProgram, Error> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = PLAIN.iter().map(|call| (*call, Vec::new())).collect();
    let masked = |argument, mask: u64, value: u64| {
        SeccompCondition::new(
            argument,
            SeccompCmpArgLen::Qword,
            SeccompCmpOp::MaskedEq(mask),
            value,
        )
    };
    let equal = |argument, value: u64| {
        SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value)
    };
    // Memory is data: nothing that was written is ever run.
    let no_code = || masked(2, libc::PROT_EXEC as u64, 0);
    rules.insert(libc::SYS_mmap, vec![SeccompRule::new(vec![no_code()?])?]);
    rules.insert(libc::SYS_mprotect, vec![SeccompRule::new(vec![no_code()?])?]);
    rules.insert(
        libc::SYS_clone,
        vec![SeccompRule::new(vec![masked(0, THREAD, THREAD)?])?],
    );
    // Reading one's own limits, not setting them: the third argument is the new one.
    let reading = SeccompCondition::new(2, SeccompCmpArgLen::Qword, SeccompCmpOp::Eq, 0)?;
    rules.insert(
        libc::SYS_prlimit64,
        vec![SeccompRule::new(vec![equal(0, 0)?, reading])?],
    );
    let reads_flags = |what: libc::c_int| SeccompRule::new(vec![equal(1, what as u64)?]);
    rules.insert(
        libc::SYS_fcntl,
        vec![reads_flags(libc::F_GETFD)?, reads_flags(libc::F_GETFL)?],
    );
    // The program itself, by its open file, which is closed by that.
    let this = equal(0, program.as_raw_fd() as u64)?;
    let by_file = equal(4, libc::AT_EMPTY_PATH as u64)?;
    rules.insert(libc::SYS_execveat, vec![SeccompRule::new(vec![this, by_file])?]);
    let filter = SeccompFilter::new(
        rules,
        SeccompAction::Errno(libc::ENOSYS as u32),
        SeccompAction::Allow,
        TargetArch::x86_64,
    )?;
    Ok(filter.try_into()?)
}
