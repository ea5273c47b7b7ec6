//! Which open files a program that is started takes along.

use std::io;

use rustix::fd::RawFd;

/// `CLOSE_RANGE_CLOEXEC` (include/uapi/linux/close_range.h).
const CLOEXEC: libc::c_uint = 1 << 2;

/// Marks every open file from number `first` on as closed by the next program: whatever a library has opened without
/// saying so does not reach it.
///
/// # Errors
/// The kernel's; it knows this since 5.11.
pub fn close_on_exec_from(first: RawFd) -> io::Result<()> {
    let first = libc::c_uint::try_from(first).map_err(|_| io::ErrorKind::InvalidInput)?;
    // SAFETY: close_range(2) takes three numbers; with this flag it closes nothing, it marks.
    match unsafe { libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, CLOEXEC) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::fd::AsRawFd;

    use rustix::io::{FdFlags, fcntl_getfd, fcntl_setfd};

    use super::*;

    #[test]
    fn an_open_file_is_marked() {
        let file = File::open("/proc/self/status").unwrap();
        fcntl_setfd(&file, FdFlags::empty()).unwrap();
        close_on_exec_from(file.as_raw_fd()).unwrap();
        assert_eq!(fcntl_getfd(&file).unwrap(), FdFlags::CLOEXEC);
        assert!(close_on_exec_from(-1).is_err());
    }
}
