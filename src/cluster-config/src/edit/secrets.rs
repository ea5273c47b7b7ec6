//! Secrets of a value that comes back: where the mark stands, the secret that is there is kept.

use serde_json::Value;

use super::EditError;
use crate::place::Place;
use crate::protected::MARK;
use crate::seal;

/// Puts what `before` keeps where `value` has marks.
pub(super) fn keep(value: &mut Value, before: Option<&Value>, place: &Place) -> Result<(), EditError> {
    match value {
        Value::String(text) if text == MARK => {
            let kept = before.filter(|before| is_kept(before));
            *value = kept
                .cloned()
                .ok_or_else(|| EditError::NothingToKeep { place: place.clone() })?;
            Ok(())
        }
        Value::Object(object) if seal::is_encrypted(object) => {
            Err(EditError::Encrypted { place: place.clone() })
        }
        Value::Object(object) => object.iter_mut().try_for_each(|(name, inner)| {
            let before = before.and_then(|before| before.get(name));
            keep(inner, before, &place.below(name))
        }),
        Value::Array(list) => keep_list(list, before, place),
        _ => Ok(()),
    }
}

/// A secret, or the mark of one that was left out of an import.
fn is_kept(value: &Value) -> bool {
    value.as_str() == Some(MARK) || value.as_object().is_some_and(seal::is_secret)
}

/// An object of a list is found again by its name, else by everything else it says, there or elsewhere, else by its place in a list
/// of the same length.
fn keep_list(list: &mut [Value], before: Option<&Value>, place: &Place) -> Result<(), EditError> {
    let before = before.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let masked: Vec<Value> = before.iter().map(masked).collect();
    let same_length = list.len() == before.len();
    for (at, value) in list.iter_mut().enumerate() {
        let name = value.get("name").filter(|name| name.is_string()).cloned();
        let found = match &name {
            Some(name) => before.iter().position(|one| one.get("name") == Some(name)),
            None => {
                let there = masked.get(at).is_some_and(|one| one == value).then_some(at);
                let elsewhere = || masked.iter().position(|one| one == value);
                there.or_else(elsewhere).or_else(|| same_length.then_some(at))
            }
        };
        let part = name.as_ref().and_then(Value::as_str).map(ToOwned::to_owned);
        let inner = place.below(&part.unwrap_or_else(|| at.to_string()));
        keep(value, found.and_then(|found| before.get(found)), &inner)?;
    }
    Ok(())
}

fn masked(value: &Value) -> Value {
    let mut masked = value.clone();
    seal::leave_out(&mut masked, true);
    masked
}
