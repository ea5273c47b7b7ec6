//! The cluster document: everything that nodes of one cluster have in common, on `data`.
//!
//! Types and checks are pure. The store keeps the document and every change of it in one folder; a change is there completely or not at
//! all, whatever happens meanwhile. Secrets are encrypted on disk with the cluster key; when it is gone everything else stays readable.
//!
//! Invariants: a document in force has passed its checks; a file that this version does not understand is neither used nor
//! touched; no secret is shown by `Debug` or in an error, or leaves in plain but inside an export with a password. Must not know who
//! changes the configuration, what the values do, nor older layouts: who imports brings the migration along.

mod anonymous;
mod check;
mod cipher;
mod cluster;
mod difference;
mod edit;
mod envelope;
mod export;
mod import;
mod key;
mod lost;
mod passwords;
mod place;
mod projection;
mod protected;
mod record;
mod seal;
pub mod sections;
mod store;
#[cfg(test)]
mod testing;

pub use anonymous::{AnonymousError, Pseudonyms};
pub use check::CheckError;
pub use cluster::{Cluster, LAYOUT};
pub use edit::{Difference, Edit, EditError};
pub use envelope::{OpenError, disclose, enclose};
pub use export::{About, ExportError, MOST_BYTES as EXPORT_BYTES, export_encrypted, export_plain};
pub use import::{ImportError, Imported, import};
pub use key::{ClusterKey, KeyError, KeyId, NodeKey, UnwrapError, WrapError, unwrap, wrap};
pub use lost::{LossReason, LostSecret};
pub use passwords::HashError;
pub use place::{Place, PlaceError};
pub use projection::{Administrators, KeptError, LogTarget, NodeProjection, ProjectionError, project};
pub use protected::Protected;
pub use record::RecordError;
pub use seal::SealError;
pub use store::{Found, HISTORY_KEPT, Revision, Store, StoreError};
