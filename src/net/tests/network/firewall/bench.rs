//! An appliance's namespace and a stranger's, with a cable between them and addresses of both families.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::process::Stdio;

use serde_json::Value;
use sps_net::firewall::{self, FirewallError};
use sps_net::ports::PORTS;
use sps_net::{Diverted, Facts, Wanted, rules};
use sps_net_engine::Ruleset;

use crate::lab::{Lab, Namespace};

/// The appliance's addresses.
pub(super) const V4: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 79, 0, 1));
pub(super) const V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0xfd79, 0, 0, 0, 0, 0, 0, 1));

/// The two ends.
pub(super) struct Bench {
    pub(super) lab: Lab,
    pub(super) host: Namespace,
    pub(super) stranger: Namespace,
}

impl Bench {
    pub(super) fn new() -> Self {
        let lab = Lab::new();
        let (host, stranger) = (lab.namespace("host"), lab.namespace("stranger"));
        lab.cable((&host, "eth0"), (&stranger, "out0"));
        host.ip("link set eth0 up");
        for (namespace, interface, last) in [(&host, "eth0", 1), (&stranger, "out0", 2)] {
            namespace.ip(&format!("addr add 10.79.0.{last}/24 dev {interface}"));
            namespace.ip(&format!("addr add fd79::{last}/64 dev {interface} nodad"));
        }
        Self { lab, host, stranger }
    }

    /// Puts a ruleset in force on the appliance.
    pub(super) fn install(&self, ruleset: &Ruleset) -> Result<(), FirewallError> {
        install_in(&self.host, ruleset)
    }

    /// What real `nft` says is in force on the appliance.
    pub(super) fn listed(&self) -> Value {
        listed(&self.host)
    }
}

pub(super) fn install_in(namespace: &Namespace, ruleset: &Ruleset) -> Result<(), FirewallError> {
    let ruleset = ruleset.clone();
    namespace
        .enter(move || firewall::install(&ruleset))
        .join()
        .unwrap()
}

/// Runs `nft` inside with this text as its input.
pub(super) fn nft(namespace: &Namespace, text: &str) {
    let mut command = namespace.command("nft");
    let mut child = command
        .args(["-f", "-"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("nft does not start ({error}): apt-get install nftables"));
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success(), "nft refuses:\n{text}");
}

/// What `nft` lists inside, without its own version.
pub(super) fn listed(namespace: &Namespace) -> Value {
    let mut command = namespace.command("nft");
    let output = command.args(["--json", "list", "ruleset"]).output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mut listed: Value = serde_json::from_slice(&output.stdout).unwrap();
    let list = listed["nftables"].as_array_mut().unwrap();
    list.retain(|entry| entry.get("metainfo").is_none());
    listed
}

/// The same without what differs from one time to the next: handles and counts.
pub(super) fn without_numbers(mut listed: Value) -> Value {
    fn clean(value: &mut Value) {
        match value {
            Value::Object(map) => {
                for passing in ["handle", "packets", "bytes"] {
                    map.remove(passing);
                }
                map.values_mut().for_each(clean);
            }
            Value::Array(list) => list.iter_mut().for_each(clean),
            _ => {}
        }
    }
    clean(&mut listed);
    listed
}

/// An appliance that does its work.
pub(super) fn ordinary() -> Facts {
    Facts {
        interfaces: vec!["eth0".into()],
        ..Facts::default()
    }
}

/// An appliance in rescue, with SSH where administrators are.
pub(super) fn rescue() -> Facts {
    Facts {
        rescue: true,
        password: true,
        rescue_ssh: Wanted::First,
        ..ordinary()
    }
}

/// An appliance that takes up connections to others.
pub(super) fn transparent() -> Facts {
    let diverted = |(to, port): (&str, u16)| Diverted {
        to: to.parse().unwrap(),
        port,
    };
    let networks = [
        ("10.20.0.0/16", 22),
        ("192.0.2.128/25", 22),
        ("198.51.100.1/32", 2222),
        ("0.0.0.0/0", 2022),
        ("fd20::/16", 22),
        ("2001:db8::/33", 22),
        ("2001:db8::1/128", 22),
        ("::/0", 2022),
    ];
    Facts {
        sessions: vec![22],
        diverted: networks.map(diverted).to_vec(),
        ..ordinary()
    }
}

/// The rules for these facts.
pub(super) fn of(facts: &Facts) -> Ruleset {
    rules(PORTS, facts)
}
