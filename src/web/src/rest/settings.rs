//! `/api/configuration/…`: the settings of the cluster, one object or a collection at a time. What is edited is collected in the session's
//! transaction.
//!
//! Which resources there are stands in [`crate::settings`]; here is how any of them is read and edited.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use axum::{Extension, Router};
use serde_json::{Map, Value, json};
use sps_admin::{
    ConfigurationEdit, ConfigurationPart, Failure, FailureKind, Given, Request as Operation,
    Response as Answer,
};

use super::configuration::CONFIGURATION;
use super::envelope::{Place, answer, body, list, object};
use super::transaction::Edits;
use crate::http::reply::{Problem, shown};
use crate::router::Site;
use crate::settings::{RESOURCES, Resource, Shape, escaped, out_of_bounds, segment};
use crate::ui::Visitor;

/// What a handler answers.
type Answered = Result<Response, Problem>;
/// Key of an object's name, in a collection.
const NAME: &str = "name";

/// Every resource, and the lists of those below one.
pub(super) fn routes() -> Router<Arc<Site>> {
    let mut routes = Router::new();
    for (path, names) in indexes() {
        if path != CONFIGURATION {
            let index = index(&path, &names);
            routes = routes.route(&path, get(move || async move { answer(StatusCode::OK, &index) }));
        }
    }
    for resource in RESOURCES {
        routes = match resource.shape {
            Shape::One(_) => routes.route(&href(resource), one(resource)),
            Shape::Many { .. } => routes.merge(many(resource)),
        };
    }
    routes
}

fn one(resource: &'static Resource) -> axum::routing::MethodRouter<Arc<Site>> {
    get(move |Extension(visitor): Extension<Visitor>| async move { show(resource, &visitor).await }).put(
        move |Extension(visitor): Extension<Visitor>, bytes: Bytes| async move {
            replace(resource, &visitor, &bytes).await
        },
    )
}

fn many(resource: &'static Resource) -> Router<Arc<Site>> {
    let all =
        get(move |Extension(visitor): Extension<Visitor>| async move { show_all(resource, &visitor).await })
            .post(
                move |Extension(visitor): Extension<Visitor>, bytes: Bytes| async move {
                    add(resource, &visitor, &bytes).await
                },
            );
    let each = get(
        move |Extension(visitor): Extension<Visitor>, Path(key): Path<String>| async move {
            show_item(resource, &visitor, &key).await
        },
    );
    let each = each.merge(put(
        move |Extension(visitor): Extension<Visitor>, Path(key): Path<String>, bytes: Bytes| async move {
            replace_item(resource, &visitor, &key, &bytes).await
        },
    ));
    let each = each.delete(
        move |Extension(visitor): Extension<Visitor>, Path(key): Path<String>| async move {
            remove_item(resource, &visitor, &key).await
        },
    );
    Router::new()
        .route(&href(resource), all)
        .route(&format!("{}/{{key}}", href(resource)), each)
}

fn href(resource: &Resource) -> String {
    format!("{CONFIGURATION}/{}", resource.name)
}

/// Every path that only lists others, with their names.
pub(super) fn indexes() -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for resource in RESOURCES {
        let mut above = CONFIGURATION.to_owned();
        for part in resource.name.split('/') {
            let names = found.entry(above.clone()).or_default();
            if !names.iter().any(|name| name == part) {
                names.push(part.to_owned());
            }
            above = format!("{above}/{part}");
        }
    }
    found
}

/// The list of what is below a path.
pub(super) fn index(path: &str, names: &[String]) -> Value {
    let items: Vec<Value> = names
        .iter()
        .map(|name| json!({ "key": name, "meta": { "href": format!("{path}/{name}") } }))
        .collect();
    let place = Place {
        href: path,
        parent: parent(path),
    };
    list(&items, place, json!({}))
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(above, _)| above)
}

