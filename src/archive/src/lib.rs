//! Archives and backups: stored on a disk or in a bucket of S3, verified, fetched back.
//!
//! [`Shelf`] is the place, whatever it is made of. [`archive`] moves audit trails there as [`Keeper`] tells them; [`back_up`] copies a
//! tree of files, unchanged content once; [`restore`] builds it again; [`prune`] removes backups that are more than a policy keeps. Everything here blocks: run it on a thread for that.
//!
//! Invariants:
//! - nothing local is removed before its copy was read back and compared, and before that was noted durably;
//! - a backup counts once its manifest is there, which is written last, after everything it names was seen on the shelf;
//! - nothing is restored whose hash is not that of the manifest, and no path of a manifest leads out of the folder;
//! - memory does not grow with the size of a file or the number of files, but for 32 bytes for each content of a backup;
//! - nothing waits without a limit;
//! - no backup is removed that is among the newest to be kept, not complete, or not known to be ours.
//!
//! Must not know the session database, the trees of the data store, or who may ask. It never removes what others put on a shelf.

mod backup;
mod error;
mod files;
mod http;
mod keeper;
mod manifest;
mod names;
mod prune;
mod resolver;
mod restore;
mod run;
mod shelf;

pub use backup::{BackedUp, Order, Source, Take, back_up};
pub use error::{ArchiveError, BackupError, KeeperError, ShelfError};
pub use keeper::{Keeper, Note, Trail, Trails};
pub use manifest::{Backup, ManifestError, backups, judge};
pub use prune::{Keep, Pruned, prune};
pub use restore::{Restored, inspect, restore, restore_some};
pub use run::{Archived, Run, Skipped, archive, fetch};
pub use shelf::{Bucket, Shelf, Stored};
