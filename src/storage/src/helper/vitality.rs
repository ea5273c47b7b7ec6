//! Whether a process is getting on: what it has read and written, and where the kernel does not count that, the
//! processor time it has used.

use std::fs;

/// A number that only grows, and grows while the process works; `None` when the process is gone.
pub(super) fn work_done(pid: u32) -> Option<u64> {
    let io = fs::read_to_string(format!("/proc/{pid}/io")).ok();
    io.and_then(|text| bytes_moved(&text)).or_else(|| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        ticks_used(&stat)
    })
}

/// `/proc/PID/io` (proc(5)): bytes asked for and bytes that reached a disk.
fn bytes_moved(text: &str) -> Option<u64> {
    let value = |name: &str| -> Option<u64> {
        text.lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")?.parse().ok())
    };
    ["rchar", "wchar", "read_bytes", "write_bytes"]
        .into_iter()
        .try_fold(0_u64, |sum, name| Some(sum.wrapping_add(value(name)?)))
}

/// `/proc/PID/stat` (proc(5)): fields 14 and 15, user and system time; the name before may hold anything but ends
/// at the last closing parenthesis.
fn ticks_used(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ').skip(11).map(str::parse::<u64>);
    let (user, system) = (fields.next()?.ok()?, fields.next()?.ok()?);
    Some(user + system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_works() {
        let before = work_done(std::process::id()).unwrap();
        let _some_bytes = fs::read("/proc/self/exe").unwrap();
        assert!(work_done(std::process::id()).unwrap() > before);
        assert_eq!(work_done(u32::MAX), None);
    }

    #[test]
    fn times_are_found_behind_any_name() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 1 2 3 4 50 60 0 0 20 0 1 0 5";
        assert_eq!(ticks_used(stat), Some(110));
        assert_eq!(ticks_used("7 (a"), None);
    }

    #[test]
    fn bytes_are_summed() {
        let text = "rchar: 1\nwchar: 2\nsyscr: 9\nread_bytes: 4\nwrite_bytes: 8\n";
        assert_eq!(bytes_moved(text), Some(15));
        assert_eq!(bytes_moved("rchar: 1\n"), None);
    }
}
