//! The one transaction: who holds it, what was read at its beginning and what is to become of it. Pure.
//!
//! It belongs to a session and ends with it; nobody else edits meanwhile. Nothing of it is in force before the commit, which is one
//! change of the configuration.

use std::time::Duration;

use sps_access::TokenHash;
use sps_admin::{ConfigurationEdit, InterfaceChange, NetworkChange};
use sps_config::{Interface, Ipv4, Network};

/// The transaction, when one is open.
#[derive(Debug, Default)]
pub(crate) struct Transaction {
    open: Option<Open>,
}

/// An open one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Open {
    session: TokenHash,
    /// Who holds it, and from where.
    pub(crate) who: String,
    /// The network when it began.
    pub(crate) read: Network,
    /// The network that it makes.
    pub(crate) edited: Network,
    /// What it changes of the settings of the cluster.
    pub(crate) cluster: Edits,
}

/// Edits of the settings of the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Edits {
    /// The revision in force when the transaction began; none when it could not be read.
    pub(crate) revision: Option<u64>,
    /// One after the other.
    pub(crate) list: Vec<ConfigurationEdit>,
}

impl Edits {
    /// The revision that must be in force: without an edit any may be.
    pub(crate) fn expected(&self) -> Option<u64> {
        self.revision.filter(|_| !self.list.is_empty())
    }

    /// With one more; where the one before sets the same, it is forgotten.
    pub(crate) fn with(mut self, edit: ConfigurationEdit) -> Self {
        let again =
            matches!(self.list.last(), Some(ConfigurationEdit::Set { path, .. }) if path == edit.path());
        if again && matches!(edit, ConfigurationEdit::Set { .. }) {
            self.list.pop();
        }
        self.list.push(edit);
        self
    }
}

/// Why not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Somebody else holds it.
    Held(String),
    /// This session holds it already.
    Begun,
    /// There is none.
    Closed,
}

impl Transaction {
    /// Ends a transaction whose session has ended; `left` is how long sessions have still to live.
    pub(crate) fn expire(&mut self, left: impl FnOnce(&TokenHash) -> Duration) {
        if self
            .open
            .as_ref()
            .is_some_and(|open| left(&open.session).is_zero())
        {
            self.open = None;
        }
    }

    /// The open one, whoever holds it.
    pub(crate) fn open(&self) -> Option<&Open> {
        self.open.as_ref()
    }

    /// Begins one for a session.
    pub(crate) fn begin(
        &mut self,
        session: &TokenHash,
        who: String,
        read: Network,
        revision: Option<u64>,
    ) -> Result<(), Refusal> {
        match self.own(session) {
            Ok(_) => return Err(Refusal::Begun),
            Err(Refusal::Closed) => {}
            Err(held) => return Err(held),
        }
        self.open = Some(Open {
            session: *session,
            who,
            edited: read.clone(),
            read,
            cluster: Edits {
                revision,
                list: Vec::new(),
            },
        });
        Ok(())
    }

    /// The one that this session holds.
    pub(crate) fn own(&mut self, session: &TokenHash) -> Result<&mut Open, Refusal> {
        match &mut self.open {
            None => Err(Refusal::Closed),
            Some(open) if open.session != *session => Err(Refusal::Held(open.who.clone())),
            Some(open) => Ok(open),
        }
    }

    /// Ends the one that this session holds.
    pub(crate) fn close(&mut self, session: &TokenHash) -> Result<(), Refusal> {
        self.own(session)?;
        self.open = None;
        Ok(())
    }
}

