//! The description of the settings, made from what [`crate::settings`] says of them: so it is never another than what is read.

use serde_json::{Map, Value, json};

use super::SCHEMAS;
use crate::rest::configuration::CONFIGURATION;
use crate::rest::settings::indexes;
use crate::settings::{Field, Kind, RESOURCES, Resource, Shape, Variant};

/// What these operations are found by.
const TAG: &str = "settings";

/// A part of the description, in the form of the files.
pub(super) fn part() -> Value {
    let (mut bodies, mut paths) = (Map::new(), Map::new());
    for path in indexes().into_keys().filter(|path| path != CONFIGURATION) {
        let name = camel(path.trim_start_matches(CONFIGURATION));
        let get = operation(
            &format!("list{name}Settings"),
            "What can be set here",
            &json!({ "200": reference("Index") }),
        );
        paths.insert(path, json!({ "get": get }));
    }
    for resource in RESOURCES {
        let name = format!("{}Setting", camel(resource.name));
        match &resource.shape {
            Shape::One(kind) => {
                bodies.insert(name.clone(), schema(kind));
                paths.insert(address(resource), one(resource, &name));
            }
            Shape::Many { each, under, .. } => {
                bodies.insert(name.clone(), named(each, *under));
                paths.insert(address(resource), all(resource, &name));
                paths.insert(format!("{}/{{key}}", address(resource)), each_of(resource, &name));
            }
        }
    }
    json!({ "schemas": { "Secret": secret() }, "bodies": bodies, "paths": paths })
}

fn address(resource: &Resource) -> String {
    format!("{CONFIGURATION}/{}", resource.name)
}

/// `management/change_log` becomes `ManagementChangeLog`.
fn camel(name: &str) -> String {
    let parts = name.split(['/', '_']).filter(|part| !part.is_empty());
    let capital = |part: &str| part[..1].to_uppercase() + &part[1..];
    parts.map(capital).collect()
}

fn reference(name: &str) -> Value {
    json!({ "$ref": name })
}

fn operation(id: &str, summary: &str, responses: &Value) -> Value {
    json!({ "operationId": id, "summary": summary, "tags": [TAG], "responses": responses })
}

/// An operation that takes a body.
fn taking(id: &str, summary: &str, body: &str, responses: &Value) -> Value {
    let mut operation = operation(id, summary, responses);
    let schema = json!({ "$ref": format!("{SCHEMAS}{body}") });
    operation["requestBody"] =
        json!({ "required": true, "content": { "application/json": { "schema": schema } } });
    operation
}

fn one(resource: &Resource, name: &str) -> Value {
    let id = camel(resource.name);
    let object = json!({ "200": reference(&format!("{name}Object")) });
    let title = resource.title;
    json!({
        "get": operation(&format!("read{id}"), title, &object),
        "put": taking(&format!("edit{id}"), &format!("{title}, all of it, into the session's transaction"), name, &object),
    })
}

fn all(resource: &Resource, name: &str) -> Value {
    let id = camel(resource.name);
    let title = resource.title;
    let created = json!({ "201": reference(&format!("{name}Object")) });
    json!({
        "get": operation(&format!("list{id}"), title, &json!({ "200": reference("Index") })),
        "post": taking(&format!("add{id}"), &format!("Adds one to {title}, in the session's transaction"), name, &created),
    })
}

fn each_of(resource: &Resource, name: &str) -> Value {
    let id = camel(resource.name);
    let title = resource.title;
    let object = json!({ "200": reference(&format!("{name}Object")) });
    json!({
        "parameters": [{ "name": "key", "in": "path", "required": true, "schema": { "type": "string" } }],
        "get": operation(&format!("readOne{id}"), &format!("One of {title}"), &object),
        "put": taking(&format!("edit{id}"), &format!("One of {title}, all of it, into the session's transaction"), name, &object),
        "delete": operation(&format!("remove{id}"), &format!("Removes one of {title}, in the session's transaction"), &json!({ "204": { "description": "It is removed" } })),
    })
}

/// A secret as it is shown, and as it is entered.
fn secret() -> Value {
    json!({
        "description": "Shown as a mark; where the mark comes back the secret stays",
        "oneOf": [
            { "const": sps_config::REDACTED },
            { "type": "object", "properties": { "plain": { "type": "string" } } },
        ],
    })
}

/// An object of a collection, with its name.
fn named(kind: &Kind, under: Option<&str>) -> Value {
    let name = json!({ "type": "string", "minLength": 1 });
    match (kind, under) {
        (_, Some(under)) => json!({ "type": "object", "properties": { "name": name, under: schema(kind) } }),
        (Kind::Object(fields), None) => {
            let mut object = object(fields);
            object["properties"]["name"] = name;
            object
        }
        (kind, None) => schema(kind),
    }
}

fn schema(kind: &Kind) -> Value {
    let string = || json!({ "type": "string" });
    match kind {
        Kind::Text | Kind::Block | Kind::Reference(_) => string(),
        Kind::Number(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Kind::Switch => json!({ "type": "boolean" }),
        Kind::Choice(words) => words_of(words),
        Kind::Choices(words) => json!({ "type": "array", "items": words_of(words) }),
        Kind::Secret | Kind::SecretBlock => json!({ "$ref": format!("{SCHEMAS}Secret") }),
        Kind::Lines | Kind::Blocks => json!({ "type": "array", "items": string() }),
        Kind::Object(fields) => object(fields),
        Kind::Union(variants) => union(variants),
        Kind::List(each) => json!({ "type": "array", "items": schema(each) }),
        Kind::Names(each) => json!({ "type": "object", "additionalProperties": schema(each) }),
        Kind::Optional(inner) => json!({ "anyOf": [{ "type": "null" }, schema(inner)] }),
    }
}

fn words_of(words: &[(&str, &str)]) -> Value {
    let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    json!({ "enum": words })
}

fn object(fields: &[Field]) -> Value {
    let properties: Map<String, Value> = fields
        .iter()
        .map(|field| {
            let mut schema = schema(&field.kind);
            let words = [field.label, field.hint]
                .into_iter()
                .filter(|words| !words.is_empty());
            schema["description"] = words.collect::<Vec<_>>().join(": ").into();
            (field.name.to_owned(), schema)
        })
        .collect();
    json!({ "type": "object", "properties": properties })
}

fn union(variants: &[Variant]) -> Value {
    let each = variants.iter().map(|variant| {
        let mut object = object(variant.fields);
        object["properties"]["kind"] = json!({ "const": variant.name });
        object["title"] = variant.label.into();
        object
    });
    json!({ "oneOf": each.collect::<Vec<_>>() })
}
