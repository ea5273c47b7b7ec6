//! The value that a form brings back, by the same description as the form was made from.

use serde_json::{Map, Value, json};
use sps_config::REDACTED;

use super::form::AS_KEPT;
use crate::settings::{Field, Kind, Variant};
use crate::ui::Fields;

/// Most objects of a list that a form brings.
const MOST: usize = 500;
/// How a line ends that ends a block of PEM.
const END: &str = "-----END";

/// A field that cannot be read: its name and why.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unread {
    pub(super) name: String,
    pub(super) why: String,
}

type Read = Result<Value, Unread>;

/// The value under a name.
pub(super) fn value(fields: &Fields, name: &str, kind: &Kind) -> Read {
    Ok(match kind {
        Kind::Text | Kind::Choice(_) | Kind::Reference(_) => fields.get(name).trim().into(),
        Kind::Block => fields.get(name).replace("\r\n", "\n").into(),
        Kind::Number(..) => number(fields, name)?,
        Kind::Switch => fields.has(name).into(),
        Kind::Choices(_) => fields.all(name).into(),
        Kind::Lines => lines(fields.get(name)).into(),
        Kind::Blocks => blocks(fields.get(name)).into(),
        Kind::Secret | Kind::SecretBlock => secret(fields, name, kind),
        Kind::Object(inner) => object(fields, name, inner)?.into(),
        Kind::Union(variants) => union(fields, name, variants)?,
        Kind::List(each) => list(fields, name, each)?.into(),
        Kind::Names(each) => by_name(fields, name, each)?.into(),
        Kind::Optional(inner) => optional(fields, name, inner)?,
    })
}

fn optional(fields: &Fields, name: &str, kind: &Kind) -> Read {
    let is_set = match kind {
        Kind::Object(_) | Kind::Union(_) | Kind::List(_) | Kind::Names(_) => {
            fields.has(&format!("{name}.on"))
        }
        Kind::Secret | Kind::SecretBlock => {
            let kept = fields.has(&format!("{name}.had")) && !fields.has(&format!("{name}.none"));
            kept || !fields.get(name).is_empty()
        }
        _ => !fields.get(name).trim().is_empty(),
    };
    if is_set {
        value(fields, name, kind)
    } else {
        Ok(Value::Null)
    }
}

fn number(fields: &Fields, name: &str) -> Read {
    let text = fields.get(name).trim();
    let number = text.parse::<u64>().map_err(|_| Unread {
        name: name.to_owned(),
        why: "give a whole number".into(),
    })?;
    Ok(number.into())
}

/// What was typed; nothing: what is there stays.
fn secret(fields: &Fields, name: &str, kind: &Kind) -> Value {
    match fields.get(name) {
        "" => REDACTED.into(),
        text if matches!(kind, Kind::SecretBlock) => json!({ "plain": text.replace("\r\n", "\n") }),
        text => json!({ "plain": text }),
    }
}

fn lines(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(ToOwned::to_owned).collect()
}

/// Texts that end with a line of their own. What follows the last one is one more, and will be refused for what it is.
fn blocks(text: &str) -> Vec<String> {
    let (mut blocks, mut block) = (Vec::new(), String::new());
    for line in text.lines() {
        block += line;
        block.push('\n');
        if line.trim_start().starts_with(END) {
            blocks.push(std::mem::take(&mut block).trim_start().to_owned());
        }
    }
    if !block.trim().is_empty() {
        blocks.push(block);
    }
    blocks
}

fn object(fields: &Fields, name: &str, inner: &[Field]) -> Result<Map<String, Value>, Unread> {
    let mut object = Map::new();
    for field in inner {
        let value = value(fields, &format!("{name}.{}", field.name), &field.kind)?;
        object.insert(field.name.to_owned(), value);
    }
    for key in fields.get(&format!("{name}.more")).split_whitespace() {
        object.insert(key.to_owned(), as_kept(fields, &format!("{name}.more.{key}"))?);
    }
    Ok(object)
}

fn as_kept(fields: &Fields, name: &str) -> Read {
    serde_json::from_str(fields.get(name)).map_err(|error| Unread {
        name: name.to_owned(),
        why: format!("this is no JSON: {error}"),
    })
}

