//! How the appliance does, for people.

use serde::{Deserialize, Serialize};

use crate::network::InterfaceStatus;

/// What this boot is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// From the installation medium.
    Live,
    /// From the disk.
    #[default]
    Installed,
    /// From the disk, with nothing but what is needed to mend it.
    Rescue,
}

/// Everything `sps status` shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Status {
    /// What this boot is.
    pub mode: Mode,
    /// Host name.
    pub host_name: String,
    /// Running firmware.
    pub firmware: FirmwareIdentity,
    /// Slot that is running, when there is one.
    pub slot: Option<u8>,
    /// Slot that boots at the next reboot.
    pub after_reboot: Option<u8>,
    /// Version in that slot.
    pub after_reboot_version: Option<String>,
    /// Overall health.
    pub health: Health,
    /// Sealed mode.
    pub sealed: bool,
    /// Seconds since the kernel started.
    pub uptime: u64,
    /// Wall clock, seconds since 1970.
    pub time: u64,
    /// The clock follows a time server.
    pub time_synchronized: bool,
    /// Services.
    pub services: Vec<ServiceStatus>,
    /// Interfaces.
    pub interfaces: Vec<InterfaceStatus>,
    /// Why it is in rescue.
    pub rescue: Option<String>,
    /// The last firmware that failed and was left.
    pub rollback: Option<Rollback>,
    /// What a person should know or mend, one sentence each.
    pub problems: Vec<String>,
}

/// Which firmware it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FirmwareIdentity {
    /// Product name.
    pub product: String,
    /// Version.
    pub version: String,
    /// Release channel.
    pub channel: String,
    /// Build.
    pub build: String,
    /// Signed with the published development key.
    pub development: bool,
}

/// Overall health.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Health {
    /// Still starting.
    #[default]
    Starting,
    /// Every service does its work.
    Healthy,
    /// It works, and something is not as it should be.
    Degraded,
    /// The boot or a needed service failed.
    Failed,
    /// Reboot or power-off is under way.
    Stopping,
}

/// One service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceStatus {
    /// Name.
    pub name: String,
    /// Where it stands.
    pub state: ServiceState,
    /// What it says about itself; may be empty.
    pub detail: String,
}

/// Where a service stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ServiceState {
    /// Not started yet.
    Waiting,
    /// Started, not ready.
    Starting,
    /// Does its work.
    Healthy,
    /// Works with a limitation.
    Degraded,
    /// Ended and waits for its next start.
    Restarting,
    /// Ended and is not started again.
    Failed,
    /// Ended because it was told to.
    Stopped,
}

/// A firmware that failed and was left for the one before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rollback {
    /// Version that failed.
    pub version: String,
    /// Phase of its boot that did not end, when it is known.
    pub phase: Option<String>,
    /// Why.
    pub reason: String,
    /// When it was noticed, seconds since 1970.
    pub time: u64,
    /// Last lines of its boot log.
    pub log: Vec<String>,
    /// The kernel's last words.
    pub kernel: Vec<String>,
}

/// What the console needs to greet, answered without touching a disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsoleState {
    /// What this boot is.
    pub mode: Mode,
    /// Running firmware.
    pub firmware: FirmwareIdentity,
    /// Host name.
    pub host_name: String,
    /// Overall health.
    pub health: Health,
    /// Sealed mode.
    pub sealed: bool,
    /// A console password is set.
    pub password_set: bool,
    /// Why it is in rescue.
    pub rescue: Option<String>,
    /// A firmware failed and was left: one sentence.
    pub rollback: Option<String>,
}

/// A stretch of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogLines {
    /// Lines as the console shows them.
    pub lines: Vec<String>,
    /// Number of the last line returned; ask for what comes after it next time.
    pub newest: u64,
    /// Lines in between that are no longer kept.
    pub missed: u64,
}
