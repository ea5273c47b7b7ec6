//! Block devices that come and go, heard from the kernel (`lib/kobject_uevent.c`).
//!
//! Open the ear before looking, so that nothing happens between the look and the wait.

use std::io;
use std::time::{Duration, Instant};

use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_KOBJECT_UEVENT};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

/// The kernel's own multicast group for uevents.
const KERNEL_GROUP: u32 = 1;

/// An ear for block devices.
#[derive(Debug)]
pub struct BlockEvents(Socket);

impl BlockEvents {
    /// Listens from now on.
    ///
    /// # Errors
    /// When the kernel gives no socket.
    pub fn listen() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_KOBJECT_UEVENT)?;
        socket.bind(&SocketAddr::new(0, KERNEL_GROUP))?;
        socket.set_non_blocking(true)?;
        Ok(Self(socket))
    }

    /// Waits until a disk or partition appears, changes or goes, at most until `deadline`; whether one did.
    ///
    /// # Errors
    /// When the socket fails.
    pub fn wait_until(&self, deadline: Instant) -> io::Result<bool> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if !self.readable_within(left)? {
                if left.is_zero() {
                    return Ok(false);
                }
                continue;
            }
            match self.0.recv_from_full() {
                Ok((message, _)) if is_block(&message) => return Ok(true),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // Events were lost because too many came at once: one of them may have been ours.
                Err(error) if error.raw_os_error() == Some(Errno::NOBUFS.raw_os_error()) => return Ok(true),
                Err(error) => return Err(error),
            }
        }
    }

    fn readable_within(&self, limit: Duration) -> io::Result<bool> {
        let limit = Timespec::try_from(limit).map_err(io::Error::other)?;
        match poll(&mut [PollFd::new(&self.0, PollFlags::IN)], Some(&limit)) {
            Ok(count) => Ok(count > 0),
            Err(Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// `add@/devices/…/block/sda` with its variables, NUL-separated.
fn is_block(message: &[u8]) -> bool {
    message
        .split(|byte| *byte == 0)
        .any(|pair| pair == b"SUBSYSTEM=block")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_block_devices_count() {
        assert!(is_block(b"add@/x\0ACTION=add\0SUBSYSTEM=block\0DEVNAME=sda\0"));
        assert!(!is_block(b"add@/x\0ACTION=add\0SUBSYSTEM=net\0"));
    }

    #[test]
    fn silence_ends_at_the_deadline() {
        let events = BlockEvents::listen().unwrap();
        assert!(!events.wait_until(Instant::now()).unwrap());
    }
}
