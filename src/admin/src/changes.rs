//! What was changed: who, when, from where, what, why, and how it ended.

use serde::{Deserialize, Serialize};

use crate::action_log::{Action, BEGUN};

/// One change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// Wall clock, seconds since 1970.
    pub time: u64,
    /// Who, and from where: `admin by web from 192.0.2.9`.
    pub who: String,
    /// What was done.
    pub what: String,
    /// Paths of the values of the configuration that changed; none when it was no change of the configuration.
    pub paths: Vec<String>,
    /// Revision of the configuration that came of it.
    pub revision: Option<u64>,
    /// Why, in the asker's words; may be empty.
    pub message: String,
    /// `done`, or why not.
    pub outcome: String,
}

/// A change of the configuration, as its history keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revised {
    /// The revision that came of it.
    pub revision: u64,
    /// Wall clock, seconds since 1970.
    pub time: u64,
    /// Who.
    pub who: String,
    /// Why.
    pub message: String,
    /// Paths of the values that changed.
    pub paths: Vec<String>,
}

/// Longest time between a revision and the end of the action that made it: the limit of a change.
const APART: u64 = 120;

impl Change {
    /// One list of what was done, newest first: an action and the revision that came of it are one change. What has only
    /// begun is left out.
    #[must_use]
    pub fn merged(actions: &[Action], revised: Vec<Revised>) -> Vec<Self> {
        let ended = actions.iter().filter(|action| action.outcome != BEGUN);
        let mut changes: Vec<Self> = ended.map(Self::from).collect();
        for revised in revised {
            let made_it = changes.iter_mut().find(|change| {
                change.revision.is_none()
                    && change.who == revised.who
                    && (revised.time..=revised.time + APART).contains(&change.time)
            });
            match made_it {
                Some(change) => {
                    change.revision = Some(revised.revision);
                    change.paths = revised.paths;
                }
                None => changes.push(Self::from(revised)),
            }
        }
        changes.sort_by_key(|change| std::cmp::Reverse((change.time, change.revision)));
        changes
    }
}

impl From<&Action> for Change {
    fn from(action: &Action) -> Self {
        Self {
            time: action.time,
            who: action.origin.clone(),
            what: action.what.clone(),
            paths: Vec::new(),
            revision: None,
            message: action.message.clone(),
            outcome: action.outcome.clone(),
        }
    }
}

impl From<Revised> for Change {
    fn from(revised: Revised) -> Self {
        Self {
            time: revised.time,
            who: revised.who,
            what: "change the configuration".into(),
            paths: revised.paths,
            revision: Some(revised.revision),
            message: revised.message,
            outcome: "done".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn action(time: u64, who: &str, what: &str, outcome: &str) -> Action {
        Action {
            time,
            origin: who.into(),
            what: what.into(),
            message: String::new(),
            outcome: outcome.into(),
        }
    }

    #[test]
    fn an_action_and_its_revision_are_one_change() {
        let actions = [
            action(10, "console tty1", "network set host name", BEGUN),
            action(11, "console tty1", "network set host name", "done"),
            action(12, "admin by web from 192.0.2.9", "login as admin", "done"),
            action(300, "console tty1", "seal", "refused: no"),
        ];
        let revised = vec![
            Revised {
                revision: 7,
                time: 10,
                who: "console tty1".into(),
                paths: vec!["network.host_name".into()],
                ..Revised::default()
            },
            Revised {
                revision: 3,
                time: 2,
                who: "appliance, first boot".into(),
                ..Revised::default()
            },
        ];
        let changes = Change::merged(&actions, revised);
        let seen: Vec<_> = changes
            .iter()
            .map(|change| (change.time, change.what.as_str(), change.revision))
            .collect();
        assert_eq!(
            seen,
            [
                (300, "seal", None),
                (12, "login as admin", None),
                (11, "network set host name", Some(7)),
                (2, "change the configuration", Some(3)),
            ]
        );
        assert_eq!(changes[2].paths, ["network.host_name"]);
    }
}
