//! Names in addresses, in paths of the document, and in collections.

use serde_json::Value;

use super::resources::{RESOURCES, Resource};

/// A name as a part of an address (RFC 3986, 3.3): every byte but the unreserved ones is encoded.
pub(crate) fn segment(name: &str) -> String {
    name.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

/// A name as a part of a path of the document (RFC 6901, 3).
pub(crate) fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// The objects of a collection by their names: the keys of an object, or what the objects of a list say.
pub(crate) fn named(collection: &Value) -> Box<dyn Iterator<Item = (&str, &Value)> + '_> {
    match collection {
        Value::Object(object) => Box::new(object.iter().map(|(name, value)| (name.as_str(), value))),
        Value::Array(list) => Box::new(
            list.iter()
                .filter_map(|value| Some((value.get("name")?.as_str()?, value))),
        ),
        _ => Box::new(std::iter::empty()),
    }
}

/// The resource in which a path of the document lies, and what is left of the path there.
pub(crate) fn of_path(path: &str) -> Option<(&'static Resource, &str)> {
    RESOURCES.iter().find_map(|resource| {
        let rest = path.strip_prefix(resource.path)?;
        match rest.strip_prefix('/') {
            Some(rest) => Some((resource, rest)),
            None => rest.is_empty().then_some((resource, rest)),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_any_script_stand_in_addresses() {
        assert_eq!(segment("office hours/ä~x"), "office%20hours%2F%C3%A4~x");
        assert_eq!(escaped("a/b~c"), "a~1b~0c");
    }

    #[test]
    fn a_path_is_told_by_its_resource() {
        let (resource, rest) = of_path("management/disk_fill_up_prevention/enabled").unwrap();
        assert_eq!(
            (resource.name, rest),
            ("management/disk_fillup_prevention", "enabled")
        );
        assert_eq!(of_path("certificates").unwrap().0.name, "management/certificates");
        assert!(of_path("network/dns").is_none());
        assert!(of_path("certificatesx").is_none());
    }
}
