//! What people see of who indexes.

/// Everybody who indexes, and who may not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The appliance's own worker.
    pub own: OwnReport,
    /// Hosts that are connected, or were since the start.
    pub hosts: Vec<HostReport>,
    /// Who was refused or cut off lately, the newest first.
    pub refused: Vec<Refusal>,
    /// Sessions that are set apart for hosts.
    pub waiting: usize,
}

/// The appliance's own worker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnReport {
    /// The session it reads.
    pub session: Option<String>,
    /// Sessions it read since the start.
    pub done: u64,
    /// What went wrong last.
    pub last_error: Option<String>,
}

/// A host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostReport {
    /// Its name in the configuration.
    pub name: String,
    /// What it calls itself.
    pub host_name: String,
    /// Where it connects from.
    pub address: String,
    /// Its version.
    pub version: String,
    /// Since when it is connected, seconds since 1970; none: it is not.
    pub since: Option<u64>,
    /// Workers it says it has.
    pub workers: u16,
    /// Keys it has.
    pub keys: usize,
    /// Those that are connected.
    pub connected: Vec<WorkerReport>,
    /// Sessions it read since the start.
    pub done: u64,
    /// Sessions an hour, since it connected.
    pub per_hour: u64,
    /// What went wrong last, and when, seconds since 1970.
    pub last_error: Option<(u64, String)>,
}

/// A worker of a host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkerReport {
    /// Its number.
    pub number: u16,
    /// The session it reads.
    pub session: Option<String>,
    /// Bytes of the trail it was given.
    pub given: u64,
    /// Bytes of the trail.
    pub size: u64,
}

/// Somebody who was refused or cut off.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// When, seconds since 1970.
    pub time: u64,
    /// Where it came from.
    pub address: String,
    /// Its name in the configuration, where it has one.
    pub host: Option<String>,
    /// Why.
    pub reason: String,
    /// How often, one after the other.
    pub times: u32,
}
