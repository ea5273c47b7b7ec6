//! The kernel's log, read without waiting: `/dev/kmsg` gives one record a read and then says that there is no more
//! (Documentation/ABI/testing/dev-kmsg).

use std::fs::OpenOptions;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

use crate::files::Content;

/// Largest record (`PRINTKRB_RECORD_MAX` of kernel/printk/internal.h is 1,024; with its dictionary 8 KiB).
const RECORD: usize = 8192;

/// Every record that the kernel still holds, at most `limit` bytes.
pub(crate) fn read(path: &Path, limit: usize) -> Result<Content, String> {
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or(0);
    let opened = OpenOptions::new().read(true).custom_flags(flags).open(path);
    let mut device = opened.map_err(|error| format!("could not open it: {error}"))?;
    let mut bytes = Vec::new();
    let mut record = [0; RECORD];
    while bytes.len() < limit {
        match device.read(&mut record) {
            Ok(0) => break,
            Ok(length) => bytes.extend_from_slice(&record[..length]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            // The record was overwritten while it was read: the next one is there (EPIPE).
            Err(error) if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::BrokenPipe) => {}
            Err(error) => return Err(format!("could not read it: {error}")),
        }
    }
    bytes.truncate(limit);
    Ok(bytes.into())
}
