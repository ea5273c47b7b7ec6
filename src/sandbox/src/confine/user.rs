//! A user that owns nothing and can become nobody else.

use nix::unistd::{Gid, Uid, setgroups, setresgid, setresuid};
use rustix::thread::{
    CapabilitySet, clear_ambient_capability_set, remove_capability_from_bounding_set, set_no_new_privs,
};

use crate::shim::{Doing, Problem};

/// `nobody` and `nogroup`, the kernel's own overflow numbers.
const NOBODY: u32 = 65534;

/// Gives up every right for good.
pub(crate) fn become_nobody() -> Result<(), Problem> {
    for number in 0..u64::BITS {
        match remove_capability_from_bounding_set(CapabilitySet::from_bits_retain(1 << number)) {
            // Beyond the last that this kernel knows.
            Err(rustix::io::Errno::INVAL) if number > 0 => break,
            other => other.doing("drop capabilities")?,
        }
    }
    clear_ambient_capability_set().doing("drop capabilities")?;
    setgroups(&[]).doing("leave groups")?;
    let (user, group) = (Uid::from_raw(NOBODY), Gid::from_raw(NOBODY));
    setresgid(group, group, group).doing("become nobody")?;
    setresuid(user, user, user).doing("become nobody")?;
    set_no_new_privs(true).doing("forbid new privileges")
}