async fn show(resource: &Resource, visitor: &Visitor) -> Answered {
    let part = visitor.settings(resource.path).await?;
    Ok(one_object(resource, &part.value))
}

fn one_object(resource: &Resource, value: &Value) -> Response {
    let href = href(resource);
    let key = resource.name.rsplit('/').next().unwrap_or_default();
    let place = Place {
        href: &href,
        parent: parent(&href),
    };
    answer(StatusCode::OK, &object(key, value, place, json!({})))
}

async fn replace(resource: &Resource, visitor: &Visitor, bytes: &Bytes) -> Answered {
    let value: Value = body(bytes)?;
    bounded(resource, resource.path, &value)?;
    let edit = ConfigurationEdit::Set {
        path: resource.path.into(),
        value: Given::new(value),
    };
    let part = visitor.edit_settings(edit, resource.path).await?;
    Ok(one_object(resource, &part.value))
}

async fn show_all(resource: &Resource, visitor: &Visitor) -> Answered {
    let part = visitor.settings(resource.path).await?;
    let own = href(resource);
    let items: Vec<Value> = crate::settings::named(&part.value)
        .map(|(name, _)| json!({ "key": name, "meta": { "href": format!("{own}/{}", segment(name)) } }))
        .collect();
    let place = Place {
        href: &own,
        parent: parent(&own),
    };
    Ok(answer(StatusCode::OK, &list(&items, place, json!({}))))
}

async fn show_item(resource: &Resource, visitor: &Visitor, key: &str) -> Answered {
    let part = visitor.settings(resource.path).await?;
    let value = found(&part.value, key)?;
    Ok(item_object(resource, key, value, StatusCode::OK))
}

/// The object of a name in a collection.
fn found<'a>(collection: &'a Value, key: &str) -> Result<&'a Value, Problem> {
    let mut all = crate::settings::named(collection);
    let found = all.find(|(name, _)| *name == key).map(|(_, value)| value);
    found.ok_or_else(|| Problem {
        status: StatusCode::NOT_FOUND,
        kind: "ResourceNotFound",
        details: format!("there is none of the name {}", shown(key)),
    })
}

/// An object of a collection; its name is in it.
fn item_object(resource: &Resource, key: &str, value: &Value, status: StatusCode) -> Response {
    let mut body = Map::new();
    body.insert(NAME.into(), key.into());
    match (&resource.shape, value) {
        (
            Shape::Many {
                under: Some(under), ..
            },
            value,
        ) => {
            body.insert((*under).into(), value.clone());
        }
        (_, Value::Object(fields)) => body.extend(fields.clone()),
        _ => {}
    }
    let own = href(resource);
    let href = format!("{own}/{}", segment(key));
    let place = Place {
        href: &href,
        parent: &own,
    };
    answer(status, &object(key, &body, place, json!({})))
}

async fn add(resource: &Resource, visitor: &Visitor, bytes: &Bytes) -> Answered {
    let (name, value) = given(resource, bytes)?;
    visitor.open_transaction()?;
    let part = visitor.settings(resource.path).await?;
    if found(&part.value, &name).is_ok() {
        return Err(Problem {
            status: StatusCode::CONFLICT,
            kind: "ResourceAlreadyExists",
            details: format!(
                "there is one of the name {} already: change it with PUT",
                shown(&name)
            ),
        });
    }
    set_item(resource, visitor, &name, value, StatusCode::CREATED).await
}

async fn replace_item(resource: &Resource, visitor: &Visitor, key: &str, bytes: &Bytes) -> Answered {
    let (name, value) = given(resource, bytes)?;
    if name != key {
        return Err(invalid(format!(
            "name: {} is not the name in the address: add it with POST, and remove this one",
            shown(&name)
        )));
    }
    visitor.open_transaction()?;
    let part = visitor.settings(resource.path).await?;
    found(&part.value, key)?;
    set_item(resource, visitor, key, value, StatusCode::OK).await
}

