//! Edits of the document by path, as people and programs make them. Pure.
//!
//! A value comes as JSON. A secret comes as `{"plain": TEXT}`; where the mark `[redacted]` comes back, the secret that is there stays. What
//! the edits make is judged by form here, and by its checks where it is put in force.

mod secrets;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value};
use thiserror::Error;

use crate::check::CheckError;
use crate::cluster::Cluster;
use crate::difference;
use crate::place::{Place, in_list};
use crate::record::{RecordError, typed};
use crate::seal;

/// One edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Sets what is at a place; in a list or among names it may be new.
    Set(Place, Value),
    /// Removes an object of a list or among names; elsewhere nothing is set then.
    Remove(Place),
}

impl Drop for Edit {
    fn drop(&mut self) {
        if let Self::Set(_, value) = self {
            seal::wipe(value);
        }
    }
}

/// A value that differs between two documents.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Where.
    pub place: Place,
    /// What was there; secrets are marks. None: nothing.
    pub before: Option<Value>,
    /// What is there.
    pub after: Option<Value>,
}

/// Why an edit cannot be.
#[derive(Debug, Error)]
pub enum EditError {
    /// There is no such setting.
    #[error("{place}: there is no such setting; there are {}", known.join(", "))]
    NoSuch {
        /// What was asked for.
        place: Place,
        /// What is there instead.
        known: Vec<String>,
    },
    /// There is no object of this name.
    #[error("{place}: there is none of this name")]
    NoSuchName {
        /// What was asked for.
        place: Place,
    },
    /// Nothing is set above it.
    #[error("{place}: {above} is not set; set all of it at once")]
    NotSet {
        /// What was asked for.
        place: Place,
        /// What is not set.
        above: Place,
    },
    /// It is a value, and has nothing inside.
    #[error("{place}: {above} is a single value and holds nothing by names")]
    Single {
        /// What was asked for.
        place: Place,
        /// The value.
        above: Place,
    },
    /// The document itself cannot be removed.
    #[error("the whole configuration cannot be removed: give the path of a setting")]
    Everything,
    /// The mark stands where there is no secret.
    #[error("{place}: there is no secret to keep; enter it as {{\"plain\": …}}")]
    NothingToKeep {
        /// Where.
        place: Place,
    },
    /// Somebody sends what this room encrypted.
    #[error("{place}: an encrypted secret is of no use anywhere else; enter it as {{\"plain\": …}}")]
    Encrypted {
        /// Where.
        place: Place,
    },
    /// It has a name already.
    #[error("{place}: there is one of this name already; change that one, or choose another name")]
    Taken {
        /// Where.
        place: Place,
    },
    /// It is no document any more.
    #[error("{path}: {reason}")]
    Form {
        /// Path of the value.
        path: String,
        /// What is wrong there.
        reason: String,
    },
    /// A value cannot be.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// Taking the document apart.
    #[error("could not write the configuration out: {0}")]
    Encode(serde_json::Error),
}

impl Cluster {
    /// What is at a place, with marks in place of secrets.
    ///
    /// # Errors
    /// There is no such place.
    pub fn shown(&self, place: &Place) -> Result<Value, EditError> {
        let mut written = serde_json::to_value(self).map_err(EditError::Encode)?;
        seal::leave_out(&mut written, true);
        find(&written, place).cloned()
    }

    /// The document that the edits make of this one, one after the other. It is judged by its form alone.
    ///
    /// # Errors
    /// Why an edit cannot be, with its path.
    pub fn edited(&self, edits: &[Edit]) -> Result<Self, EditError> {
        let mut written = serde_json::to_value(self).map_err(EditError::Encode)?;
        let made = edits.iter().try_for_each(|edit| apply(&mut written, edit));
        let document = made.and_then(|()| typed(&written).map_err(form));
        seal::wipe(&mut written);
        document
    }

    /// What differs between this document and a later one.
    ///
    /// # Errors
    /// None is known.
    pub fn differences(&self, later: &Self) -> Result<Vec<Difference>, EditError> {
        let mut old = serde_json::to_value(self).map_err(EditError::Encode)?;
        let mut new = serde_json::to_value(later).map_err(EditError::Encode)?;
        let places = difference::places(&old, &new);
        seal::leave_out(&mut old, true);
        seal::leave_out(&mut new, true);
        let found = |value: &Value, place: &Place| find(value, place).ok().cloned();
        let differences = places.into_iter().map(|parts| {
            let place = Place::new(parts);
            let (before, after) = (found(&old, &place), found(&new, &place));
            Difference { place, before, after }
        });
        Ok(differences.collect())
    }
}

