//! What may be done inside a connection: the first line of the channel policy that fits in kind, client, user, time, and command or
//! server. No line, no channel.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use regex::RegexBuilder;
use sps_cluster_config::sections::connections::Channel;
use sps_cluster_config::sections::policies::{TimePolicy, UserList};
use thiserror::Error;

use crate::destination::permits_named;
use crate::host::{Host, shown};
use crate::hours::{Moment, is_within};
use crate::users::is_listed;

/// Bytes a compiled expression may take: policies are written by people.
const EXPRESSION: usize = 1 << 20;

/// What SSH clients may want.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A login shell.
    Shell,
    /// One command.
    Exec,
    /// A copy by the protocol of `scp`.
    Scp,
    /// Files by SFTP.
    Sftp,
    /// Another subsystem.
    Subsystem,
    /// A connection from the client's side to a server beyond the target.
    LocalForward,
    /// A connection from beyond the target to the client's side.
    RemoteForward,
    /// Windows of X11.
    X11,
    /// The client's authentication agent.
    Agent,
}

impl Kind {
    /// Every kind, as policies name it.
    pub const ALL: [(&'static str, Self); 9] = [
        ("shell", Self::Shell),
        ("exec", Self::Exec),
        ("scp", Self::Scp),
        ("sftp", Self::Sftp),
        ("subsystem", Self::Subsystem),
        ("local-forward", Self::LocalForward),
        ("remote-forward", Self::RemoteForward),
        ("x11", Self::X11),
        ("agent", Self::Agent),
    ];

    /// The word in a channel policy.
    #[must_use]
    pub fn policy_word(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, kind)| *kind == self);
        found.map_or("", |(word, _)| word)
    }

    /// The word in a session's record.
    #[must_use]
    pub const fn record_word(self) -> &'static str {
        match self {
            Self::Shell => "session-shell",
            Self::Exec => "session-exec",
            Self::Scp => "session-exec-scp",
            Self::Sftp => "session-sftp",
            Self::Subsystem => "session-subsystem",
            Self::LocalForward => "local-forward",
            Self::RemoteForward => "remote-forward",
            Self::X11 => "x11-forward",
            Self::Agent => "agent-forward",
        }
    }

    /// The kind of a request to run `command`: the two ends of `scp` alone are copies; with anything a shell would make more of, or
    /// an option that names a program, it is a command like others.
    #[must_use]
    pub fn of_command(command: &str) -> Self {
        let plain = |c: char| c.is_alphanumeric() || " _-./~+@%:,=*?[]".contains(c);
        let mut words = command.split(' ').filter(|word| !word.is_empty());
        let program = words.next().and_then(|word| word.rsplit('/').next());
        let options: Vec<&str> = words
            .take_while(|word| word.starts_with('-') && *word != "--")
            .collect();
        let known = |word: &&str| word.bytes().skip(1).all(|byte| b"tfrpdvq".contains(&byte));
        let end = options.iter().any(|word| word.contains(['t', 'f']));
        if program == Some("scp") && command.chars().all(plain) && end && options.iter().all(known) {
            Self::Scp
        } else {
            Self::Exec
        }
    }
}

/// What is done to files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    /// Their content is read.
    Read,
    /// They are written, made, renamed, or their attributes set.
    Write,
    /// Folders are listed.
    List,
    /// They are removed.
    Delete,
}

impl Operation {
    /// Every operation, as policies name it.
    pub const ALL: [(&'static str, Self); 4] = [
        ("read", Self::Read),
        ("write", Self::Write),
        ("list", Self::List),
        ("delete", Self::Delete),
    ];
}

/// What a client asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked<'a> {
    /// Kind.
    pub kind: Kind,
    /// The command of [`Kind::Exec`] and [`Kind::Scp`], the name of [`Kind::Subsystem`].
    pub command: Option<&'a str>,
    /// Where a forwarded connection goes, or the address it is waited for on: host as told, and port.
    pub server: Option<(&'a str, u16)>,
}

/// Who asks, from where, when.
#[derive(Clone, Debug)]
pub struct Situation<'a> {
    /// The client's address.
    pub client: IpAddr,
    /// The user at the gateway, or without gateway authentication the one at the server.
    pub user: Option<&'a str>,
    /// The groups of that user.
    pub groups: &'a [String],
    /// Now, in the appliance's time zone.
    pub now: Moment,
    /// User lists by name.
    pub user_lists: &'a BTreeMap<String, UserList>,
    /// Time policies by name.
    pub time_policies: &'a BTreeMap<String, TimePolicy>,
}

/// A channel that may be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// Whether it is recorded.
    pub audit: bool,
    /// Name of the content policy.
    pub content_policy: Option<String>,
    /// What may be done to files.
    pub operations: BTreeSet<Operation>,
    /// Whether somebody must agree before it is opened.
    pub four_eyes: bool,
    /// Whether a channel in which an SSH connection begins is closed.
    pub refuse_nested_ssh: bool,
}

