//! Why a document cannot be migrated.

use thiserror::Error;

use crate::layout::{FIRST, LATEST, version};

/// Why a document cannot be migrated.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum MigrateError {
    /// There is no such layout.
    #[error(
        "layout {layout} is not known, only {FIRST} to {LATEST} are: use the firmware that wrote this configuration, or a later one"
    )]
    UnknownLayout {
        /// Its number.
        layout: u32,
    },
    /// A later layout never becomes an earlier one.
    #[error(
        "layout {from} ({}) is later than {to} ({}), and no configuration is taken back: use the firmware that wrote it",
        version(*from).unwrap_or("?"),
        version(*to).unwrap_or("?")
    )]
    Backwards {
        /// The document's layout.
        from: u32,
        /// The layout asked for.
        to: u32,
    },
    /// The document has not the shape of its layout.
    #[error("{path}: {reason} in layout {layout} ({}): correct it with the firmware that wrote it, or restore a backup", version(*layout).unwrap_or("?"))]
    Shape {
        /// The document's layout.
        layout: u32,
        /// Path of the value.
        path: String,
        /// What is wrong there.
        reason: String,
    },
    /// A migration does not find what it is for: it has been run already, or the document is another.
    #[error("{path}: not there, so {migration} cannot be done; it may have been done already")]
    Missing {
        /// Name of the migration.
        migration: &'static str,
        /// Path of the value.
        path: String,
    },
    /// A migration finds its own result, or a name that it needs.
    #[error("{path}: is there already, so {migration} cannot be done; rename it with the running firmware")]
    Exists {
        /// Name of the migration.
        migration: &'static str,
        /// Path of the value.
        path: String,
    },
    /// What a migration made has not the shape of the next layout.
    #[error("{path}: {reason} in what was made for layout {layout}; nothing was changed: ask support")]
    Produced {
        /// The layout made.
        layout: u32,
        /// Path of the value.
        path: String,
        /// What is wrong there.
        reason: String,
    },
}
