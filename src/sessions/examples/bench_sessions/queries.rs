//! What people search for, in variants: common and rare values.

use sps_session_record::Word;
use sps_sessions::{Filter, Network, Sort};

use crate::made;

/// Variants of each query.
pub(crate) const VARIANTS: u64 = 8;

/// A query: its name, its filter by variant, its order.
pub(crate) type Query = (&'static str, Box<dyn Fn(u64) -> Filter>, Sort);

/// Of 2000 or any other number, the low ones being common: from the first to the last.
fn spread(variant: u64, of: u64) -> u64 {
    variant * (of - 1) / (VARIANTS - 1)
}

fn network(text: &str) -> Option<Network> {
    text.parse().ok()
}

/// All queries.
pub(crate) fn all(rows: u64) -> Vec<Query> {
    let mut queries = whole();
    queries.extend(of_one_user(rows));
    queries.extend(of_networks());
    queries.extend(of_texts());
    queries
}

fn newest(name: &'static str, filter: impl Fn(u64) -> Filter + 'static) -> Query {
    (name, Box::new(filter), Sort::default())
}

fn none() -> Filter {
    Filter::default()
}

fn user(variant: u64) -> Option<String> {
    Some(format!("user{}", spread(variant, 2000)))
}

/// Without a user or an address.
fn whole() -> Vec<Query> {
    let oldest_first = Sort {
        descending: false,
        ..Sort::default()
    };
    let rare = |_| Filter {
        protocol: Some(Word::VNC),
        verdict: Some(Word::TERMINATED),
        ..none()
    };
    let without_trail = |_| Filter {
        has_trail: Some(false),
        ..none()
    };
    let nobody = |_| Filter {
        target: Some("nowhere".into()),
        ..none()
    };
    vec![
        newest("everything", |_| none()),
        ("everything, oldest first", Box::new(|_| none()), oldest_first),
        newest("rare verdict and protocol", rare),
        newest("sessions without a trail", without_trail),
        newest("a target nobody has", nobody),
    ]
}

fn of_one_user(rows: u64) -> Vec<Query> {
    let oldest = made::NEWEST - rows as i64 * made::APART;
    let day = move |variant: u64| oldest + (made::NEWEST - oldest) / 10 * (variant as i64 + 1);
    let one_day = move |v| Filter {
        gateway_user: user(v),
        from: Some(day(v)),
        until: Some(day(v) + 86_400_000),
        ..none()
    };
    let one_server = |v| Filter {
        gateway_user: user(v),
        server: network(&format!("172.16.{}.7", v * 2)),
        ..none()
    };
    let common = |v| Filter {
        gateway_user: Some(format!("user{v}")),
        server_user: Some(format!("account{v}")),
        target: Some(format!("db{v}.example.com")),
        ..none()
    };
    let rare = |v| Filter {
        gateway_user: user(v),
        protocol: Some(Word::VNC),
        verdict: Some(Word::TERMINATED),
        ..none()
    };
    vec![
        newest("one user", |v| Filter {
            gateway_user: user(v),
            ..none()
        }),
        newest("one user in one day", one_day),
        newest("one user on one server", one_server),
        newest("common users of gateway and server, and a target", common),
        newest("one user, terminated, over VNC", rare),
    ]
}

fn of_networks() -> Vec<Query> {
    let small = |v: u64| network(&format!("10.{}.{}.0/24", v % 4, v));
    let clients = move |v| Filter {
        client: small(v),
        ..none()
    };
    let on_one_server = |v| Filter {
        client: network("10.3.0.0/16"),
        server: network(&format!("172.16.{}.9", v * 2)),
        ..none()
    };
    let of_one_user = move |v| Filter {
        gateway_user: user(v),
        client: small(v),
        has_trail: Some(false),
        ..none()
    };
    vec![
        newest("clients of a small network", clients),
        newest("clients of a large network on one server", on_one_server),
        newest("one user from a small network without a trail", of_one_user),
    ]
}

fn of_texts() -> Vec<Query> {
    let common = |_| Filter {
        text: Some("systemctl RESTART".into()),
        ..none()
    };
    let rare = |v| Filter {
        gateway_user: Some(format!("user{}", 1999 - v)),
        text: Some("shred".into()),
        ..none()
    };
    vec![
        newest("a common text", common),
        newest("a rare text of one rare user", rare),
    ]
}
