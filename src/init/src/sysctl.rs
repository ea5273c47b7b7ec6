//! Kernel settings made at boot. The table is the whole list; kernel-config/HARDENING.md gives the reasons.

use std::fs;
use std::io;
use std::path::Path;

use thiserror::Error;
use tracing::warn;

/// A setting the kernel did not take.
#[derive(Debug, Error)]
#[error("could not set {name} to {value}")]
pub struct SysctlError {
    name: &'static str,
    value: &'static str,
    #[source]
    source: io::Error,
}

/// Name (path below /proc/sys) and value.
const SETTINGS: &[(&str, &str)] = &[
    // A damaged kernel ends in a counted reboot.
    ("kernel/panic", "10"),
    ("kernel/panic_on_oops", "1"),
    ("kernel/softlockup_panic", "1"),
    ("kernel/hung_task_panic", "0"),
    ("kernel/unknown_nmi_panic", "1"),
    // What the kernel tells, and to whom.
    ("kernel/kptr_restrict", "2"),
    ("kernel/dmesg_restrict", "1"),
    ("kernel/yama/ptrace_scope", "3"),
    ("kernel/perf_event_paranoid", "3"),
    ("kernel/core_pattern", ""),
    ("fs/suid_dumpable", "0"),
    ("fs/protected_symlinks", "1"),
    ("fs/protected_hardlinks", "1"),
    ("fs/protected_fifos", "2"),
    ("fs/protected_regular", "2"),
    ("dev/tty/ldisc_autoload", "0"),
    ("vm/mmap_min_addr", "65536"),
    // An appliance is a host until a policy makes it more.
    ("net/ipv4/ip_forward", "0"),
    ("net/ipv4/tcp_syncookies", "1"),
    ("net/ipv4/tcp_rfc1337", "1"),
    ("net/ipv4/icmp_echo_ignore_broadcasts", "1"),
    ("net/ipv4/conf/all/rp_filter", "1"),
    ("net/ipv4/conf/default/rp_filter", "1"),
    ("net/ipv4/conf/all/accept_redirects", "0"),
    ("net/ipv4/conf/default/accept_redirects", "0"),
    ("net/ipv4/conf/all/send_redirects", "0"),
    ("net/ipv4/conf/default/send_redirects", "0"),
    ("net/ipv4/conf/all/accept_source_route", "0"),
    ("net/ipv4/conf/default/accept_source_route", "0"),
    ("net/ipv6/conf/all/accept_redirects", "0"),
    ("net/ipv6/conf/default/accept_redirects", "0"),
    ("net/ipv6/conf/all/accept_source_route", "0"),
];

/// Makes every setting; one the kernel lacks is a warning, the rest are made all the same.
pub fn apply() {
    for error in apply_below(Path::new("/proc/sys"), SETTINGS) {
        warn!("{}", sps_bootlog::causes(&error));
    }
}

/// Silences the kernel's own printing on the consoles below panics: from now on the boot log shows its warnings.
///
/// # Errors
/// When `/proc/sys/kernel/printk` cannot be written.
pub fn quiet_kernel_console() -> Result<(), SysctlError> {
    let (name, value) = ("kernel/printk", "1");
    let written = fs::write(Path::new("/proc/sys").join(name), value);
    written.map_err(|source| SysctlError { name, value, source })
}

fn apply_below(root: &Path, settings: &'static [(&str, &str)]) -> Vec<SysctlError> {
    let make = |&(name, value): &(&'static str, &'static str)| {
        let line = format!("{value}\n");
        let written = fs::OpenOptions::new().write(true).open(root.join(name));
        let written = written.and_then(|mut file| io::Write::write_all(&mut file, line.as_bytes()));
        written.err().map(|source| SysctlError { name, value, source })
    };
    settings.iter().filter_map(make).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_setting_is_named_and_the_others_are_made() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("kernel")).unwrap();
        fs::write(root.path().join("kernel/panic"), "0\n").unwrap();
        let errors = apply_below(root.path(), &[("kernel/gone", "1"), ("kernel/panic", "10")]);
        assert_eq!(errors.len(), 1);
        assert_eq!(errors[0].to_string(), "could not set kernel/gone to 1");
        assert_eq!(
            fs::read_to_string(root.path().join("kernel/panic")).unwrap(),
            "10\n"
        );
    }
}
