//! What must be drawn at random.

use rustix::rand::{GetRandomFlags, getrandom};
use sps_trail::Seed;

/// What the keys of a trail are made of.
pub(crate) fn seed() -> Result<Seed, String> {
    let mut bytes = [0; 32];
    random(&mut bytes)?;
    Ok(Seed::new(bytes))
}

/// Fills `bytes` with randomness of the kernel.
pub(crate) fn random(bytes: &mut [u8]) -> Result<(), String> {
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        filled += getrandom(rest, GetRandomFlags::empty())
            .map_err(|error| format!("the kernel gave no random bytes: {error}"))?;
    }
    Ok(())
}
