//! Random identities, from the kernel.

use rustix::io::Errno;
use rustix::rand::{GetRandomFlags, getrandom};
use sps_image::disk::layout::Identity;

/// An identity no other disk has.
///
/// # Errors
/// When the kernel gives no randomness.
pub(crate) fn identity() -> Result<Identity, Errno> {
    let mut bytes = [0; Identity::RANDOM_SIZE];
    fill(&mut bytes)?;
    Ok(Identity::from_random(&bytes))
}

/// A UUID in the order of its text, as file systems store it (RFC 9562, version 4).
///
/// # Errors
/// When the kernel gives no randomness.
pub(crate) fn uuid() -> Result<[u8; 16], Errno> {
    let mut bytes = [0; 16];
    fill(&mut bytes)?;
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    Ok(bytes)
}

/// The kernel gives up to 256 bytes at once and without interruption (getrandom(2)); both callers want less.
fn fill(bytes: &mut [u8]) -> Result<(), Errno> {
    let given = getrandom(&mut *bytes, GetRandomFlags::empty())?;
    if given == bytes.len() {
        Ok(())
    } else {
        Err(Errno::AGAIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_are_never_the_same() {
        let (one, two) = (identity().unwrap(), identity().unwrap());
        assert_ne!(one.disk, two.disk);
        assert_ne!(uuid().unwrap(), uuid().unwrap());
    }
}
