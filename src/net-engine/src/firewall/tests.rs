//! The rules that come of facts.

use super::*;
use crate::ports::{PORTS, SSH};

fn rescue(ssh: Wanted) -> Facts {
    Facts {
        rescue: true,
        sealed: false,
        password: true,
        rescue_ssh: ssh,
        firmware_ssh: false,
        heartbeat: Wanted::None,
        interfaces: ["eth1", "eth0", "eth2"].map(String::from).to_vec(),
        sessions: Vec::new(),
        diverted: Vec::new(),
        foreign_source: false,
        indexers: None,
    }
}

/// Interfaces on which the ruleset opens SSH; `*` for all of them.
fn ssh_open(facts: &Facts) -> Vec<String> {
    let ruleset = rules(PORTS, facts);
    let opening = ruleset.chains[0].rules.iter().filter(|rule| {
        let ssh = |m: &Match| matches!(m, Match::Port { to, .. } if *to == SSH.number);
        rule.matches.iter().any(ssh)
    });
    opening
        .map(|rule| match &rule.matches[0] {
            Match::Interface(name) => name.clone(),
            _ => "*".into(),
        })
        .collect()
}

#[test]
fn an_ordinary_appliance() {
    insta::assert_snapshot!(rules(PORTS, &Facts::default()));
}

#[test]
fn external_indexers_come_by_the_port_that_is_set_and_by_none_while_they_are_off() {
    let opened = |indexers| {
        let facts = Facts {
            indexers,
            ..Facts::default()
        };
        let ruleset = rules(PORTS, &facts);
        let rule = ruleset.chains[0]
            .rules
            .iter()
            .find(|rule| rule.name == "indexers")?;
        rule.matches.iter().find_map(|what| match what {
            Match::Port { to, .. } => Some(*to),
            _ => None,
        })
    };
    assert_eq!(
        [None, Some(12_345), Some(999)].map(opened),
        [None, Some(12_345), Some(999)]
    );
}

#[test]
fn ports_of_connection_policies_are_open_everywhere() {
    let facts = Facts {
        sessions: vec![2222, 22],
        ..Facts::default()
    };
    let opened: Vec<String> = rules(PORTS, &facts).opened().map(ToOwned::to_owned).collect();
    assert!(opened.contains(&"sessions on port 2222".to_owned()), "{opened:?}");
    assert_eq!(ssh_open(&facts), ["*"]);
    let many = Facts {
        sessions: (1..=u16::MAX).collect(),
        ..Facts::default()
    };
    let opened = rules(PORTS, &many)
        .opened()
        .filter(|name| name.starts_with("sessions"))
        .count();
    assert_eq!(opened, MOST_SESSION_PORTS);
}

fn prerouting(facts: &Facts) -> String {
    let mut ruleset = rules(PORTS, facts);
    ruleset.chains.retain(|chain| chain.hook == Hook::Prerouting);
    ruleset.to_string()
}

fn diverted(to: &str, port: u16) -> Diverted {
    Diverted {
        to: to.parse().unwrap(),
        port,
    }
}

#[test]
fn connections_to_others_are_taken_up_where_policies_say_so() {
    let facts = Facts {
        sessions: vec![22],
        diverted: vec![
            diverted("10.20.0.7/16", 22),
            diverted("192.0.2.128/25", 22),
            diverted("198.51.100.1/32", 2222),
            diverted("fd20::/16", 22),
            diverted("2001:db8::/33", 22),
            diverted("0.0.0.0/0", 2022),
            diverted("::/0", 2022),
            diverted("10.20.0.7/16", 22),
        ],
        ..Facts::default()
    };
    insta::assert_snapshot!(prerouting(&facts));
    let spoofing = Facts {
        foreign_source: true,
        ..Facts::default()
    };
    insta::assert_snapshot!(prerouting(&spoofing));
    assert!(!Facts::default().has_foreign() && facts.has_foreign() && spoofing.has_foreign());
    let many = Facts {
        diverted: (1..=u16::MAX).map(|port| diverted("10.0.0.0/8", port)).collect(),
        ..Facts::default()
    };
    assert_eq!(rules(PORTS, &many).chains[2].rules.len(), 1 + MOST_DIVERTED);
}

