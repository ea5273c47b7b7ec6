//! GRUB on an installed disk, really booted: what it starts for what the boot control says, and what it writes back.
//!
//! The kernels are one that prints its command line and stops, so a boot takes as long as GRUB does.

#[cfg(test)]
mod disk;
#[cfg(test)]
mod kernel;
#[cfg(test)]
mod stories;
