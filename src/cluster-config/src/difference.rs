//! Which values of a document changed, by path. Values themselves are not told: they may be secret.

use serde_json::Value;

use crate::seal;

/// Most paths that are told; a change of more is told in part, and the revisions themselves are kept.
const MOST: usize = 200;

/// Paths of the values that differ, deepest that can be named. An object of a list is told by its name.
pub(crate) fn changed(old: &Value, new: &Value) -> Vec<String> {
    let places = places(old, new);
    places.iter().map(|parts| parts.join(".")).collect()
}

/// The same, by the names on the way to each.
pub(crate) fn places(old: &Value, new: &Value) -> Vec<Vec<String>> {
    let mut places = Vec::new();
    compare(&[], old, new, &mut places);
    places.truncate(MOST);
    places
}

fn compare(path: &[String], old: &Value, new: &Value, paths: &mut Vec<Vec<String>>) {
    match (old, new) {
        _ if old == new => {}
        (Value::Object(old), Value::Object(new)) if !seal::is_secret(old) && !seal::is_secret(new) => {
            let names = old
                .keys()
                .chain(new.keys().filter(|name| !old.contains_key(*name)));
            for name in names {
                let inner = [path, std::slice::from_ref(name)].concat();
                match (old.get(name), new.get(name)) {
                    (Some(old), Some(new)) => compare(&inner, old, new, paths),
                    _ => paths.push(inner),
                }
            }
        }
        (Value::Array(before), Value::Array(after)) => match (named(before), named(after)) {
            (Some(old), Some(new)) if old.keys().eq(new.keys()) && same_order(before, after) => {
                compare(path, &Value::Object(old), &Value::Object(new), paths);
            }
            _ => paths.push(path.to_owned()),
        },
        _ => paths.push(path.to_owned()),
    }
}

/// The objects of a list by their names, when each has one of its own.
fn named(list: &[Value]) -> Option<serde_json::Map<String, Value>> {
    let object: Option<serde_json::Map<String, Value>> = list
        .iter()
        .map(|value| Some((value.get("name")?.as_str()?.to_owned(), value.clone())))
        .collect();
    object.filter(|object| object.len() == list.len() && !object.is_empty())
}

fn same_order(old: &[Value], new: &[Value]) -> bool {
    old.iter()
        .map(|value| &value["name"])
        .eq(new.iter().map(|value| &value["name"]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_are_named_and_values_are_not() {
        let old = json!({"a": {"b": 1, "c": {"plain": "hunter2"}}, "list": [{"name": "x", "v": 1}, {"name": "y", "v": 1}], "gone": 1});
        let mut new = old.clone();
        assert!(changed(&old, &new).is_empty());
        new["a"]["c"] = json!({"plain": "hunter3"});
        new["list"][1]["v"] = json!(2);
        new["new"] = json!(null);
        assert_eq!(changed(&old, &new), ["a.c", "list.y.v", "new"]);
        new["list"].as_array_mut().unwrap().swap(0, 1);
        new.as_object_mut().unwrap().remove("gone");
        assert_eq!(changed(&old, &new), ["a.c", "gone", "list", "new"]);
    }
}
