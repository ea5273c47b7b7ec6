//! Objects are `{key, body, meta}`, lists `{items, meta}`; bodies are read strictly.

use std::time::Duration;

use axum::body::Bytes;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::transaction::TRANSACTION;
use crate::http::reply::Problem;

tokio::task_local! {
    /// How long the session has to live that a request came with: stands in every answer to it.
    pub(super) static LEFT: Duration;
}

/// Where a resource is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) href: &'a str,
    pub(super) parent: &'a str,
}

impl Place<'_> {
    fn meta(self, more: Value) -> Value {
        let mut meta = json!({ "href": self.href, "parent": self.parent });
        if let (Value::Object(meta), Value::Object(more)) = (&mut meta, more) {
            if let Ok(left) = LEFT.try_get() {
                meta.insert("transaction".into(), TRANSACTION.into());
                meta.insert("remaining_seconds".into(), left.as_secs().into());
            }
            meta.extend(more);
        }
        meta
    }
}

/// An object. `more` is added to its `meta`.
pub(super) fn object(key: &str, body: &impl Serialize, place: Place<'_>, more: Value) -> Value {
    json!({ "key": key, "body": body, "meta": place.meta(more) })
}

/// A list of objects.
pub(super) fn list(items: &[Value], place: Place<'_>, more: Value) -> Value {
    json!({ "items": items, "meta": place.meta(more) })
}

/// A list of the resources below one, by their names.
pub(super) fn index(names: &[(&str, &str)], place: Place<'_>) -> Value {
    let items = names
        .iter()
        .map(|(key, href)| json!({ "key": key, "meta": { "href": href } }));
    list(&items.collect::<Vec<_>>(), place, json!({}))
}

/// An answer.
pub(super) fn answer(status: StatusCode, value: &Value) -> Response {
    let json = [(header::CONTENT_TYPE, "application/json")];
    (status, json, value.to_string()).into_response()
}

/// Reads a body. Unknown and missing keys are told by their names.
pub(super) fn body<T: DeserializeOwned>(bytes: &Bytes) -> Result<T, Problem> {
    serde_json::from_slice(bytes).map_err(|error| {
        let kind = if error.is_data() {
            "InvalidRequestBody"
        } else {
            "IncompleteRequestBodyError"
        };
        Problem {
            status: StatusCode::BAD_REQUEST,
            kind,
            details: error.to_string(),
        }
    })
}
