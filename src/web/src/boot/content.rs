//! What the server is given to show.

use std::sync::Arc;

use serde::Serialize;
use sps_bootlog::BootLog;
use tokio::sync::watch;

use crate::boot::bundle::Bundles;
use crate::boot::status::BootStatus;
use crate::router::Administration;

/// Which appliance and firmware this is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ApplianceInfo {
    /// Name of the product.
    pub product: String,
    /// Version of the running firmware.
    pub version: String,
    /// Release channel (LTS or feature).
    pub channel: String,
    /// Build id of the running firmware.
    pub build_id: String,
    /// Whether the firmware carries the published development signature.
    pub development: bool,
    /// Host name.
    pub host_name: String,
}

/// Everything the boot page reads from.
#[derive(Clone, Debug)]
pub struct BootContent {
    /// The boot log.
    pub log: BootLog,
    /// Phases, health, services; the sender may change it as often as it likes.
    pub status: watch::Receiver<BootStatus>,
    /// Which appliance and firmware this is.
    pub info: ApplianceInfo,
    /// Identity of this boot (`/proc/sys/kernel/random/boot_id`): a reader that comes back to another one knows
    /// that its entry numbers mean nothing any more.
    pub boot_id: String,
    /// Who makes support bundles, where they are given out.
    pub bundles: Option<Arc<dyn Bundles>>,
    /// What the pages behind the login work with, where there is somebody to log in.
    pub administration: Option<Administration>,
}
