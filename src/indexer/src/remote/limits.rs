//! How long each side waits, and how much there may be of each thing.

use std::time::Duration;

/// The TCP port of the appliance, unless it is configured otherwise.
pub const PORT: u16 = 12_345;

/// Connections that have not said who they are: strangers take no more than that.
pub(crate) const MOST_GREETING: usize = 16;
/// Of one address.
pub(crate) const MOST_OF_ADDRESS: usize = 8;
/// Connections of hosts: 64 workers of 8 hosts.
pub(crate) const MOST_CONNECTIONS: usize = 512;
/// From the first byte of a connection to its hello.
pub(crate) const GREETED_WITHIN: Duration = Duration::from_secs(10);
/// Without work a host is asked whether it is there as often as that: one that starts anew finds its place free.
pub(crate) const REST_EVERY: Duration = Duration::from_secs(2);
/// Until it answers.
pub(crate) const ALIVE_WITHIN: Duration = Duration::from_secs(30);
/// Between two things a host says of a session: a machine under load may emulate a quarter of a megabyte as slowly.
pub(crate) const SAID_WITHIN: Duration = Duration::from_secs(300);
/// Until a frame is sent.
pub(crate) const SENT_WITHIN: Duration = Duration::from_secs(60);
/// For one session: an hour as on the appliance, and half an hour for the way.
pub(crate) const READ_WITHIN: Duration = Duration::from_secs(90 * 60);
/// Sessions that were told and are not in the index yet: what hosts tell waits on the disk meanwhile.
pub(crate) const MOST_TOLD_SESSIONS: usize = 16;
/// What was told of a session stays in memory up to that, bytes.
pub(crate) const TOLD_IN_MEMORY: usize = 1024 * 1024;

/// Until a host has connected.
pub(crate) const CONNECTED_WITHIN: Duration = Duration::from_secs(10);
/// A host that hears nothing so long has lost its appliance: three times what the appliance lets pass.
pub(crate) const SILENT_AT_MOST: Duration = Duration::from_secs(60);
/// A host that waits looks so often whether it is to stop.
pub(crate) const LOOK: Duration = Duration::from_millis(500);
/// A host that is to stop goes on with its session so long, then gives it back.
pub(crate) const DRAINED_WITHIN: Duration = Duration::from_secs(60);
