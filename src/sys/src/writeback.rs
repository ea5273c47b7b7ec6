//! Beginning to write a file's bytes to the disk without waiting (sync_file_range(2)).

use std::io;
use std::os::fd::{AsFd, AsRawFd};

/// Asks the kernel to begin writing a range of a file back. Nothing is promised: only a sync makes bytes durable, which then finds
/// less to do.
///
/// # Errors
/// When the descriptor is no file of a disk, or a range does not fit the kernel's numbers.
pub fn begin(file: impl AsFd, offset: u64, length: u64) -> io::Result<()> {
    let number = |value: u64| i64::try_from(value).map_err(|_| io::ErrorKind::InvalidInput);
    let (offset, length) = (number(offset)?, number(length)?);
    let file = file.as_fd().as_raw_fd();
    // SAFETY: no memory is passed; the descriptor is open for as long as `file` is borrowed.
    let answer = unsafe { libc::sync_file_range(file, offset, length, libc::SYNC_FILE_RANGE_WRITE) };
    if answer == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_file_takes_it_and_a_pipe_does_not() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[1; 100_000]).unwrap();
        begin(&file, 0, 100_000).unwrap();
        assert!(begin(&file, u64::MAX, 1).is_err());
        let (pipe, _other) = io::pipe().unwrap();
        assert!(begin(&pipe, 0, 1).is_err());
    }
}