/// A channel that may not.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Refused {
    /// No line names the kind.
    #[error("{kind} is not allowed here: ask your administrator", kind = .kind.policy_word())]
    Kind {
        /// What was asked for.
        kind: Kind,
    },
    /// Lines name the kind, and none of them this user, time, command or server.
    #[error("{kind} {what} is not allowed for you here and now: ask your administrator", kind = .kind.policy_word())]
    Conditions {
        /// What was asked for.
        kind: Kind,
        /// Command or server, as far as it can be shown.
        what: String,
    },
}

/// Whether a channel may be opened, and how it is watched.
///
/// # Errors
/// When no line of the policy fits.
pub fn decide(policy: &[Channel], asked: &Asked<'_>, situation: &Situation<'_>) -> Result<Allowed, Refused> {
    let word = asked.kind.policy_word();
    let of_kind = || policy.iter().filter(|line| line.kind == word);
    if let Some(line) = of_kind().find(|line| fits(line, asked, situation)) {
        return Ok(Allowed {
            audit: line.audit,
            content_policy: line.content_policy.clone(),
            operations: operations(line),
            four_eyes: line.four_eyes,
            refuse_nested_ssh: line.refuse_nested_ssh,
        });
    }
    if of_kind().next().is_none() {
        return Err(Refused::Kind { kind: asked.kind });
    }
    let what = match (asked.command, asked.server) {
        (Some(command), _) => shown(command),
        (None, Some((host, port))) => format!("{}:{port}", shown(host)),
        (None, None) => String::new(),
    };
    Err(Refused::Conditions {
        kind: asked.kind,
        what,
    })
}

fn fits(line: &Channel, asked: &Asked<'_>, situation: &Situation<'_>) -> bool {
    let from = line.from.is_empty()
        || line
            .from
            .iter()
            .any(|network| network.contains(&situation.client));
    // A list or policy that is gone fits nobody.
    let user = line.user_list.as_ref().is_none_or(|name| {
        let list = situation.user_lists.get(name);
        list.is_some_and(|list| is_listed(list, situation.user, situation.groups))
    });
    let time = line.time_policy.as_ref().is_none_or(|name| {
        let policy = situation.time_policies.get(name);
        policy.is_some_and(|policy| is_within(policy, situation.now))
    });
    from && user && time && fits_command(line, asked) && fits_server(line, asked)
}

fn fits_command(line: &Channel, asked: &Asked<'_>) -> bool {
    if line.commands.is_empty() {
        return true;
    }
    let Some(command) = asked.command else {
        return false;
    };
    line.commands.iter().any(|pattern| {
        RegexBuilder::new(&format!(r"\A(?:{pattern})\z"))
            .size_limit(EXPRESSION)
            .build()
            .is_ok_and(|expression| expression.is_match(command))
    })
}

fn fits_server(line: &Channel, asked: &Asked<'_>) -> bool {
    if line.servers.is_empty() {
        return true;
    }
    let Some((host, port)) = asked.server else {
        return false;
    };
    Host::parse(host).is_ok_and(|host| permits_named(&line.servers, &host, port))
}

fn operations(line: &Channel) -> BTreeSet<Operation> {
    let named = |word: &str| line.operations.is_empty() || line.operations.iter().any(|name| name == word);
    Operation::ALL
        .into_iter()
        .filter(|(word, _)| named(word))
        .map(|(_, operation)| operation)
        .collect()
}

#[cfg(test)]
mod tests {
    use sps_cluster_config::sections::connections::InbandTarget;

    use super::*;

    fn line(kind: &str) -> Channel {
        Channel {
            kind: kind.into(),
            audit: true,
            ..Channel::default()
        }
    }

