//! *Test* of a new firmware: may this appliance be upgraded to it, and what should its administrator know before?
//!
//! The running firmware makes a [`Snapshot`] of what it knows; the **new** firmware's own code judges it, since only that
//! knows what it will need, and answers with a [`Report`]. The two are of different versions, so both documents are
//! interchange formats: a number of their own, unknown fields are passed over, every fact may be missing.
//!
//! Pure. Invariants: reading never panics and has bounds; what a reader does not understand in a report blocks; a fact
//! that is missing is said, never taken for good. A check is one file in `checks`.

mod checks;
mod finding;
mod judge;
mod report;
mod snapshot;
mod store;
mod text;

#[cfg(test)]
mod example;

pub use finding::{Finding, Severity};
pub use judge::{judge, unreadable};
pub use report::{MAX_FINDINGS, Reorganization, Report, ReportError};
pub use snapshot::{
    Acknowledged, Candidate, ClusterConfiguration, ContentIndex, CoreFile, Counted, DataStore, Facts,
    LastBackup, LicenceFacts, Licensing, MAX_SIZE, Plugin, Running, Slot, Snapshot, SnapshotError, Space,
};
