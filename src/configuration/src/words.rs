//! From the document's types to those of the operations, and why something failed in words.

use std::error::Error;

use sps_admin::{ConfigurationEdit, ConfigurationRevision, Failure, FailureKind, SettingDifference};
use sps_cluster_config::{Cluster, Edit, EditError, Place, RecordError, Store, StoreError};
use sps_config::Change;

/// The place of a path.
pub(crate) fn place(path: &str) -> Result<Place, Failure> {
    path.parse()
        .map_err(|error: sps_cluster_config::PlaceError| Failure::invalid(error.to_string()))
}

/// Edits as the document makes them.
pub(crate) fn edits(edits: &[ConfigurationEdit]) -> Result<Vec<Edit>, Failure> {
    let edit = |edit: &ConfigurationEdit| {
        Ok(match edit {
            ConfigurationEdit::Set { path, value } => Edit::Set(place(path)?, value.value().clone()),
            ConfigurationEdit::Delete { path } => Edit::Remove(place(path)?),
        })
    };
    edits.iter().map(edit).collect()
}

/// Refuses when another revision than the expected one is in force.
pub(crate) fn expect(store: &Store, expected: Option<u64>) -> Result<(), Failure> {
    match expected {
        Some(expected) => store.expect(expected).map_err(|error| of_store(&error)),
        None => Ok(()),
    }
}

/// What differs between two documents.
pub(crate) fn differences(before: &Cluster, after: &Cluster) -> Result<Vec<SettingDifference>, Failure> {
    let found = before.differences(after).map_err(|error| of_edit(&error))?;
    let told = found.into_iter().map(|difference| SettingDifference {
        path: difference.place.to_string(),
        before: difference.before,
        after: difference.after,
    });
    Ok(told.collect())
}

/// A revision of the history.
pub(crate) fn revision((revision, change): (u64, Change)) -> ConfigurationRevision {
    ConfigurationRevision {
        revision,
        time: change.time,
        who: change.who,
        message: change.message,
        paths: change.what,
    }
}

/// Why an edit cannot be.
pub(crate) fn of_edit(error: &EditError) -> Failure {
    match error {
        EditError::Encode(_) => Failure::failed(causes(error)),
        _ => Failure::invalid(causes(error)),
    }
}

/// Why the store refused or failed.
pub(crate) fn of_store(error: &StoreError) -> Failure {
    let kind = match error {
        StoreError::Conflict { .. } => FailureKind::Conflict,
        StoreError::Check(_)
        | StoreError::NoRevision { .. }
        | StoreError::Encode(RecordError::Seal(_) | RecordError::TooLarge) => FailureKind::Invalid,
        _ => FailureKind::Failed,
    };
    Failure::new(kind, causes(error))
}

/// An error with its causes.
pub(crate) fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.ends_with(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    text
}
