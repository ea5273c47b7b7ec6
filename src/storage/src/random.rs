//! Random identities, from the kernel.

use rustix::io::Errno;
use rustix::rand::{GetRandomFlags, getrandom};
use sps_image::disk::guid::Guid;
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

/// The GUID of a text such as `0509a0fe-3008-4a7f-8822-1b2f9ee3a72e`.
#[must_use]
pub fn parse_guid(text: &str) -> Option<Guid> {
    let dashes = [8, 13, 18, 23];
    let shaped = text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| {
            if dashes.contains(&at) {
                byte == b'-'
            } else {
                byte.is_ascii_hexdigit()
            }
        });
    let digits = text.replace('-', "");
    u128::from_str_radix(&digits, 16)
        .ok()
        .filter(|_| shaped)
        .map(Guid::from_u128)
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

    #[test]
    fn guids_are_read_back_and_others_refused() {
        let text = "0509a0fe-3008-4a7f-8822-1b2f9ee3a72e";
        assert_eq!(parse_guid(text).unwrap().to_string(), text);
        assert_eq!(parse_guid(&text.to_uppercase()).unwrap().to_string(), text);
        for bad in [
            "",
            "0509a0fe",
            "+509a0fe-3008-4a7f-8822-1b2f9ee3a72e",
            &format!("{text}0"),
            &text.replace('-', "0"),
        ] {
            assert!(parse_guid(bad).is_none(), "{bad}");
        }
    }
}
