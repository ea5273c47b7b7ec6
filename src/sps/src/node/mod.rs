//! The installed node: its disk, its file systems, its slot. What is done here touches disks, so it runs aside of PID 1's
//! own thread, which feeds the watchdog meanwhile.

mod aside;
mod disk;
mod licence;
mod projection;
mod slots;
mod spawner;
mod state;

pub(crate) use aside::{Pulse, aside};
pub(crate) use disk::{Node, helpers, open, sandbox};
pub(crate) use licence::{LicenceStore, LicenceStoreError};
pub(crate) use projection::{outline, take_over};
pub(crate) use slots::{Who, now, open_slots};
pub(crate) use state::{STATE_FOLDER, State, access, actions, bundles, licence, logs, mount};
