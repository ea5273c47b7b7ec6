//! The description of this API as OpenAPI 3.1, put together from a file for each resource in `openapi/`, and of the settings from their
//! own description.
//!
//! What is the same everywhere is added here, so that the files say it never: every object has exactly the keys that it lists,
//! all of them unless `required` says otherwise; every operation may answer with an error and needs a session unless it says
//! otherwise; each of the `bodies` also stands in the envelopes of an object (`…Object`) and of a list (`…List`).
//!
//! It is free to read: it tells nothing of this appliance that the source does not, and programs are made before they can log in.

use std::sync::LazyLock;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use crate::http::reply::Problem;

mod settings;

/// Path of the description.
pub(super) const DESCRIPTION: &str = "/api/openapi.json";

/// A file for each resource.
const PARTS: &[&str] = &[
    include_str!("openapi/common.json"),
    include_str!("openapi/access.json"),
    include_str!("openapi/active.json"),
    include_str!("openapi/appliance.json"),
    include_str!("openapi/boot.json"),
    include_str!("openapi/configuration.json"),
    include_str!("openapi/core_files.json"),
    include_str!("openapi/firmware.json"),
    include_str!("openapi/history.json"),
    include_str!("openapi/indexers.json"),
    include_str!("openapi/licence.json"),
    include_str!("openapi/sessions.json"),
    include_str!("openapi/space.json"),
    include_str!("openapi/store.json"),
    include_str!("openapi/support.json"),
];

/// What stands before the name in a reference.
const SCHEMAS: &str = "#/components/schemas/";

static DOCUMENT: LazyLock<Option<String>> = LazyLock::new(|| Some(document().ok()?.to_string()));

/// `GET` of the description.
pub(super) async fn describe() -> Result<Response, Problem> {
    let text = DOCUMENT.as_deref().ok_or_else(Problem::not_understood)?;
    let json = [(header::CONTENT_TYPE, "application/json")];
    Ok((StatusCode::OK, json, text).into_response())
}

fn document() -> Result<Value, serde_json::Error> {
    let (mut paths, mut schemas) = (Map::new(), Map::new());
    let parts: Result<Vec<Value>, _> = PARTS.iter().map(|part| serde_json::from_str(part)).collect();
    let parts = parts?.into_iter().chain([settings::part()]);
    for part in parts {
        let Value::Object(mut part) = part else {
            continue;
        };
        let mut take = |name: &str| match part.remove(name) {
            Some(Value::Object(entries)) => entries,
            _ => Map::new(),
        };
        for (name, schema) in take("bodies") {
            schemas.extend(envelopes(&name));
            schemas.insert(name, schema);
        }
        schemas.extend(take("schemas"));
        paths.extend(take("paths"));
    }
    for path in paths.values_mut() {
        complete_operations(path);
    }
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Privileged Session Gateway",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "security": [{ "session": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": { "Error": answer("It was not done", "Error") },
            "securitySchemes": {
                "session": { "type": "apiKey", "in": "cookie", "name": "session_id" },
                "password": { "type": "http", "scheme": "basic" },
                "token": { "type": "http", "scheme": "bearer" },
            },
        },
    });
    close_objects(&mut document);
    Ok(document)
}

/// A body in the envelope of an object and of a list.
fn envelopes(name: &str) -> [(String, Value); 2] {
    let of = |schema: &str| json!({ "$ref": format!("{SCHEMAS}{schema}") });
    let object = json!({
        "type": "object",
        "properties": { "key": { "type": "string" }, "body": of(name), "meta": of("Meta") },
    });
    let list = json!({
        "type": "object",
        "properties": {
            "items": { "type": "array", "items": of(&format!("{name}Object")) },
            "meta": of("Meta"),
        },
    });
    [(format!("{name}Object"), object), (format!("{name}List"), list)]
}

/// An answer whose body is of a schema.
fn answer(description: &str, schema: &str) -> Value {
    let schema = json!({ "$ref": format!("{SCHEMAS}{schema}") });
    json!({ "description": description, "content": { "application/json": { "schema": schema } } })
}