impl Open {
    /// What the commit asks for: what the edit made different. An interface that is not named any more asks by DHCP, as one that
    /// never was.
    pub(crate) fn change(&self) -> NetworkChange {
        let (read, edited) = (&self.read, &self.edited);
        let new = |name: &str, interface: &Interface| read.interfaces.get(name) != Some(interface);
        let set = edited
            .interfaces
            .iter()
            .filter(|(name, interface)| new(name, interface));
        let gone = read
            .interfaces
            .keys()
            .filter(|name| !edited.interfaces.contains_key(*name));
        let set = set.map(|(name, interface)| (name.clone(), interface.ipv4.clone()));
        let interfaces = set.chain(gone.map(|name| (name.clone(), Ipv4::Dhcp)));
        NetworkChange {
            host_name: (read.host_name != edited.host_name).then(|| edited.host_name.clone()),
            interfaces: interfaces
                .map(|(name, ipv4)| (name, InterfaceChange { ipv4 }))
                .collect(),
            dns: (read.dns != edited.dns).then(|| edited.dns.clone()),
            domain: (read.domain != edited.domain).then(|| edited.domain.clone().unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use sps_access::Token;

    use super::*;

    const ALIVE: Duration = Duration::from_secs(1);

    fn session() -> TokenHash {
        Token::new().unwrap().hash()
    }

    fn begun(session: &TokenHash) -> Transaction {
        let mut transaction = Transaction::default();
        let who = "ann by web from 192.0.2.9".into();
        transaction
            .begin(session, who, Network::default(), Some(7))
            .unwrap();
        transaction
    }

    #[test]
    fn one_session_edits_and_the_others_see_who() {
        let (ann, bob) = (session(), session());
        let mut transaction = begun(&ann);
        let held = Refusal::Held("ann by web from 192.0.2.9".into());
        let again = transaction.begin(&bob, "bob".into(), Network::default(), Some(7));
        assert_eq!(again, Err(held.clone()));
        assert_eq!(transaction.own(&bob).unwrap_err(), held);
        assert_eq!(transaction.close(&bob), Err(held));
        let twice = transaction.begin(&ann, "ann".into(), Network::default(), Some(7));
        assert_eq!(twice, Err(Refusal::Begun));
        transaction.close(&ann).unwrap();
        assert_eq!(transaction.own(&ann).unwrap_err(), Refusal::Closed);
        transaction
            .begin(&bob, "bob".into(), Network::default(), Some(7))
            .unwrap();
    }

    #[test]
    fn the_same_setting_set_twice_is_one_edit() {
        let set = |path: &str, value: u64| ConfigurationEdit::Set {
            path: path.into(),
            value: sps_admin::Given::new(value.into()),
        };
        let delete = ConfigurationEdit::Delete { path: "a".into() };
        let edits = Edits {
            revision: Some(7),
            list: Vec::new(),
        };
        assert_eq!(edits.expected(), None, "nothing depends on a revision yet");
        let edits = edits.with(set("a", 1)).with(set("a", 2));
        assert_eq!((edits.expected(), edits.list.len()), (Some(7), 1));
        let edits = edits.with(delete.clone()).with(set("a", 3)).with(set("b", 4));
        assert_eq!(edits.list, [set("a", 2), delete, set("a", 3), set("b", 4)]);
    }

    #[test]
    fn it_lives_as_long_as_its_session() {
        let ann = session();
        let mut transaction = begun(&ann);
        transaction.expire(|whose| if *whose == ann { ALIVE } else { Duration::ZERO });
        assert!(transaction.open().is_some());
        transaction.expire(|_| Duration::ZERO);
        assert_eq!(transaction.open(), None);
        transaction.expire(|_| panic!("nobody is asked about"));
    }

    #[test]
    fn a_commit_asks_for_what_is_different_and_no_more() {
        let ann = session();
        let mut transaction = begun(&ann);
        let open = transaction.own(&ann).unwrap();
        assert_eq!(open.change(), NetworkChange::default());
        open.read
            .interfaces
            .insert("eth0".into(), Interface { ipv4: Ipv4::Off });
        open.read
            .interfaces
            .insert("eth1".into(), Interface { ipv4: Ipv4::Off });
        open.read.domain = Some("example.net".into());
        open.edited = open.read.clone();
        open.edited.interfaces.remove("eth0");
        open.edited
            .interfaces
            .insert("eth2".into(), Interface { ipv4: Ipv4::Off });
        open.edited.domain = None;
        open.edited.host_name = "gate".into();
        let change = open.change();
        assert_eq!(
            change.to_string(),
            "host name gate; eth0 by DHCP; eth2 without an address; no domain"
        );
        let mut expected = open.edited.clone();
        expected
            .interfaces
            .insert("eth0".into(), Interface { ipv4: Ipv4::Dhcp });
        assert_eq!(change.apply(&open.read), expected);
    }
}
