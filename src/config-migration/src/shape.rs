//! Shapes of documents: structures that refuse unknown keys and keys that do not stand there.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// Declares structures of a shape. Every key always stands in the document, also where there is no value (`maybe`): what is
/// set can be read there without knowing defaults, and a document of another layout cannot pass by chance.
macro_rules! shape {
    ($(
        $(#[$note:meta])*
        struct $name:ident {
            $($(#[$field_note:meta])* $field:ident: $kind:ty),* $(,)?
        }
        $(maybe { $($(#[$maybe_note:meta])* $maybe:ident: $maybe_kind:ty),* $(,)? })?
    )*) => { $(
        $(#[$note])*
        #[derive(Clone, Debug, serde::Deserialize, serde::Serialize)]
        #[serde(deny_unknown_fields)]
        pub(crate) struct $name {
            $($(#[$field_note])* pub(crate) $field: $kind,)*
            $($(
                $(#[$maybe_note])*
                #[serde(deserialize_with = "crate::shape::standing")]
                pub(crate) $maybe: Option<$maybe_kind>,
            )*)?
        }
    )* };
}
pub(crate) use shape;

/// A value that may be null but must stand there.
pub(crate) fn standing<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Option::deserialize(deserializer)
}

/// Where and why a document has not a shape.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ShapeError {
    pub(crate) path: String,
    pub(crate) reason: String,
}

/// Whether a document has the shape `T`.
pub(crate) fn has_shape<T: DeserializeOwned + Serialize>(document: &Value) -> Result<(), ShapeError> {
    match serde_path_to_error::deserialize::<_, T>(document) {
        Ok(_read) => Ok(()),
        Err(error) => Err(ShapeError {
            path: error.path().to_string(),
            reason: without_values(&error.inner().to_string()),
        }),
    }
}

/// What serde says quotes the value it stumbled on, which may be a secret: names of keys and what was expected are told, values are not.
fn without_values(said: &str) -> String {
    let about_keys = ["unknown field", "missing field", "duplicate field"];
    if about_keys.iter().any(|start| said.starts_with(start)) {
        return said.split(", expected").next().unwrap_or_default().to_owned();
    }
    match said.rsplit_once("expected ") {
        Some((_, "u8" | "u16" | "u32")) => "not a whole number in its range".to_owned(),
        Some((_, expected)) => format!("not {expected}"),
        None => "a value of the wrong kind".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    shape! {
        struct Small { number: u8, inner: Inner }
        struct Inner { word: String } maybe { other: String }
    }

    fn refused(document: &Value) -> String {
        let ShapeError { path, reason } = has_shape::<Small>(document).unwrap_err();
        format!("{path}: {reason}")
    }

    #[test]
    fn keys_and_kinds_are_named_and_values_are_not() {
        let good = json!({"number": 1, "inner": {"word": "a", "other": null}});
        assert_eq!(has_shape::<Small>(&good), Ok(()));
        let told = [
            refused(&json!({"number": 1, "inner": {"word": "a", "other": null, "new": 1}})),
            refused(&json!({"number": 1, "inner": {"word": "a"}})),
            refused(&json!({"number": "hunter2", "inner": {"word": "a", "other": null}})),
            refused(&json!({"number": 1, "inner": {"word": ["hunter2"], "other": null}})),
            refused(&json!({"number": 1000, "inner": {"word": "a", "other": "b"}})),
        ];
        insta::assert_snapshot!(told.join("\n"));
        assert!(!told.concat().contains("hunter2"));
    }
}
