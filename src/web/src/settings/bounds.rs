//! Numbers that are out of their bounds, found before anything else is judged.

use serde_json::Value;

use super::kind::{Field, Kind};

/// The first number of a value that is out of its bounds: where it is, and why.
pub(crate) fn out_of_bounds(kind: &Kind, value: &Value, path: &str) -> Option<String> {
    match (kind, value) {
        (Kind::Number(least, most), Value::Number(number)) => {
            let fits = number
                .as_u64()
                .is_some_and(|number| (u64::from(*least)..=u64::from(*most)).contains(&number));
            (!fits).then(|| format!("{path}: {number}; give {least} to {most}"))
        }
        (Kind::Optional(inner), value) => out_of_bounds(inner, value, path),
        (Kind::Object(fields), Value::Object(_)) => of_fields(fields, value, path),
        (Kind::Union(variants), Value::Object(object)) => {
            let chosen = variants
                .iter()
                .find(|variant| object.get("kind").and_then(Value::as_str) == Some(variant.name));
            of_fields(chosen?.fields, value, path)
        }
        (Kind::List(each), Value::Array(list)) => list
            .iter()
            .enumerate()
            .find_map(|(number, inner)| out_of_bounds(each, inner, &format!("{path}.{number}"))),
        (Kind::Names(each), Value::Object(object)) => object
            .iter()
            .find_map(|(name, inner)| out_of_bounds(each, inner, &format!("{path}.{name}"))),
        _ => None,
    }
}

fn of_fields(fields: &[Field], value: &Value, path: &str) -> Option<String> {
    fields
        .iter()
        .find_map(|field| out_of_bounds(&field.kind, &value[field.name], &format!("{path}.{}", field.name)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::settings::kind::plain;

    #[test]
    fn the_number_and_its_place_are_named() {
        const FIELDS: &[Field] = &[
            plain("port", "Port", Kind::Number(1, 9)),
            plain("more", "More", Kind::Optional(&Kind::List(&Kind::Number(0, 5)))),
        ];
        let said = |value: Value| out_of_bounds(&Kind::Object(FIELDS), &value, "a.b");
        assert_eq!(said(json!({"port": 9, "more": null})), None);
        assert_eq!(said(json!({"port": 9, "more": [0, 5]})), None);
        assert_eq!(said(json!({"port": 0})).unwrap(), "a.b.port: 0; give 1 to 9");
        assert_eq!(said(json!({"port": -1})).unwrap(), "a.b.port: -1; give 1 to 9");
        assert_eq!(
            said(json!({"port": 1, "more": [1, 6]})).unwrap(),
            "a.b.more.1: 6; give 0 to 5"
        );
        assert_eq!(said(json!("something else")), None, "that is judged elsewhere");
    }
}
