//! What the kernel has after a ruleset was installed, as real `nft` reads it.

use sps_net::firewall::{FirewallError, counters};
use sps_net::{Diverted, Wanted};
use sps_net_engine::{Match, Rate, Ruleset};

use super::bench::{Bench, listed, nft, of, ordinary, rescue, transparent, without_numbers};

#[test]
fn the_kernel_has_the_rules_that_nft_makes_of_their_text() {
    let bench = Bench::new();
    let mut pair = rescue();
    pair.rescue_ssh = Wanted::All;
    pair.heartbeat = Wanted::Named(vec!["eth1".into(), "a-long-name-015".into()]);
    for facts in [ordinary(), rescue(), pair, transparent()] {
        let ruleset = of(&facts);
        bench.install(&ruleset).unwrap();
        nft(&bench.stranger, &format!("flush ruleset\n{ruleset}"));
        let (ours, theirs) = (bench.listed(), listed(&bench.stranger));
        assert!(ours["nftables"].as_array().unwrap().len() > 15, "{ours}");
        assert_eq!(
            without_numbers(ours),
            without_numbers(theirs),
            "other than nft makes of\n{ruleset}"
        );
    }
}

#[test]
fn rules_of_an_earlier_one_go_and_tables_of_others_stay() {
    let bench = Bench::new();
    bench.install(&of(&ordinary())).unwrap();
    let fresh = without_numbers(bench.listed());
    nft(
        &bench.host,
        "table inet sps {\n chain input { tcp dport 23 accept; }\n chain forward { accept; }\n}\n\
         insert rule inet sps input tcp dport 24 accept\n",
    );
    assert_ne!(without_numbers(bench.listed()), fresh);
    bench.install(&of(&ordinary())).unwrap();
    assert_eq!(without_numbers(bench.listed()), fresh);

    nft(
        &bench.host,
        "table ip others { chain own { tcp dport 25 drop; }\n}\n",
    );
    bench.install(&of(&ordinary())).unwrap();
    let listed = bench.listed().to_string();
    assert!(listed.contains("others") && listed.contains("25"), "{listed}");
}

#[test]
fn chains_that_stand_are_kept() {
    let bench = Bench::new();
    let chains = || {
        let listed = bench.listed();
        let entries = listed["nftables"].as_array().unwrap().iter();
        let handles = entries.filter_map(|entry| entry["chain"]["handle"].as_u64());
        handles.collect::<Vec<_>>()
    };
    bench.install(&of(&ordinary())).unwrap();
    let before = chains();
    assert_eq!(before.len(), 3);
    bench.install(&of(&rescue())).unwrap();
    assert_eq!(
        chains(),
        before,
        "a packet could pass between an old chain and a new one"
    );
}

/// A ruleset with one rule that no kernel takes.
fn impossible() -> Ruleset {
    let mut ruleset = of(&rescue());
    let rule = &mut ruleset.chains[0].rules[7];
    rule.name = "nothing a second".into();
    rule.at_most = Some(Rate {
        per_second: 0,
        burst: 0,
    });
    ruleset
}

#[test]
fn a_refused_batch_names_its_rule_and_leaves_the_former_rules_whole() {
    let bench = Bench::new();
    bench.install(&of(&ordinary())).unwrap();
    let before = bench.listed();
    let error = bench.install(&impossible()).unwrap_err();
    assert!(
        matches!(&error, FirewallError::Refused { source, .. } if source.raw_os_error().is_some()),
        "{error:?}"
    );
    assert_eq!(
        error.to_string(),
        "kernel refused the rule \"nothing a second\" of the chain input of the packet filter; the rules before it \
         stay in force"
    );
    // Handles and all: the very same rules.
    assert_eq!(bench.listed(), before);
}

#[test]
fn a_first_batch_that_is_refused_leaves_nothing() {
    let bench = Bench::new();
    bench.install(&impossible()).unwrap_err();
    assert_eq!(bench.listed()["nftables"].as_array().unwrap().len(), 0);
}

#[test]
fn the_largest_ruleset_is_answered_for_in_full() {
    let bench = Bench::new();
    let mut facts = rescue();
    let many: Vec<String> = (0..500).map(|number| format!("eth{number}")).collect();
    facts.rescue_ssh = Wanted::Named(many.clone());
    facts.heartbeat = Wanted::Named(many);
    facts.sessions = (1..=1000).collect();
    let network = |port| Diverted {
        to: "2001:db8::/33".parse().unwrap(),
        port,
    };
    facts.diverted = (1..=1000).map(network).collect();
    let ruleset = of(&facts);
    let interfaces = |rule: &sps_net_engine::Rule| matches!(rule.matches[..], [Match::Interface(_), _]);
    let named = ruleset.chains[0].rules.iter().filter(|rule| interfaces(rule));
    assert_eq!(named.count(), 64, "the bound on interfaces, twice");
    bench.install(&ruleset).unwrap();
}

#[test]
fn counters_are_read_by_name() {
    let bench = Bench::new();
    let ask = || bench.host.enter(counters).join().unwrap();
    assert_eq!(ask().unwrap(), [], "no table, no counters");
    bench.install(&of(&ordinary())).unwrap();
    let names: Vec<String> = ask().unwrap().into_iter().map(|counter| counter.rule).collect();
    assert_eq!(
        names,
        [
            "invalid",
            "http",
            "https",
            "dhcp-client",
            "everything else",
            "everything forwarded"
        ]
    );
    bench
        .stranger
        .enter(|| {
            let socket = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
            for _ in 0..5 {
                socket.send_to(b"x", "10.79.0.1:9").unwrap();
            }
        })
        .join()
        .unwrap();
    let dropped = ask()
        .unwrap()
        .into_iter()
        .find(|counter| counter.rule == "everything else");
    assert!(dropped.unwrap().packets >= 5);
}
