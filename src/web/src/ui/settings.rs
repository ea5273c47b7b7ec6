//! Settings of the cluster: a page for each group of them, a form for each object, all made from their description
//! ([`crate::settings`]).
//!
//! A form carries the revision it was made from: whoever was slower is told who was faster. What is refused is said beside the field, and
//! what was typed is still there, but for secrets.

mod form;
mod read;
mod show;

use std::collections::BTreeMap;

use axum::Extension;
use axum::extract::{Path, Query, Request};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde_json::Value;
use sps_admin::{
    ConfigurationEdit, ConfigurationPart, Failure, Given, Request as Operation, Response as Answer,
};
use sps_config::REDACTED;

use super::forms::Fields;
use super::{Visitor, layout};
use crate::http::reply::Problem;
use crate::settings::{GROUPS, Group, RESOURCES, Resource, Shape, escaped, named, segment};
use form::Form;
use show::Shown;

/// What paths of these pages begin with.
pub(crate) const SETTINGS: &str = "/settings/";
/// Path of all of them.
pub(crate) const PATH: &str = "/settings/{*path}";
/// What names of fields begin with.
const VALUE: &str = "v";

/// What a path means.
#[derive(Clone, Debug)]
enum Target {
    /// A page.
    Group(&'static Group),
    /// One object.
    One(&'static Resource),
    /// A collection, and a place for one more.
    All(&'static Resource),
    /// One of a collection.
    Item(&'static Resource, String),
}

impl Target {
    fn of(path: &str) -> Option<Self> {
        if let Some(resource) = RESOURCES.iter().find(|resource| resource.name == path) {
            return Some(match resource.shape {
                Shape::One(_) => Self::One(resource),
                Shape::Many { .. } => Self::All(resource),
            });
        }
        if let Some(group) = GROUPS.iter().find(|group| group.name == path) {
            return Some(Self::Group(group));
        }
        RESOURCES.iter().find_map(|resource| {
            let key = path.strip_prefix(resource.name)?.strip_prefix('/')?;
            matches!(resource.shape, Shape::Many { .. }).then(|| Self::Item(resource, key.to_owned()))
        })
    }
}

/// Address of a resource's page.
fn address(resource: &Resource) -> String {
    format!("{SETTINGS}{}", resource.name)
}

/// Query of a page to which a form has led.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Led {
    saved: Option<u64>,
}

/// `GET` of a page.
pub(crate) async fn page(
    Extension(visitor): Extension<Visitor>,
    Path(path): Path<String>,
    Query(led): Query<Led>,
    uri: Uri,
) -> Result<Response, Problem> {
    let target = Target::of(&path).ok_or_else(|| Problem::not_found(&uri))?;
    let part = whole(&visitor).await?;
    let shown = Shown {
        visitor: &visitor,
        part: &part,
        form: Form {
            names: names(&part.value),
            problem: None,
        },
        saved: led.saved,
        failed: None,
    };
    let main = match target {
        Target::Group(group) => shown.group(group),
        Target::One(resource) => shown.one(resource),
        Target::All(resource) => shown.all(resource),
        Target::Item(resource, key) => shown
            .item(resource, &key)
            .ok_or_else(|| Problem::not_found(&uri))?,
    };
    Ok(layout::page(&visitor, &main))
}

/// All settings.
async fn whole(visitor: &Visitor) -> Result<ConfigurationPart, Problem> {
    let operation = Operation::ConfigurationShow {
        path: String::new(),
        revision: None,
        edits: Vec::new(),
        expected: None,
    };
    match visitor.ask(operation).await? {
        Answer::Configuration(part) => Ok(part),
        _ => Err(Problem::not_understood()),
    }
}

/// What is at a path of the document.
fn at<'a>(document: &'a Value, path: &str) -> &'a Value {
    document.pointer(&format!("/{path}")).unwrap_or(&Value::Null)
}

/// Names of every collection, for those who refer to them.
fn names(document: &Value) -> BTreeMap<&'static str, Vec<String>> {
    let many = RESOURCES
        .iter()
        .filter(|resource| matches!(resource.shape, Shape::Many { .. }));
    let names = many.map(|resource| {
        let all = named(at(document, resource.path)).map(|(name, _)| name.to_owned());
        (resource.path, all.collect())
    });
    names.collect()
}

/// What a form asks for.
struct Wanted {
    resource: &'static Resource,
    /// Name of the object, in a collection.
    key: Option<String>,
    edit: ConfigurationEdit,
}

/// Why it was not done, and what was typed.
pub(super) struct Failed {
    pub(super) resource: &'static Resource,
    pub(super) key: Option<String>,
    pub(super) value: Value,
    pub(super) problem: Problem,
}

