//! Host names of in-band destinations that no client can name any more.
//!
//! Source: upgrade guides of 6.3 and 7.0: since 6.1.0 names obey RFC 5890; of ASCII only letters, digits and hyphens. Judged by UTS 46 with
//! the STD3 rules, hyphens and lengths checked; addresses, networks and a `*` in front are no part of a name.

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};
use serde_json::Value;

use super::{Found, Subject};
use crate::finding::Severity;

/// The first layout of a version with this rule.
const SINCE: u32 = 3;
const PROTOCOLS: [(&str, &str); 3] = [("ssh", "SSH"), ("rdp", "RDP"), ("http", "HTTP")];

pub(super) fn check(subject: &Subject<'_>) -> Vec<Found> {
    if subject.to < SINCE {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (key, title) in PROTOCOLS {
        for (name, connection) in subject.listed(&format!("/connections/{key}/connections")) {
            let targets = connection
                .pointer("/destination/targets")
                .and_then(Value::as_array);
            let hosts = targets
                .into_iter()
                .flatten()
                .filter_map(|target| target.get("host")?.as_str());
            for host in hosts.filter(|host| !is_possible(host)) {
                found.push(Found::new(
                    Severity::Warning,
                    format!("{title} Control > Connections > {name} > Target"),
                    format!("the in-band destination {host:?} is no host name by RFC 5890: clients that name it are refused"),
                    "use only letters, digits and hyphens in each part of the name, or give the server another name",
                ));
            }
        }
    }
    found
}

fn is_possible(host: &str) -> bool {
    let address = host.split('/').next().unwrap_or_default();
    if address
        .trim_matches(['[', ']'])
        .parse::<std::net::IpAddr>()
        .is_ok()
        || host == "*"
    {
        return true;
    }
    let name = host.strip_prefix("*.").unwrap_or(host);
    Uts46::new()
        .to_ascii(
            name.as_bytes(),
            AsciiDenyList::STD3,
            Hyphens::Check,
            DnsLength::Verify,
        )
        .is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_by_the_letter_of_the_rule() {
        let long = "a".repeat(63);
        for fine in [
            "db1",
            "db-1.example.net",
            "*.example.net",
            "*",
            "192.0.2.0/24",
            "2001:db8::1",
            "[2001:db8::1]",
            "bücher.example",
            "xn--bcher-kva.example",
            &long,
        ] {
            assert!(is_possible(fine), "{fine}");
        }
        let too_long = "a".repeat(64);
        for wrong in [
            "",
            "db_1.example.net",
            "-db",
            "db-",
            "a..b",
            "db 1",
            "db*.example.net",
            "xn--a",
            "ab--cd",
            "a\u{202e}b",
            &too_long,
        ] {
            assert!(!is_possible(wrong), "{wrong}");
        }
    }
}
