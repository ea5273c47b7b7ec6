//! Kernel settings made at boot. The table is the whole list; kernel-config/HARDENING.md gives the reasons.

use std::borrow::Cow;
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
    value: Cow<'static, str>,
    #[source]
    source: io::Error,
}

/// KiB that are kept aside for what the kernel needs at once.
const ASIDE: std::ops::RangeInclusive<u64> = 4 * 1024..=64 * 1024;

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
    let root = Path::new("/proc/sys");
    let mut errors = apply_below(root, SETTINGS.iter().map(|&(name, value)| (name, value.into())));
    match fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| of_memory(&text))
    {
        Some(settings) => errors.extend(apply_below(root, settings)),
        None => {
            warn!("the kernel does not tell how much memory there is: its buffers are bounded as it likes")
        }
    }
    for error in errors {
        warn!("{}", sps_bootlog::causes(&error));
    }
}

/// What depends on the memory there is. The only process cannot be ended for want of memory: the kernel's buffers must never be what takes the rest of
/// it, and what it needs at once is kept aside.
fn of_memory(meminfo: &str) -> Option<[(&'static str, Cow<'static, str>); 2]> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    let pages = kib / 4;
    // Pages of all TCP sockets together: from the second on they become smaller, beyond the third nothing is taken.
    let tcp = format!("{} {} {}", pages / 64, pages / 32, pages / 24);
    let aside = (kib / 64).clamp(*ASIDE.start(), *ASIDE.end());
    Some([
        ("net/ipv4/tcp_mem", tcp.into()),
        ("vm/min_free_kbytes", aside.to_string().into()),
    ])
}

/// Silences the kernel's own printing on the consoles below panics: from now on the boot log shows its warnings.
///
/// # Errors
/// When `/proc/sys/kernel/printk` cannot be written.
pub fn quiet_kernel_console() -> Result<(), SysctlError> {
    let (name, value) = ("kernel/printk", "1");
    let written = fs::write(Path::new("/proc/sys").join(name), value);
    written.map_err(|source| SysctlError {
        name,
        value: value.into(),
        source,
    })
}

fn apply_below(
    root: &Path,
    settings: impl IntoIterator<Item = (&'static str, Cow<'static, str>)>,
) -> Vec<SysctlError> {
    let make = |(name, value): (&'static str, Cow<'static, str>)| {
        let line = format!("{value}\n");
        let written = fs::OpenOptions::new().write(true).open(root.join(name));
        let written = written.and_then(|mut file| io::Write::write_all(&mut file, line.as_bytes()));
        written.err().map(|source| SysctlError { name, value, source })
    };
    settings.into_iter().filter_map(make).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_setting_is_named_and_the_others_are_made() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("kernel")).unwrap();
        fs::write(root.path().join("kernel/panic"), "0\n").unwrap();
        let errors = apply_below(
            root.path(),
            [("kernel/gone", "1".into()), ("kernel/panic", "10".into())],
        );
        assert_eq!(errors.len(), 1);
        assert_eq!(errors[0].to_string(), "could not set kernel/gone to 1");
        assert_eq!(
            fs::read_to_string(root.path().join("kernel/panic")).unwrap(),
            "10\n"
        );
    }

    #[test]
    fn the_kernels_buffers_are_a_small_part_of_the_memory() {
        let small = of_memory("MemTotal:         497396 kB\nMemFree:           22000 kB\n").unwrap();
        assert_eq!(small.map(|(_, value)| value), ["1942 3885 5181", "7771"]);
        let large = of_memory("MemTotal:       67108864 kB\n").unwrap();
        assert_eq!(large[1].1, "65536");
        assert!(of_memory("MemFree: 1 kB\n").is_none());
    }
}
