//! The policies in force, ready to be asked.

use std::collections::BTreeMap;

use sps_cluster_config::sections::connections::{SshConnection, SshControl};
use sps_cluster_config::sections::policies::{Policies as Document, TimePolicy, UserList, UserMapping};
use sps_proxy_engine::{Allowed, Asked, Content, ContentError, Moment, Refused, Situation, decide, may_be};
use thiserror::Error;

use crate::access::Person;

/// What the proxy needs of the configuration.
#[derive(Clone, Debug, Default)]
pub struct Policies {
    /// SSH Control.
    pub ssh: SshControl,
    /// When something is allowed.
    pub time: BTreeMap<String, TimePolicy>,
    /// Who is allowed.
    pub user_lists: BTreeMap<String, UserList>,
    /// Who may be whom on servers.
    pub user_mappings: BTreeMap<String, UserMapping>,
    content: BTreeMap<String, Content>,
}

/// A content policy that cannot look: channels that ask for it stay closed.
#[derive(Debug, Error)]
#[error("content policy {name:?} cannot be used, and no channel that asks for it opens")]
pub struct PoliciesError {
    /// Its name.
    pub name: String,
    /// What is wrong.
    #[source]
    pub source: ContentError,
}

impl Policies {
    /// Takes the sections of a configuration; content policies that cannot look are told.
    #[must_use]
    pub fn new(ssh: SshControl, document: &Document) -> (Self, Vec<PoliciesError>) {
        let (mut content, mut errors) = (BTreeMap::new(), Vec::new());
        for (name, policy) in &document.content {
            match Content::new(policy) {
                Ok(ready) => drop(content.insert(name.clone(), ready)),
                Err(source) => errors.push(PoliciesError {
                    name: name.clone(),
                    source,
                }),
            }
        }
        let policies = Self {
            ssh,
            time: document.time.clone(),
            user_lists: document.user_lists.clone(),
            user_mappings: document.user_mappings.clone(),
            content,
        };
        (policies, errors)
    }

    /// Whether a channel of this connection may be opened.
    pub(crate) fn decide(
        &self,
        connection: &SshConnection,
        asked: &Asked<'_>,
        client: std::net::IpAddr,
        person: &Person,
        now: Moment,
    ) -> Result<Allowed, Refused> {
        let situation = Situation {
            client,
            user: Some(&person.user),
            groups: &person.groups,
            now,
            user_lists: &self.user_lists,
            time_policies: &self.time,
        };
        let lines = self.ssh.channel_policies.get(&connection.channel_policy);
        decide(lines.map_or(&[], Vec::as_slice), asked, &situation)
    }

    /// The content policy of a channel: none when it has none, an error when it cannot look.
    pub(crate) fn content(&self, allowed: &Allowed) -> Result<Option<Content>, ()> {
        match &allowed.content_policy {
            None => Ok(None),
            Some(name) => self.content.get(name).cloned().map(Some).ok_or(()),
        }
    }

    /// Whether somebody may log in at servers as this user. A mapping that is not there lets nobody in.
    pub(crate) fn may_be(&self, connection: &SshConnection, person: &Person, server_user: &str) -> bool {
        connection.user_mapping.as_ref().is_none_or(|name| {
            let mapping = self.user_mappings.get(name);
            mapping.is_some_and(|mapping| may_be(mapping, &person.user, &person.groups, server_user))
        })
    }

    /// Whether any line of the connection's channel policy asks for recording.
    pub(crate) fn audits(&self, connection: &SshConnection) -> bool {
        let lines = self.ssh.channel_policies.get(&connection.channel_policy);
        lines.is_some_and(|lines| lines.iter().any(|line| line.audit))
    }
}
