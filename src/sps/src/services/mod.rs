//! The services of the appliance, one file each, and the supervisor's run over them.

mod admin;
mod boot_page;
mod bundles;
mod cleaning;
mod cluster_configuration;
mod data;
mod firewall;
mod firmware;
mod ground;
mod importing;
mod inbox;
mod indexers;
mod indexing;
mod jobs;
mod network;
mod pulse;
mod recording;
mod retention;
mod ssh;
mod ssh_firmware;
mod ssh_proxy;
mod supervise;
mod time;
mod timestamps;
mod unattended;

#[cfg(test)]
pub(crate) use cluster_configuration::open_with as open_configuration;
pub(crate) use data::{DataState, FOLDER as DATA_FOLDER, Opened};
pub(crate) use supervise::{PHASE, TITLE, supervise};