fn union(fields: &Fields, name: &str, variants: &[Variant]) -> Read {
    let kind = fields.get(&format!("{name}.kind"));
    if kind == AS_KEPT {
        return as_kept(fields, &format!("{name}.{AS_KEPT}"));
    }
    let variant = variants.iter().find(|variant| variant.name == kind);
    let variant = variant.ok_or_else(|| Unread {
        name: format!("{name}.kind"),
        why: "choose one".into(),
    })?;
    let mut object = object(fields, &format!("{name}.{kind}"), variant.fields)?;
    object.insert("kind".into(), kind.into());
    Ok(object.into())
}

/// Numbers of the objects that stay, and of the one that is added.
fn numbers(fields: &Fields, name: &str) -> Vec<usize> {
    let count = fields
        .get(&format!("{name}.count"))
        .parse()
        .unwrap_or(0)
        .min(MOST);
    let stays = |number: &usize| !fields.has(&format!("{name}.{number}.remove"));
    let added = fields.has(&format!("{name}.{count}.add")).then_some(count);
    (0..count).filter(stays).chain(added).collect()
}

fn list(fields: &Fields, name: &str, each: &Kind) -> Result<Vec<Value>, Unread> {
    let numbers = numbers(fields, name).into_iter();
    numbers
        .map(|number| value(fields, &format!("{name}.{number}"), each))
        .collect()
}

