//! Slots on a real ext4 in a file, mounted through a loop device, as this crate and as GRUB see it.
//!
//! Needs root, `mke2fs`, and `grub-fstest` (Debian's `e2fsprogs`, `grub-common`).

#[cfg(test)]
mod adding;
#[cfg(test)]
mod appliance;
#[cfg(test)]
mod crashes;
#[cfg(test)]
mod disk;
#[cfg(test)]
mod forge;
#[cfg(test)]
mod garbage;
#[cfg(test)]
mod grub;
#[cfg(test)]
mod stories;
#[cfg(test)]
mod testing;
