//! The node document in a backup: what of it may come back, and what differs from the one there is. No value of it is told.

use serde_json::Value;
use sps_config::Node;

/// What the node of the backup had.
#[derive(Debug)]
pub(crate) struct NodeOfBackup(Node);

impl NodeOfBackup {
    /// The document as it was enclosed; nothing when this firmware does not know its form. Why is not told: it could quote a secret.
    pub(crate) fn read(value: Value) -> Option<Self> {
        let node: Node = serde_json::from_value(value).ok()?;
        node.check().ok()?;
        Some(Self(node))
    }

    /// Settings that would change, by their names: those of the node, then those within.
    pub(crate) fn differing(&self, own: &Node) -> Vec<String> {
        let mut wanted = own.clone();
        self.clone_into_node(&mut wanted);
        let value = |node: &Node| serde_json::to_value(node).unwrap_or_default();
        let mut found = Vec::new();
        let (before, after) = (value(own), value(&wanted));
        for (name, part) in before.as_object().into_iter().flatten() {
            let other = &after[name];
            match part.as_object() {
                Some(fields) => found.extend(
                    fields
                        .iter()
                        .filter(|(field, value)| other.get(field) != Some(value))
                        .map(|(field, _)| format!("{name}.{field}")),
                ),
                None if part != other => found.push(name.clone()),
                None => {}
            }
        }
        found
    }

    /// Makes a node as it was in the backup. Its own keys stay, for what it has is sealed with them; so does sealed mode, which is left at
    /// the console alone, and while it lasts the passwords.
    pub(crate) fn into_node(self, node: &mut Node) {
        self.clone_into_node(node);
    }

    fn clone_into_node(&self, node: &mut Node) {
        let mut wanted = self.0.clone();
        wanted.keys = node.keys.clone();
        wanted.sealed = node.sealed;
        if node.sealed {
            wanted.administrators = node.administrators.clone();
        }
        *node = wanted;
    }
}

#[cfg(test)]
mod tests {
    use sps_config::Secret;

    use super::*;

    fn node(host_name: &str) -> Node {
        let mut node = Node::default();
        node.network.host_name = host_name.into();
        node.keys.node = Some(Secret::from(format!("key of {host_name}")));
        node
    }

    #[test]
    fn what_differs_is_named_without_a_value_and_keys_stay() {
        let mut old = node("sps-of-old");
        old.time.zone = "Europe/Vienna".into();
        let found = NodeOfBackup::read(serde_json::to_value(&old).unwrap()).unwrap();
        let mut own = node("sps-new");
        assert_eq!(found.differing(&own), ["network.host_name", "time.zone"]);
        let keys = own.keys.clone();
        found.into_node(&mut own);
        assert_eq!((own.network, own.time, own.keys), (old.network, old.time, keys));
    }

    #[test]
    fn sealed_mode_is_neither_left_nor_entered_and_keeps_the_passwords() {
        let mut old = node("sps");
        old.administrators.ssh_keys = vec!["ssh-ed25519 AAAA old".into()];
        let mut own = node("sps");
        own.sealed = true;
        let value = serde_json::to_value(&old).unwrap();
        let read = || {
            serde_json::from_value::<Node>(value.clone())
                .map(NodeOfBackup)
                .unwrap()
        };
        assert_eq!(read().differing(&own), [""; 0]);
        read().into_node(&mut own);
        assert!(own.sealed && own.administrators.ssh_keys.is_empty());
        own.sealed = false;
        assert_eq!(read().differing(&own), ["administrators.ssh_keys"]);
    }

    #[test]
    fn what_no_node_has_is_not_read() {
        assert!(NodeOfBackup::read(serde_json::json!({"network": 1})).is_none());
    }
}
