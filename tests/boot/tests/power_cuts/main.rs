//! Power cuts while firmware is installed or changed: every write of an installation, a first boot, an upgrade and its commit is lost, kept alone
//! or cut short on a copy of the disk, and the disk is looked at as GRUB sees it; some of these disks are really booted. And QEMU is
//! killed at random moments.
//!
//! `SPS_POWER_CUT_SECONDS` (60) bounds the looking, but windows that touch the partition table, the boot control or the
//! slots are tried in whole. `SPS_LONG` boots more disks, `SPS_KILLS` (3) sets the number of kills, `SPS_SEED` repeats a run.
//! Figures go to standard error, past what a test runner holds back.

#[cfg(test)]
mod cuts;
#[cfg(test)]
mod disk_rules;
#[cfg(test)]
mod installation;
#[cfg(test)]
mod kills;
#[cfg(test)]
mod scene;
