//! The services of the appliance, one file each, and the supervisor's run over them.

mod admin;
mod boot_page;
mod bundles;
mod data;
mod firewall;
mod firmware;
mod inbox;
mod network;
mod pulse;
mod ssh;
mod ssh_firmware;
mod supervise;
mod time;
mod unattended;

pub(crate) use supervise::{PHASE, TITLE, supervise};