async fn set_item(
    resource: &Resource,
    visitor: &Visitor,
    name: &str,
    value: Value,
    status: StatusCode,
) -> Answered {
    let path = format!("{}/{}", resource.path, escaped(name));
    bounded(resource, &path, &value)?;
    let edit = ConfigurationEdit::Set {
        path: path.clone(),
        value: Given::new(value),
    };
    let part = visitor.edit_settings(edit, &path).await?;
    Ok(item_object(resource, name, &part.value, status))
}

async fn remove_item(resource: &Resource, visitor: &Visitor, key: &str) -> Answered {
    visitor.open_transaction()?;
    let part = visitor.settings(resource.path).await?;
    found(&part.value, key)?;
    let path = format!("{}/{}", resource.path, escaped(key));
    visitor
        .edit_settings(ConfigurationEdit::Delete { path }, resource.path)
        .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Refuses a number that is out of its bounds; everything else is judged where the document is.
fn bounded(resource: &Resource, path: &str, value: &Value) -> Result<(), Problem> {
    let (Shape::One(kind) | Shape::Many { each: kind, .. }) = &resource.shape;
    out_of_bounds(kind, value, &path.replace('/', ".")).map_or(Ok(()), |why| Err(invalid(why)))
}

/// Name and value of an object of a collection, as a body gives them.
fn given(resource: &Resource, bytes: &Bytes) -> Result<(String, Value), Problem> {
    let mut fields: Map<String, Value> = body(bytes)?;
    let name = match fields.remove(NAME) {
        Some(Value::String(name)) if !name.is_empty() => name,
        Some(_) => return Err(invalid("name: give a text that is not empty".into())),
        None => return Err(invalid("missing field `name`".into())),
    };
    let Shape::Many {
        under: Some(under), ..
    } = resource.shape
    else {
        return Ok((name, Value::Object(fields)));
    };
    let value = fields
        .remove(under)
        .ok_or_else(|| invalid(format!("missing field `{under}`")))?;
    match fields.keys().next() {
        Some(key) => Err(invalid(format!("unknown field `{}`", shown(key)))),
        None => Ok((name, value)),
    }
}

fn invalid(details: String) -> Problem {
    Problem {
        status: StatusCode::BAD_REQUEST,
        kind: "InvalidRequestBody",
        details,
    }
}

/// What is refused of a body is told as such.
fn of_body(failure: &Failure) -> Problem {
    match failure.kind {
        FailureKind::Invalid => invalid(failure.message.clone()),
        _ => Problem::of_failure(failure),
    }
}

impl Visitor {
    /// Settings as the session's own transaction has them, else as they are in force.
    async fn settings(&self, path: &str) -> Result<ConfigurationPart, Problem> {
        let edits = self.open_transaction().map(|open| open.cluster);
        self.settings_with(path, edits.unwrap_or_default())
            .await
            .map_err(Problem::from)
    }

    async fn settings_with(&self, path: &str, edits: Edits) -> Result<ConfigurationPart, Failure> {
        let expected = edits.expected();
        let operation = Operation::ConfigurationShow {
            path: path.into(),
            revision: None,
            edits: edits.list,
            expected,
        };
        match self.ask(operation).await? {
            Answer::Configuration(part) => Ok(part),
            _ => Err(Failure::failed("the answer is not understood")),
        }
    }

    /// Adds an edit to the session's own transaction, when it can be; shows what is at `path` then.
    async fn edit_settings(&self, edit: ConfigurationEdit, path: &str) -> Result<ConfigurationPart, Problem> {
        let edits = self.open_transaction()?.cluster.with(edit);
        let part = self
            .settings_with(path, edits.clone())
            .await
            .map_err(|failure| of_body(&failure))?;
        self.transaction(|transaction, visitor| {
            transaction.own(&visitor.signed_in.token)?.cluster = edits;
            Ok(())
        })?;
        Ok(part)
    }
}
