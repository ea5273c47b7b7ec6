//! Guests under QEMU: disks, serial line, QMP, ports, links.
//!
//! [`Testbed::run`] gives a test its folder and its share of the machine; [`Testbed::start`] turns a
//! [`Machine`] into a running [`Guest`]. What a guest said is kept when the test fails and removed when it
//! passes.
//!
//! Invariants: every wait has a bound and ends early when the guest does; nothing sleeps; nothing listens but
//! on 127.0.0.1 or on unix sockets of the test's own folder; a guest never outlives its [`Guest`].

#[cfg(feature = "crowd")]
pub mod crowd;
mod disk_server;
mod firmware;
mod guest;
mod link;
mod machine;
mod media;
mod nic;
#[cfg(feature = "peer")]
mod peer;
mod power_cut;
mod process;
mod qmp;
mod recorded_disk;
mod serial;
mod slots;
mod sshd;
mod testbed;
mod timestamping;
#[cfg(feature = "web")]
mod web;
mod write_log;

pub use disk_server::DiskServer;
pub use firmware::{DiskFormat, Firmware, built_iso};
pub use guest::Guest;
pub use link::{End, Frame, Link, Quality};
pub use machine::{Chipset, DirectBoot, FirmwareKind, Machine, OVMF_CODE, OVMF_VARS, QEMU};
pub use media::{Bus, Disk};
pub use nic::{Forward, Model, Nic};
#[cfg(feature = "peer")]
pub use peer::Peer;
pub use power_cut::{Kept, PowerCuts, Report, State};
pub use qmp::Qmp;
pub use recorded_disk::{Mounted, RecordedDisk};
pub use serial::{Found, Serial};
pub use sshd::{Sshd, keygen};
pub use testbed::Testbed;
pub use timestamping::{Served, TimestampAuthority, TimestampServer, TsaCertificate};
#[cfg(feature = "web")]
pub use web::{Event, Events, Page, Web};
pub use write_log::{Kind, LogEntry, WriteLog};