    fn asked(kind: Kind) -> Asked<'static> {
        Asked {
            kind,
            command: None,
            server: None,
        }
    }

    struct World {
        lists: BTreeMap<String, UserList>,
        times: BTreeMap<String, TimePolicy>,
    }

    impl World {
        fn new() -> Self {
            let only = UserList {
                allow: false,
                except: vec!["alice".into()],
            };
            let monday = TimePolicy {
                days: [("monday".to_owned(), vec!["08:00-18:00".to_owned()])].into(),
            };
            Self {
                lists: [("admins".to_owned(), only)].into(),
                times: [("office".to_owned(), monday)].into(),
            }
        }

        fn by<'a>(&'a self, user: &'a str, day: u8) -> Situation<'a> {
            Situation {
                client: "10.1.2.3".parse().unwrap(),
                user: Some(user),
                groups: &[],
                now: Moment { day, minute: 600 },
                user_lists: &self.lists,
                time_policies: &self.times,
            }
        }
    }

    #[test]
    fn what_no_line_names_is_refused() {
        let world = World::new();
        let situation = world.by("alice", 0);
        for (_, kind) in Kind::ALL {
            assert_eq!(decide(&[], &asked(kind), &situation), Err(Refused::Kind { kind }));
            let found = decide(&[line(kind.policy_word())], &asked(kind), &situation).unwrap();
            assert!(found.audit);
            assert_eq!(found.operations.len(), 4);
        }
        assert!(decide(&[line("unheard-of")], &asked(Kind::Shell), &situation).is_err());
    }

    #[test]
    fn client_user_and_time_must_all_fit() {
        let world = World::new();
        let strict = Channel {
            from: vec!["10.0.0.0/8".parse().unwrap()],
            user_list: Some("admins".into()),
            time_policy: Some("office".into()),
            ..line("shell")
        };
        let allowed = |policy: &[Channel], situation: &Situation<'_>| {
            decide(policy, &asked(Kind::Shell), situation).is_ok()
        };
        let policy = [strict.clone()];
        assert!(allowed(&policy, &world.by("alice", 0)));
        assert!(!allowed(&policy, &world.by("bob", 0)));
        assert!(!allowed(&policy, &world.by("alice", 1)));
        let elsewhere = Situation {
            client: "192.0.2.1".parse().unwrap(),
            ..world.by("alice", 0)
        };
        assert!(!allowed(&policy, &elsewhere));
        let gone = Channel {
            user_list: Some("removed".into()),
            ..line("shell")
        };
        assert!(!allowed(&[gone], &world.by("alice", 0)));
    }

    #[test]
    fn the_first_line_that_fits_says_how_it_is_watched() {
        let world = World::new();
        let policy = [
            Channel {
                user_list: Some("admins".into()),
                audit: false,
                ..line("shell")
            },
            Channel {
                content_policy: Some("commands".into()),
                four_eyes: true,
                ..line("shell")
            },
        ];
        let alice = decide(&policy, &asked(Kind::Shell), &world.by("alice", 0)).unwrap();
        assert!(!alice.audit && !alice.four_eyes);
        let bob = decide(&policy, &asked(Kind::Shell), &world.by("bob", 0)).unwrap();
        assert!(bob.audit && bob.four_eyes);
        assert_eq!(bob.content_policy.as_deref(), Some("commands"));
    }

    #[test]
    fn commands_are_matched_whole() {
        let world = World::new();
        let policy = [Channel {
            commands: vec!["uptime".into(), "df( -h)?".into()],
            ..line("exec")
        }];
        let run = |command| {
            let asked = Asked {
                command: Some(command),
                ..asked(Kind::Exec)
            };
            decide(&policy, &asked, &world.by("alice", 0)).is_ok()
        };
        assert!(run("uptime") && run("df") && run("df -h"));
        for command in [
            "uptime; rm -rf /",
            "uptime\nrm",
            "df -h /",
            "UPTIME",
            " uptime",
            "",
        ] {
            assert!(!run(command), "{command:?}");
        }
        let broken = [Channel {
            commands: vec!["(".into()],
            ..line("exec")
        }];
        let any = Asked {
            command: Some("("),
            ..asked(Kind::Exec)
        };
        assert!(decide(&broken, &any, &world.by("alice", 0)).is_err());
    }

    #[test]
    fn forwards_go_where_the_policy_says() {
        let world = World::new();
        let policy = [Channel {
            servers: vec![InbandTarget {
                host: "db.example.com".into(),
                port: Some(5432),
            }],
            ..line("local-forward")
        }];
        let to = |host, port| {
            let asked = Asked {
                server: Some((host, port)),
                ..asked(Kind::LocalForward)
            };
            decide(&policy, &asked, &world.by("alice", 0)).is_ok()
        };
        assert!(to("db.example.com", 5432) && to("DB.example.com.", 5432));
        assert!(!to("db.example.com", 22) && !to("127.0.0.1", 5432) && !to("db_example", 5432));
    }

    #[test]
    fn copies_by_scp_are_told_from_commands() {
        for command in [
            "scp -t /tmp",
            "scp -f .ssh/config",
            "/usr/bin/scp -r -p -t -- dir",
            "scp -rpt .",
        ] {
            assert_eq!(Kind::of_command(command), Kind::Scp, "{command}");
        }
        for command in [
            "scp -t /tmp; id",
            "scp -t $(id)",
            "scp a b",
            "scp -S id -t .",
            "scp -oProxyCommand=id -t .",
            "scp -t `id`",
            "scp -t .\nid",
            "rsync --server",
            "id",
            "",
            "scp",
            "scp -t \"x\"",
            "scp -t . | id",
            "scp -t . > x",
        ] {
            assert_eq!(Kind::of_command(command), Kind::Exec, "{command:?}");
        }
    }

    #[test]
    fn operations_on_files_are_as_named() {
        let world = World::new();
        let policy = [Channel {
            operations: vec!["read".into(), "list".into()],
            ..line("sftp")
        }];
        let found = decide(&policy, &asked(Kind::Sftp), &world.by("alice", 0)).unwrap();
        assert_eq!(found.operations, [Operation::Read, Operation::List].into());
    }
}