fn by_name(fields: &Fields, name: &str, each: &Kind) -> Result<Map<String, Value>, Unread> {
    let mut object = Map::new();
    for number in numbers(fields, name) {
        let inner = format!("{name}.{number}");
        let key = fields.get(&format!("{inner}.name")).trim();
        if key.is_empty() || object.contains_key(key) {
            return Err(Unread {
                name: format!("{inner}.name"),
                why: "give it a name of its own".into(),
            });
        }
        object.insert(key.to_owned(), value(fields, &format!("{inner}.value"), each)?);
    }
    Ok(object)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{RESOURCES, Shape};
    use crate::ui::settings::form::Form;

    /// What a browser sends of a form when nothing is touched.
    fn untouched(page: &str) -> Fields {
        let mut sent = Vec::new();
        let mut rest = page;
        while let Some(at) = rest.find(['<']) {
            rest = &rest[at..];
            let end = rest.find('>').unwrap();
            let (tag, after) = (&rest[..end], &rest[end + 1..]);
            let name = attribute(tag, "name");
            if tag.starts_with("<input") {
                let checked = tag.contains(" checked");
                let box_like = tag.contains("type=\"checkbox\"") || tag.contains("type=\"radio\"");
                if let Some(name) = name.filter(|_| checked || !box_like) {
                    sent.push((name, attribute(tag, "value").unwrap_or_default()));
                }
            } else if tag.starts_with("<textarea") {
                let text = after.split("</textarea>").next().unwrap();
                sent.push((name.unwrap(), unescaped(text.trim_start_matches('\n'))));
            } else if tag.starts_with("<select") {
                let options = after.split("</select>").next().unwrap();
                let all: Vec<&str> = options.split("<option").skip(1).collect();
                let chosen = all
                    .iter()
                    .find(|one| one.split('>').next().unwrap().contains(" selected"));
                if let Some(option) = chosen.or(all.first()) {
                    sent.push((name.unwrap(), attribute(option, "value").unwrap()));
                }
            }
            rest = after;
        }
        Fields::of_texts(sent)
    }

    fn attribute(tag: &str, name: &str) -> Option<String> {
        let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
        Some(unescaped(rest.split('"').next()?))
    }

    fn unescaped(text: &str) -> String {
        text.replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&quot;", "\"")
            .replace("&amp;", "&")
    }

    fn masked(mut value: Value) -> Value {
        fn mask(value: &mut Value) {
            if value.get("encrypted").is_some() {
                *value = REDACTED.into();
            }
            match value {
                Value::Object(object) => object.values_mut().for_each(mask),
                Value::Array(list) => list.iter_mut().for_each(mask),
                _ => {}
            }
        }
        mask(&mut value);
        value
    }

    /// Every setting of many documents comes back from its form as it is. So every key of the document is described, or shown as it
    /// is kept, and a form that nobody touches changes nothing.
    #[test]
    fn a_form_that_nobody_touches_brings_back_what_it_was_made_from() {
        let mut seen = 0;
        for seed in 0..12 {
            let document = if seed % 2 == 0 {
                sps_config_migration::sample(5, seed)
            } else {
                sps_config_migration::random(5, seed)
            };
            let document = masked(document.unwrap());
            for resource in RESOURCES {
                let pointer = format!("/{}", resource.path);
                let found = document.pointer(&pointer).unwrap_or_else(|| panic!("{pointer}"));
                let (kind, values): (_, Vec<&Value>) = match &resource.shape {
                    Shape::One(kind) => (kind, vec![found]),
                    Shape::Many { each, .. } => (
                        each,
                        crate::settings::named(found).map(|(_, value)| value).collect(),
                    ),
                };
                for expected in values {
                    let page = Form::default().value("v", kind, expected).into_string();
                    let read = value(&untouched(&page), "v", kind).unwrap();
                    let mut expected = trimmed(expected);
                    if let Some(object) = expected.as_object_mut().filter(|_| found.is_array()) {
                        object.remove("name");
                    }
                    assert_eq!(trimmed(&read), expected, "{}", resource.name);
                    seen += 1;
                }
            }
        }
        assert!(seen > 300, "{seen}");
    }

    /// Spaces at the ends of lines do not survive a form, and mean nothing.
    fn trimmed(value: &Value) -> Value {
        match value {
            Value::String(text) => text
                .lines()
                .map(str::trim)
                .collect::<Vec<_>>()
                .join("\n")
                .trim()
                .into(),
            Value::Array(list) => list.iter().map(trimmed).collect(),
            Value::Object(object) => Value::Object(
                object
                    .iter()
                    .map(|(key, value)| (key.clone(), trimmed(value)))
                    .collect(),
            ),
            other => other.clone(),
        }
    }

    /// Only what nobody described is shown as JSON, and nothing of today's document is.
    #[test]
    fn everything_is_described() {
        for seed in 0..6 {
            let document = masked(sps_config_migration::sample(5, seed).unwrap());
            for resource in RESOURCES {
                let found = document.pointer(&format!("/{}", resource.path)).unwrap();
                let page = match &resource.shape {
                    Shape::One(kind) => Form::default().value("v", kind, found).into_string(),
                    Shape::Many { each, .. } => crate::settings::named(found)
                        .map(|(_, value)| Form::default().value("v", each, value).into_string())
                        .collect(),
                };
                assert!(!page.contains("As it is kept"), "{}", resource.name);
            }
        }
    }

    #[test]
    fn what_is_not_described_comes_back_as_it_is_kept() {
        const KIND: Kind = Kind::Union(&[Variant {
            name: "one",
            label: "One",
            fields: &[],
        }]);
        for strange in [
            json!({"kind": "two", "new": {"deep": [1, "a<b"]}}),
            json!({"kind": "one", "new": null}),
        ] {
            let page = Form::default().value("v", &KIND, &strange).into_string();
            let read = value(&untouched(&page), "v", &KIND).unwrap();
            if strange["kind"] == "two" {
                assert_eq!(read, strange);
            }
        }
    }

    #[test]
    fn lists_lose_what_is_ticked_and_get_one_more() {
        const KIND: Kind = Kind::List(&Kind::Text);
        let fields = |more: &[(&str, &str)]| {
            let mut all = vec![("v.count", "2"), ("v.0", "a"), ("v.1", "b"), ("v.2", "c")];
            all.extend_from_slice(more);
            Fields::of_texts(
                all.into_iter()
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .collect(),
            )
        };
        let read = |more: &[(&str, &str)]| value(&fields(more), "v", &KIND).unwrap();
        assert_eq!(read(&[]), json!(["a", "b"]));
        assert_eq!(
            read(&[("v.0.remove", "on"), ("v.2.add", "on")]),
            json!(["b", "c"])
        );
    }

    #[test]
    fn a_number_that_is_none_is_told_with_its_field() {
        let fields = Fields::of_texts(vec![("v.port".into(), "many".into())]);
        let unread = value(&fields, "v.port", &Kind::Number(1, 9)).unwrap_err();
        assert_eq!(
            (unread.name.as_str(), unread.why.as_str()),
            ("v.port", "give a whole number")
        );
    }

    #[test]
    fn certificates_are_told_apart() {
        let text = "-----BEGIN CERTIFICATE-----\r\nA\r\n-----END CERTIFICATE-----\r\n\r\n-----BEGIN CERTIFICATE-----\nB\n-----END CERTIFICATE-----\nrest";
        let found = blocks(text);
        assert_eq!(found.len(), 3);
        assert_eq!(
            found[1],
            "-----BEGIN CERTIFICATE-----\nB\n-----END CERTIFICATE-----\n"
        );
    }
}