/// Spells out the answers of every operation of a path.
fn complete_operations(path: &mut Value) {
    let operations = path.as_object_mut().into_iter().flatten();
    for (_, operation) in operations {
        let Some(Value::Object(answers)) = operation.get_mut("responses") else {
            continue;
        };
        for (_, given) in answers.iter_mut() {
            if let Some(schema) = given.get("$ref").and_then(Value::as_str) {
                *given = answer("Done", schema);
            }
        }
        answers.insert(
            "default".into(),
            json!({ "$ref": "#/components/responses/Error" }),
        );
    }
}

/// An object has exactly the keys that it lists.
fn close_objects(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(close_objects),
        Value::Object(object) => {
            object.values_mut().for_each(close_objects);
            let keys = match (object.get("type"), object.get("properties")) {
                (Some(_), Some(Value::Object(properties))) => properties.keys().cloned().collect::<Vec<_>>(),
                _ => return,
            };
            object.entry("required").or_insert_with(|| json!(keys));
            object.entry("additionalProperties").or_insert(Value::Bool(false));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::boot::content::{ApplianceInfo, BootContent};
    use crate::http::limits::Limits;
    use crate::router;

    /// Method and path of everything that is answered below `/api`, as the router itself lists it.
    fn routes() -> BTreeSet<String> {
        let (_sender, status) = tokio::sync::watch::channel(crate::BootStatus::default());
        let info = ApplianceInfo {
            product: String::new(),
            version: String::new(),
            channel: String::new(),
            build_id: String::new(),
            development: false,
            host_name: String::new(),
        };
        let content = BootContent {
            log: sps_bootlog::BootLog::new(),
            status,
            info,
            boot_id: String::new(),
            bundles: None,
            administration: None,
        };
        let site = router::Site::new(content, &Limits::default());
        let text = format!("{:?}", router::site(site.into()));
        let (routes, paths) = text.split_once("paths: {").unwrap();
        let paths = before_brace(paths);
        let mut found = BTreeSet::new();
        for entry in paths.split("RouteId(").skip(1) {
            let (id, path) = entry.split_once("): \"").unwrap();
            let (path, _) = path.split_once('"').unwrap();
            if path != "/api" && !path.starts_with("/api/") {
                continue;
            }
            let (_, route) = routes.split_once(&format!("RouteId({id}): ")).unwrap();
            let (_, allowed) = route.split_once("allow_header: Bytes(b\"").unwrap();
            let (allowed, _) = allowed.split_once('"').unwrap();
            let methods = allowed.split(',').filter(|method| *method != "HEAD");
            found.extend(methods.map(|method| format!("{method} {path}")));
        }
        found
    }

    /// What stands before the brace that closes a map; paths have braces of their own, inside quotation marks.
    fn before_brace(text: &str) -> &str {
        let mut quoted = false;
        let end = text.find(|c| {
            quoted ^= c == '"';
            c == '}' && !quoted
        });
        &text[..end.unwrap()]
    }

    #[test]
    fn every_route_is_described_and_nothing_else() {
        let document = document().unwrap();
        let mut described = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            let methods = item
                .as_object()
                .unwrap()
                .keys()
                .filter(|key| *key != "parameters");
            described.extend(methods.map(|method| format!("{} {path}", method.to_uppercase())));
        }
        let routes = routes();
        assert!(routes.len() >= 20, "{routes:?}");
        assert_eq!(described, routes);
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document().unwrap();
        let text = document.to_string();
        let references = text.split("\"$ref\":\"").skip(1);
        for reference in references.map(|rest| rest.split_once('"').unwrap().0) {
            let pointer = reference.strip_prefix('#').unwrap_or_default();
            assert!(pointer.starts_with('/'), "{reference}");
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    }

    #[test]
    fn every_operation_has_a_name_of_its_own() {
        let document = document().unwrap();
        let mut names = BTreeSet::new();
        for item in document["paths"].as_object().unwrap().values() {
            for (method, operation) in item.as_object().unwrap() {
                if method != "parameters" {
                    let name = operation["operationId"].as_str().unwrap();
                    assert!(names.insert(name.to_owned()), "{name} stands twice");
                    assert!(operation["summary"].is_string(), "{name}");
                    assert!(operation["responses"]["default"].is_object(), "{name}");
                }
            }
        }
    }
}
