//! The services of the appliance, one file each, and the supervisor's run over them.

mod boot_page;
mod network;
mod pulse;
mod supervise;

pub(crate) use supervise::supervise;

/// Name of the last phase of a boot.
pub(crate) const PHASE: &str = "services";
/// What it does.
pub(crate) const TITLE: &str = "Start the services";
/// The name the appliance has until somebody gives it one.
pub(crate) const HOST_NAME: &str = "sps";