/// `POST` of a form.
pub(crate) async fn act(
    Extension(visitor): Extension<Visitor>,
    Path(path): Path<String>,
    uri: Uri,
    request: Request,
) -> Result<Response, Problem> {
    let target = Target::of(&path).ok_or_else(|| Problem::not_found(&uri))?;
    let fields = Fields::of(&visitor, request).await?;
    let expected = fields.get("revision").parse().ok();
    let expected = expected.ok_or_else(|| Problem::bad_form("load the page again and repeat it".into()))?;
    let message = fields.text("message").unwrap_or_default().to_owned();
    let part = whole(&visitor).await?;
    let wanted = match wanted(&target, &fields, &part.value)? {
        Ok(wanted) => wanted,
        Err((failed, at)) => return Ok(refused(&visitor, &part, *failed, Some(at))),
    };
    let typed = match &wanted.edit {
        ConfigurationEdit::Set { value, .. } => without_secrets(value.value()),
        ConfigurationEdit::Delete { .. } => Value::Null,
    };
    let (resource, key) = (wanted.resource, wanted.key);
    let done = match visitor.transaction_of_others() {
        Some(who) => Err(Failure::refused(format!(
            "{who} is changing the configuration by REST; try again when that has ended"
        ))),
        None => change(&visitor, wanted.edit, expected, message).await,
    };
    match done {
        Ok(revision) => {
            let group = GROUPS.iter().find(|group| resource.is_in(group));
            let group = group.map_or(resource.name, |group| group.name);
            let next = format!("{SETTINGS}{group}?saved={revision}");
            Ok(Redirect::to(&next).into_response())
        }
        Err(failure) => {
            let at = field_of(resource, key.as_deref(), &failure.message);
            let failed = Failed {
                resource,
                key,
                value: typed,
                problem: Problem::of_failure(&failure),
            };
            Ok(refused(&visitor, &part, failed, at))
        }
    }
}

type Refused = (Box<Failed>, (String, String));

/// What the fields of a form ask for, or which of them cannot be read.
fn wanted(target: &Target, fields: &Fields, document: &Value) -> Result<Result<Wanted, Refused>, Problem> {
    let (resource, kind, key) = match target {
        Target::One(resource) => match &resource.shape {
            Shape::One(kind) => (*resource, kind, None),
            Shape::Many { .. } => return Err(Problem::not_understood()),
        },
        Target::All(resource) | Target::Item(resource, _) => match &resource.shape {
            Shape::Many { each, .. } => {
                let key = match target {
                    Target::Item(_, key) => key.clone(),
                    _ => fields.text("name").unwrap_or_default().to_owned(),
                };
                (*resource, each, Some(key))
            }
            Shape::One(_) => return Err(Problem::not_understood()),
        },
        Target::Group(_) => return Err(Problem::bad_form("this page has no form of its own".into())),
    };
    let path = match &key {
        Some(key) => format!("{}/{}", resource.path, escaped(key)),
        None => resource.path.to_owned(),
    };
    if fields.get("action") == "delete" {
        let edit = ConfigurationEdit::Delete { path };
        return Ok(Ok(Wanted { resource, key, edit }));
    }
    let failed = |value: Value, name: String, why: String| {
        let problem = Problem {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            kind: "InvalidForm",
            details: why.clone(),
        };
        let failed = Failed {
            resource,
            key: key.clone().filter(|_| matches!(target, Target::Item(..))),
            value,
            problem,
        };
        Ok(Err((Box::new(failed), (name, why))))
    };
    let mut value = match read::value(fields, VALUE, kind) {
        Ok(value) => value,
        Err(unread) => return failed(Value::Null, unread.name, unread.why),
    };
    let collection = at(document, resource.path);
    if let (Target::All(_), Some(name)) = (target, &key) {
        let taken = named(collection).any(|(other, _)| other == name);
        if name.is_empty() || taken {
            let why = "give it a name that no other one has".to_owned();
            return failed(without_secrets(&value), "name".into(), why);
        }
    }
    // An object of a list says its name itself.
    if let (Some(name), Some(object), true) = (&key, value.as_object_mut(), collection.is_array()) {
        object.insert("name".into(), name.as_str().into());
    }
    let edit = ConfigurationEdit::Set {
        path,
        value: Given::new(value),
    };
    Ok(Ok(Wanted { resource, key, edit }))
}

/// What was typed, for showing it once more: secrets are to be typed again.
fn without_secrets(value: &Value) -> Value {
    match value {
        Value::Object(object) if object.len() == 1 && object.contains_key("plain") => Value::Null,
        Value::Object(object) => object
            .iter()
            .map(|(key, value)| (key.clone(), without_secrets(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Value::Array(list) => list.iter().map(without_secrets).collect(),
        Value::String(text) if text == REDACTED => Value::from(REDACTED),
        other => other.clone(),
    }
}

async fn change(
    visitor: &Visitor,
    edit: ConfigurationEdit,
    expected: u64,
    message: String,
) -> Result<u64, Failure> {
    let operation = Operation::ConfigurationChange {
        edits: vec![edit],
        expected: Some(expected),
    };
    match visitor.ask_because(operation, message).await? {
        Answer::ConfigurationChanges(changes) => Ok(changes.to.unwrap_or(expected)),
        _ => Err(Failure::failed("the answer is not understood")),
    }
}

/// The field of the form that a refusal is about, and the reason without its path.
fn field_of(resource: &Resource, key: Option<&str>, message: &str) -> Option<(String, String)> {
    let (path, reason) = message.split_once(": ")?;
    let path = path.replace('.', "/");
    let mut rest = path.strip_prefix(resource.path)?;
    if let Some(key) = key {
        rest = rest.strip_prefix('/')?.strip_prefix(&key.replace('.', "/"))?;
    }
    Some((format!("{VALUE}{}", rest.replace('/', ".")), reason.to_owned()))
}

/// The page of a form once more, with what is wrong.
fn refused(
    visitor: &Visitor,
    part: &ConfigurationPart,
    failed: Failed,
    at: Option<(String, String)>,
) -> Response {
    let status = match failed.problem.status {
        StatusCode::BAD_REQUEST => StatusCode::UNPROCESSABLE_ENTITY,
        status => status,
    };
    let shown = Shown {
        visitor,
        part,
        form: Form {
            names: names(&part.value),
            problem: at,
        },
        saved: None,
        failed: Some(failed),
    };
    let mut response = layout::page(visitor, &shown.again());
    *response.status_mut() = status;
    response
}
