//! Steps that migrations are made of: they take what must be there and put what must not be.

use serde_json::{Map, Value};

use crate::error::MigrateError;
use crate::finding::{Note, Severity};

/// A document while a migration changes it.
pub(crate) struct Edit<'a> {
    migration: &'static str,
    document: &'a mut Value,
    notes: &'a mut Vec<Note>,
}

impl<'a> Edit<'a> {
    pub(crate) fn new(migration: &'static str, document: &'a mut Value, notes: &'a mut Vec<Note>) -> Self {
        Self {
            migration,
            document,
            notes,
        }
    }

    /// Name of the migration.
    pub(crate) fn name(&self) -> &'static str {
        self.migration
    }

    /// The object at a path such as `policies.content`.
    pub(crate) fn object(&mut self, path: &str) -> Result<&mut Map<String, Value>, MigrateError> {
        let migration = self.migration;
        let mut here = &mut *self.document;
        for name in path.split('.').filter(|name| !name.is_empty()) {
            here = here.get_mut(name).ok_or_else(|| missing(migration, path))?;
        }
        here.as_object_mut().ok_or_else(|| missing(migration, path))
    }

    /// The list at a path.
    pub(crate) fn list(&mut self, path: &str) -> Result<&mut Vec<Value>, MigrateError> {
        let migration = self.migration;
        let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
        self.object(parent)?
            .get_mut(name)
            .and_then(Value::as_array_mut)
            .ok_or_else(|| missing(migration, path))
    }

    /// Takes away the value `name` of the object at `path`.
    pub(crate) fn take(&mut self, path: &str, name: &str) -> Result<Value, MigrateError> {
        let migration = self.migration;
        take(migration, self.object(path)?, path, name)
    }

    /// Puts a value where there is none.
    pub(crate) fn put(&mut self, path: &str, name: &str, value: Value) -> Result<(), MigrateError> {
        let migration = self.migration;
        put(migration, self.object(path)?, path, name, value)
    }

    /// Gives a key another name.
    pub(crate) fn rename(&mut self, path: &str, from: &str, to: &str) -> Result<(), MigrateError> {
        let value = self.take(path, from)?;
        self.put(path, to, value)
    }

    /// Something is lost or behaves differently.
    pub(crate) fn warn(
        &mut self,
        setting: impl Into<String>,
        what: impl Into<String>,
        mend: impl Into<String>,
    ) {
        self.note(Severity::Warning, setting.into(), what.into(), mend.into());
    }

    /// Something people should know.
    pub(crate) fn remind(
        &mut self,
        setting: impl Into<String>,
        what: impl Into<String>,
        mend: impl Into<String>,
    ) {
        self.note(Severity::Reminder, setting.into(), what.into(), mend.into());
    }

    fn note(&mut self, severity: Severity, setting: String, what: String, mend: String) {
        self.notes.push(Note {
            migration: self.migration,
            severity,
            setting,
            what,
            mend,
        });
    }
}

/// Takes away a value that must be there.
pub(crate) fn take(
    migration: &'static str,
    object: &mut Map<String, Value>,
    path: &str,
    name: &str,
) -> Result<Value, MigrateError> {
    object
        .remove(name)
        .ok_or_else(|| missing(migration, &join(path, name)))
}

/// Puts a value where there is none.
pub(crate) fn put(
    migration: &'static str,
    object: &mut Map<String, Value>,
    path: &str,
    name: &str,
    value: Value,
) -> Result<(), MigrateError> {
    if object.contains_key(name) {
        return Err(MigrateError::Exists {
            migration,
            path: join(path, name),
        });
    }
    object.insert(name.to_owned(), value);
    Ok(())
}

/// Gives a key another name.
pub(crate) fn rename(
    migration: &'static str,
    object: &mut Map<String, Value>,
    path: &str,
    from: &str,
    to: &str,
) -> Result<(), MigrateError> {
    let value = take(migration, object, path, from)?;
    put(migration, object, path, to, value)
}

/// Name of an object in a list; a number where it has none.
pub(crate) fn named(object: &Value, place: usize) -> String {
    let name = object.get("name").and_then(Value::as_str);
    name.map_or_else(|| place.to_string(), ToOwned::to_owned)
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

fn missing(migration: &'static str, path: &str) -> MigrateError {
    MigrateError::Missing {
        migration,
        path: path.to_owned(),
    }
}
