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
    let oldest = made::NEWEST - rows as i64 * made::APART;
    let span = made::NEWEST - oldest;
    let day = move |variant: u64| oldest + span / 10 * (variant as i64 + 1);
    let newest = Sort::default();
    let oldest_first = Sort {
        descending: false,
        ..newest
    };
    let none = Filter::default;
    let user = |variant| Some(format!("user{}", spread(variant, 2000)));
    vec![
        ("everything", Box::new(move |_| none()), newest),
        (
            "everything, oldest first",
            Box::new(move |_| none()),
            oldest_first,
        ),
        (
            "one user",
            Box::new(move |v| Filter {
                gateway_user: user(v),
                ..none()
            }),
            newest,
        ),
        (
            "one user in one day",
            Box::new(move |v| Filter {
                gateway_user: user(v),
                from: Some(day(v)),
                until: Some(day(v) + 86_400_000),
                ..none()
            }),
            newest,
        ),
        (
            "one user on one server",
            Box::new(move |v| Filter {
                gateway_user: user(v),
                server: network(&format!("172.16.{}.7", v * 2)),
                ..none()
            }),
            newest,
        ),
        (
            "two common users of gateway and server, and a target",
            Box::new(move |v| Filter {
                gateway_user: Some(format!("user{v}")),
                server_user: Some(format!("account{v}")),
                target: Some(format!("db{v}.example.com")),
                ..none()
            }),
            newest,
        ),
        (
            "one user, terminated, over VNC",
            Box::new(move |v| Filter {
                gateway_user: user(v),
                protocol: Some(Word::VNC),
                verdict: Some(Word::TERMINATED),
                ..none()
            }),
            newest,
        ),
        (
            "rare verdict and protocol",
            Box::new(move |_| Filter {
                protocol: Some(Word::VNC),
                verdict: Some(Word::TERMINATED),
                ..none()
            }),
            newest,
        ),
        (
            "clients of a small network",
            Box::new(move |v| Filter {
                client: network(&format!("10.{}.{}.0/24", v % 4, v)),
                ..none()
            }),
            newest,
        ),
        (
            "clients of a large network on one server",
            Box::new(move |v| Filter {
                client: network("10.3.0.0/16"),
                server: network(&format!("172.16.{}.9", v * 2)),
                ..none()
            }),
            newest,
        ),
        (
            "one user from a small network without a trail",
            Box::new(move |v| Filter {
                gateway_user: user(v),
                client: network(&format!("10.{}.{}.0/24", v % 4, v)),
                has_trail: Some(false),
                ..none()
            }),
            newest,
        ),
        (
            "sessions without a trail",
            Box::new(move |_| Filter {
                has_trail: Some(false),
                ..none()
            }),
            newest,
        ),
        (
            "a common text",
            Box::new(move |_| Filter {
                text: Some("systemctl RESTART".into()),
                ..none()
            }),
            newest,
        ),
        (
            "a rare text of one rare user",
            Box::new(move |v| Filter {
                gateway_user: Some(format!("user{}", 1999 - v)),
                text: Some("shred".into()),
                ..none()
            }),
            newest,
        ),
        (
            "a user nobody has",
            Box::new(move |_| Filter {
                target: Some("nowhere".into()),
                ..none()
            }),
            newest,
        ),
    ]
}