fn form(error: RecordError) -> EditError {
    match error {
        RecordError::Form { path, reason } => EditError::Form { path, reason },
        other => EditError::Form {
            path: "the configuration".into(),
            reason: other.to_string(),
        },
    }
}

/// The value at a place.
fn find<'a>(value: &'a Value, place: &Place) -> Result<&'a Value, EditError> {
    let mut found = value;
    for (depth, part) in place.parts().iter().enumerate() {
        let inner = match found {
            Value::Object(object) => object.get(part),
            Value::Array(list) => in_list(list, part).and_then(|at| list.get(at)),
            _ => None,
        };
        let above = || Place::new(place.parts()[..depth].to_vec());
        found = inner.ok_or_else(|| missing(found, above(), place))?;
    }
    Ok(found)
}

/// Why there is nothing at a place, by what is `above` it.
fn missing(found: &Value, above: Place, place: &Place) -> EditError {
    let place = place.clone();
    match found {
        Value::Array(_) => EditError::NoSuchName { place },
        Value::Object(_) if above.holds_names() => EditError::NoSuchName { place },
        Value::Object(object) if !seal::is_secret(object) => EditError::NoSuch {
            place,
            known: object.keys().cloned().collect(),
        },
        Value::Null => EditError::NotSet { place, above },
        _ => EditError::Single { place, above },
    }
}

fn find_mut<'a>(value: &'a mut Value, place: &Place) -> Option<&'a mut Value> {
    place.parts().iter().try_fold(value, |found, part| match found {
        Value::Object(object) => object.get_mut(part),
        Value::Array(list) => in_list(list, part).and_then(|at| list.get_mut(at)),
        _ => None,
    })
}

fn apply(written: &mut Value, edit: &Edit) -> Result<(), EditError> {
    match edit {
        Edit::Set(place, value) => set(written, place, value),
        Edit::Remove(place) => remove(written, place),
    }
}

fn set(written: &mut Value, place: &Place, value: &Value) -> Result<(), EditError> {
    let mut value = value.clone();
    let before = find(written, place).ok();
    let kept = secrets::keep(&mut value, before, place);
    if kept.is_err() {
        seal::wipe(&mut value);
    }
    kept?;
    let Some((above, name)) = place.split() else {
        seal::wipe(written);
        *written = value;
        return Ok(());
    };
    // What is wrong above is told by the way itself.
    let found = find(written, &above)?;
    let may_be_new = found.is_array() || found.is_object() && above.holds_names();
    if !may_be_new {
        find(written, place)?;
    }
    match find_mut(written, &above) {
        Some(Value::Object(object)) => {
            object.insert(name.to_owned(), value);
            Ok(())
        }
        Some(Value::Array(list)) => put(list, name, value, place),
        _ => Err(EditError::Single {
            place: place.clone(),
            above,
        }),
    }
}

/// Puts an object into a list: in place of the one of this name or number, else at the end.
fn put(list: &mut Vec<Value>, name: &str, mut value: Value, place: &Place) -> Result<(), EditError> {
    let named = list.iter().all(|one| one.get("name").is_some()) && value.is_object();
    if let Some(at) = in_list(list, name) {
        let taken = |one: &Value| named && one.get("name") == value.get("name");
        if list
            .iter()
            .enumerate()
            .any(|(other, one)| other != at && taken(one))
        {
            return Err(EditError::Taken { place: place.clone() });
        }
        list[at] = value;
        return Ok(());
    }
    let has_name = value.get("name").is_some();
    if name == list.len().to_string() && (!named || list.is_empty() && !has_name) {
        list.push(value);
        return Ok(());
    }
    match value.as_object_mut().filter(|_| named) {
        Some(object) => {
            object.insert("name".into(), name.into());
            list.push(value);
            Ok(())
        }
        None => Err(EditError::NoSuchName { place: place.clone() }),
    }
}

fn remove(written: &mut Value, place: &Place) -> Result<(), EditError> {
    find(written, place)?;
    let (above, name) = place.split().ok_or(EditError::Everything)?;
    let by_name = above.holds_names();
    match find_mut(written, &above) {
        Some(Value::Array(list)) => {
            if let Some(at) = in_list(list, name) {
                list.remove(at);
            }
        }
        Some(Value::Object(object)) if by_name => drop(object.remove(name)),
        Some(Value::Object(object)) => nothing(object, name),
        _ => {}
    }
    Ok(())
}

/// Where nothing can be set is judged by the form.
fn nothing(object: &mut Map<String, Value>, name: &str) {
    let empty = match object.get(name) {
        Some(Value::Array(_)) => Value::Array(Vec::new()),
        _ => Value::Null,
    };
    object.insert(name.to_owned(), empty);
}
