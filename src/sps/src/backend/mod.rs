//! Carries out what administrators ask for, by the rooms that can: the one [`sps_admin::Backend`] of the appliance.
//!
//! One file a topic; this folder decides nothing, it translates.

mod access;
mod active;
mod appliance;
mod cluster;
mod core_files;
mod fetching;
mod firmware;
mod indexers;
mod installing;
mod kept_bundles;
mod licence;
mod metrics;
mod network;
mod receiving;
mod sessions;
mod settings;
mod setup;
mod space;
mod status;
mod store;
mod support;
mod testing;
mod unattended;

pub(crate) use appliance::{Appliance, Parts};
pub(crate) use fetching::fetcher;
pub(crate) use licence::Licences;
pub(crate) use receiving::Dock;
pub(crate) use settings::Settings;
pub(crate) use unattended::{Ordered, carry_out_order};
