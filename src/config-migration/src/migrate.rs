//! Migrations in a chain.

use serde_json::Value;

use crate::edit::Edit;
use crate::error::MigrateError;
use crate::finding::Note;
use crate::layout::version;
use crate::layouts;
use crate::migrations::MIGRATIONS;

/// A document in its new layout.
#[derive(Clone, Debug, PartialEq)]
pub struct Migrated {
    /// The document.
    pub document: Value,
    /// What was dropped or changed, in the order in which it was.
    pub notes: Vec<Note>,
}

/// Takes a document from one layout to another, over every layout between.
///
/// # Errors
/// A layout is unknown, `to` is the earlier one, the document has not the shape of `from`, or a migration cannot be done.
pub fn migrate(document: &Value, from: u32, to: u32) -> Result<Migrated, MigrateError> {
    for layout in [from, to] {
        version(layout).ok_or(MigrateError::UnknownLayout { layout })?;
    }
    if from > to {
        return Err(MigrateError::Backwards { from, to });
    }
    layouts::validate(document, from)?;
    let mut migrated = Migrated {
        document: document.clone(),
        notes: Vec::new(),
    };
    for layout in from..to {
        step(&mut migrated, layout)?;
    }
    Ok(migrated)
}

/// One layout further.
fn step(migrated: &mut Migrated, from: u32) -> Result<(), MigrateError> {
    let Migrated { document, notes } = migrated;
    for migration in MIGRATIONS.iter().filter(|migration| migration.from == from) {
        (migration.apply)(&mut Edit::new(migration.name, document, notes))?;
    }
    layouts::shape(document, from + 1).map_err(|error| MigrateError::Produced {
        layout: from + 1,
        path: error.path,
        reason: error.reason,
    })
}

#[cfg(test)]
mod tests;
