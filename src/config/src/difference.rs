//! Which values of a document changed, by path. Values themselves are not told: they may be secret.

use serde_json::Value;

use crate::node::Node;

/// Most paths that are told; a change of more is told in part, and the revisions themselves are kept.
const MOST: usize = 100;

/// Paths of the values that differ, deepest that can be named.
pub(crate) fn changed(old: &Node, new: &Node) -> Vec<String> {
    let (Ok(old), Ok(new)) = (serde_json::to_value(old), serde_json::to_value(new)) else {
        return Vec::new();
    };
    let mut paths = Vec::new();
    compare("", &old, &new, &mut paths);
    paths.truncate(MOST);
    paths
}

fn compare(path: &str, old: &Value, new: &Value, paths: &mut Vec<String>) {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            let names = old
                .keys()
                .chain(new.keys().filter(|name| !old.contains_key(*name)));
            for name in names {
                let inner = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                let value =
                    |side: &serde_json::Map<String, Value>| side.get(name).cloned().unwrap_or_default();
                compare(&inner, &value(old), &value(new), paths);
            }
        }
        _ if old == new => {}
        _ => paths.push(path.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Interface, Ipv4};
    use crate::secret::Secret;

    #[test]
    fn paths_are_named_and_values_are_not() {
        let old = Node::default();
        let mut new = old.clone();
        assert!(changed(&old, &new).is_empty());
        new.sealed = true;
        new.administrators.console_password = Some(Secret::from("hunter2".to_owned()));
        new.network
            .interfaces
            .insert("eth0".into(), Interface { ipv4: Ipv4::Off });
        assert_eq!(
            changed(&old, &new),
            [
                "administrators.console_password",
                "network.interfaces.eth0",
                "sealed"
            ]
        );
        assert_eq!(changed(&new, &old), changed(&old, &new));
    }
}
