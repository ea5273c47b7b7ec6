//! The document for strangers: every secret replaced.

use crate::node::{Administrators, KeyPair, Keys, Node};
use crate::secret::Secret;

impl Node {
    /// The document with a mark in place of each secret. Taken apart field by field, so that a new field cannot be
    /// forgotten here.
    #[must_use]
    pub fn redacted(&self) -> Self {
        let Self {
            network,
            administrators:
                Administrators {
                    console_password,
                    admin_password,
                    ssh_keys,
                },
            time,
            sealed,
            keys: Keys { web, ssh_host, node },
            firmware,
            rescue,
        } = self;
        let hide = |secret: &Option<Secret>| secret.as_ref().map(|_| Secret::redacted());
        Self {
            network: network.clone(),
            administrators: Administrators {
                console_password: hide(console_password),
                admin_password: hide(admin_password),
                ssh_keys: ssh_keys.clone(),
            },
            time: time.clone(),
            sealed: *sealed,
            keys: Keys {
                web: web.as_ref().map(
                    |KeyPair {
                         certificate,
                         private_key: _,
                     }| KeyPair {
                        certificate: certificate.clone(),
                        private_key: Secret::redacted(),
                    },
                ),
                ssh_host: hide(ssh_host),
                node: hide(node),
            },
            firmware: *firmware,
            rescue: rescue.clone(),
        }
    }

    /// Every secret of the document, for whoever must keep them out of a text.
    pub fn secrets(&self) -> impl Iterator<Item = &Secret> {
        let Administrators {
            console_password,
            admin_password,
            ssh_keys: _,
        } = &self.administrators;
        let Keys { web, ssh_host, node } = &self.keys;
        let web = web.as_ref().map(
            |KeyPair {
                 certificate: _,
                 private_key,
             }| private_key,
        );
        [
            console_password.as_ref(),
            admin_password.as_ref(),
            web,
            ssh_host.as_ref(),
            node.as_ref(),
        ]
        .into_iter()
        .flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_survives_and_nothing_else_changes() {
        let planted = |n: u32| Some(Secret::from(format!("planted-{n}")));
        let mut node = Node::default();
        node.administrators.console_password = planted(1);
        node.administrators.admin_password = planted(5);
        node.keys = Keys {
            web: Some(KeyPair {
                certificate: "public".into(),
                private_key: Secret::from("planted-2".to_owned()),
            }),
            ssh_host: planted(3),
            node: planted(4),
        };
        let text = serde_json::to_string(&node.redacted()).unwrap();
        assert!(!text.contains("planted"), "{text}");
        assert!(text.contains("public"), "{text}");
        assert_eq!(node.secrets().count(), 5);
        assert_eq!(Node::default().redacted(), Node::default());
    }
}