#[test]
fn a_pair_in_rescue() {
    let facts = Facts {
        heartbeat: Wanted::Named(vec!["eth2".into()]),
        ..rescue(Wanted::Named(vec!["eth1".into(), "eth0".into()]))
    };
    insta::assert_snapshot!(rules(PORTS, &facts));
}

#[test]
fn ssh_is_open_in_rescue_where_the_setting_says_and_nowhere_else() {
    assert_eq!(ssh_open(&rescue(Wanted::All)), ["*"]);
    assert_eq!(ssh_open(&rescue(Wanted::First)), ["eth0"]);
    assert_eq!(ssh_open(&rescue(Wanted::None)), [""; 0]);
    let gone = rescue(Wanted::Named(vec!["eth1".into(), "eth7".into()]));
    assert_eq!(ssh_open(&gone), ["eth1", "eth7"], "a card may come later");
    for change in [
        |facts: &mut Facts| facts.rescue = false,
        |facts: &mut Facts| facts.sealed = true,
        |facts: &mut Facts| facts.password = false,
    ] {
        let mut facts = rescue(Wanted::All);
        change(&mut facts);
        assert_eq!(ssh_open(&facts), [""; 0], "{facts:?}");
    }
}

#[test]
fn for_firmware_ssh_is_open_outside_rescue_and_never_sealed() {
    let open = Facts {
        firmware_ssh: true,
        ..Facts::default()
    };
    assert_eq!(ssh_open(&open), ["*"]);
    let sealed = Facts {
        sealed: true,
        ..open.clone()
    };
    assert_eq!(ssh_open(&sealed), [""; 0]);
    // Rescue has a setting of its own.
    let in_rescue = Facts {
        firmware_ssh: true,
        ..rescue(Wanted::None)
    };
    assert_eq!(ssh_open(&in_rescue), [""; 0]);
}

#[test]
fn what_is_open_is_told_by_name() {
    let ruleset = rules(PORTS, &rescue(Wanted::First));
    let opened: Vec<_> = ruleset.opened().collect();
    assert_eq!(opened, ["ssh on eth0", "http", "https", "dhcp-client"]);
}

#[test]
fn without_an_interface_the_first_is_none() {
    let facts = Facts {
        interfaces: Vec::new(),
        ..rescue(Wanted::First)
    };
    assert_eq!(ssh_open(&facts), [""; 0]);
}

#[test]
fn names_cannot_break_the_rules_or_flood_them() {
    let bad = ["", "a\"b", "a b", "sixteen-letters!", "\u{fc}"];
    let facts = rescue(Wanted::Named(bad.map(String::from).to_vec()));
    assert_eq!(ssh_open(&facts), [""; 0]);
    let many = (0..1000).map(|n| format!("eth{n}")).collect();
    assert_eq!(ssh_open(&rescue(Wanted::Named(many))).len(), MOST_INTERFACES);
}

#[test]
fn every_chain_drops_what_no_rule_lets_in_and_counts_it() {
    let ruleset = rules(PORTS, &rescue(Wanted::All));
    assert_eq!(ruleset.chains.len(), 3);
    for chain in ruleset
        .chains
        .into_iter()
        .filter(|chain| chain.hook != Hook::Prerouting)
    {
        assert_eq!(chain.policy, Verdict::Drop);
        let last = chain.rules.last().unwrap();
        assert_eq!((last.verdict, last.counted), (Verdict::Drop, true));
        assert_eq!(last.matches, []);
    }
}

#[test]
fn every_accepting_rule_of_a_port_is_of_the_table() {
    let facts = Facts {
        heartbeat: Wanted::All,
        indexers: Some(12_345),
        ..rescue(Wanted::All)
    };
    let opened: Vec<(Protocol, u16)> = rules(PORTS, &facts)
        .chains
        .iter()
        .flat_map(|chain| &chain.rules)
        .flat_map(|rule| &rule.matches)
        .filter_map(|m| match m {
            Match::Port { protocol, to, .. } => Some((*protocol, *to)),
            _ => None,
        })
        .collect();
    let documented: Vec<_> = PORTS.iter().map(|port| (port.protocol, port.number)).collect();
    assert_eq!(opened, documented);
    assert_eq!(rules(&[], &facts).chains[1], rules(PORTS, &facts).chains[1]);
}
