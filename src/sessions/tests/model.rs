//! Random operations against a list in memory: the same answers for every filter, every order, paging both ways.
//!
//! `SEED=number cargo test -p sps-sessions --test model` repeats a failure.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod common;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use common::{CLIENTS, Dice, PROTOCOLS, TARGETS, TEXTS, USERS, VERDICTS};
use sps_session_record::{SessionRecord, Word};
use sps_sessions::{Batch, Change, Count, Filter, LAST, Search, Sessions, Sort, SortBy};

const LIMIT: Duration = Duration::from_secs(60);
const SORTS: [SortBy; 6] = [
    SortBy::Start,
    SortBy::GatewayUser,
    SortBy::ServerUser,
    SortBy::Target,
    SortBy::Client,
    SortBy::Server,
];

#[derive(Default)]
struct Model {
    /// Records, and whether the appliance wrote them itself.
    records: BTreeMap<String, (SessionRecord, bool)>,
}

fn clamped(record: &SessionRecord) -> i64 {
    record.start.clamp(0, LAST)
}

/// What a list is sorted by, as text that sorts the same; missing values first.
fn value(record: &SessionRecord, by: SortBy) -> Option<Vec<u8>> {
    let text = |text: &Option<String>| text.as_ref().map(|text| text.clone().into_bytes());
    let address = |address: &str| match address.parse().unwrap() {
        IpAddr::V4(v4) => [&[4][..], &v4.octets()].concat(),
        IpAddr::V6(v6) => [&[6][..], &v6.octets()].concat(),
    };
    match by {
        SortBy::Start => None,
        SortBy::GatewayUser => text(&record.gateway_user),
        SortBy::ServerUser => text(&record.server_user),
        SortBy::Target => text(&record.target),
        SortBy::Client => Some(address(&record.client.address)),
        SortBy::Server => record.server.as_ref().map(|server| address(&server.address)),
    }
}

fn matches(record: &SessionRecord, filter: &Filter) -> bool {
    fn is<T: PartialEq>(wanted: &Option<T>, found: Option<&T>) -> bool {
        wanted.as_ref().is_none_or(|wanted| Some(wanted) == found)
    }
    let within = |network: &Option<sps_sessions::Network>, address: Option<&String>| {
        network
            .is_none_or(|network| address.is_some_and(|address| network.contains(address.parse().unwrap())))
    };
    let text = |wanted: &String| {
        let wanted = wanted.to_ascii_lowercase();
        let mut events = record.events.iter();
        events.any(|event| event.text.to_ascii_lowercase().contains(&wanted))
    };
    filter
        .from
        .is_none_or(|from| clamped(record) >= from.clamp(0, LAST))
        && filter
            .until
            .is_none_or(|until| until > i64::MIN && clamped(record) <= (until - 1).clamp(0, LAST))
        && is(&filter.protocol, Some(&record.protocol))
        && is(&filter.connection, Some(&record.connection))
        && is(&filter.verdict, Some(&record.verdict))
        && is(&filter.indexing, Some(&record.indexing.state))
        && is(&filter.has_trail, Some(&record.trail.is_some()))
        && is(&filter.gateway_user, record.gateway_user.as_ref())
        && is(&filter.server_user, record.server_user.as_ref())
        && is(&filter.target, record.target.as_ref())
        && within(&filter.client, Some(&record.client.address))
        && within(
            &filter.server,
            record.server.as_ref().map(|server| &server.address),
        )
        && filter.text.as_ref().is_none_or(text)
}

fn random_filter(dice: &mut Dice) -> Filter {
    let mut filter = Filter::default();
    let time = |dice: &mut Dice| 1_700_000_000_000 + dice.below(44) as i64 - 2;
    let networks = [
        "192.0.2.0/24",
        "192.0.0.0/16",
        "0.0.0.0/0",
        "::/0",
        "2001:db8::/48",
        CLIENTS[0],
        CLIENTS[3],
    ];
    let text = |dice: &mut Dice, of: &[&str]| Some(dice.one(of).to_string());
    for _ in 0..dice.below(4) {
        match dice.below(13) {
            0 => filter.from = Some(if dice.below(5) == 0 { 0 } else { time(dice) }),
            1 => filter.until = Some(if dice.below(5) == 0 { i64::MIN } else { time(dice) }),
            2 => filter.protocol = Some(dice.one(&PROTOCOLS).clone()),
            3 => filter.connection = text(dice, &["linux", "none"]),
            4 => filter.verdict = Some(dice.one(&VERDICTS).clone()),
            5 => filter.indexing = Some(Word::INDEXED),
            6 => filter.has_trail = Some(dice.may()),
            7 => filter.gateway_user = text(dice, &USERS),
            8 => filter.server_user = text(dice, &USERS),
            9 => filter.target = text(dice, &TARGETS),
            10 => filter.client = Some(dice.one(&networks).parse().unwrap()),
            11 => filter.server = Some(dice.one(&networks).parse().unwrap()),
            _ => filter.text = text(dice, &TEXTS),
        }
    }
    filter
}

impl Model {
    fn import(&mut self, records: &[SessionRecord]) -> usize {
        let before = self.records.len();
        for record in records {
            let entry = self.records.entry(record.id.clone());
            entry.or_insert_with(|| (record.clone(), false));
        }
        self.records.len() - before
    }

    fn begin(&mut self, record: &SessionRecord) {
        if !self.records.get(&record.id).is_some_and(|(_, live)| *live) {
            self.records.insert(record.id.clone(), (record.clone(), true));
        }
    }

    fn change(&mut self, id: &str, change: &Change) {
        let Some((record, live)) = self.records.get_mut(id) else {
            return;
        };
        *live = true;
        match change.clone() {
            Change::GatewayUser(user) => record.gateway_user = Some(user),
            Change::ServerUser(user) => record.server_user = Some(user),
            Change::Server { target, server } => (record.target, record.server) = (target, Some(server)),
            Change::ChannelOpened(channel) => record.channels.push(channel),
            Change::ChannelClosed { channel, end } => {
                if let Some(channel) = record.channels.get_mut(channel as usize) {
                    channel.end = Some(end);
                }
            }
            Change::Event(event) => record.events.push(event),
            Change::Trail(trail) => record.trail = Some(trail),
            Change::Indexing(indexing) => record.indexing = indexing,
            Change::Closed { end, verdict, trail } => {
                (record.end, record.verdict, record.trail) = (Some(end), verdict, trail);
            }
        }
    }

    fn delete_before(&mut self, before: i64) -> usize {
        let size = self.records.len();
        self.records
            .retain(|_, (record, _)| before == i64::MIN || clamped(record) > (before - 1).clamp(0, LAST));
        size - self.records.len()
    }
}

fn random_change(dice: &mut Dice, id: &str) -> Change {
    let sample = common::session(dice, id);
    match dice.below(9) {
        0 => Change::GatewayUser(dice.one(&USERS).to_string()),
        1 => Change::ServerUser(dice.one(&USERS).to_string()),
        2 => Change::Server {
            target: sample.target,
            server: common::endpoint(dice),
        },
        3 => Change::ChannelOpened(sps_session_record::Channel {
            kind: "drawing".try_into().unwrap(),
            start: 7,
            end: None,
            verdict: Word::ACCEPT,
        }),
        4 => Change::ChannelClosed {
            channel: dice.below(4) as u32,
            end: 9,
        },
        5 => Change::Event(common::event(dice, 3)),
        6 => Change::Trail(common::trail(id)),
        7 => Change::Indexing(sample.indexing),
        _ => Change::Closed {
            end: 77,
            verdict: sample.verdict,
            trail: sample.trail,
        },
    }
}

/// A few random operations on both.
fn operate(dice: &mut Dice, sessions: &Sessions, model: &mut Model) {
    for _ in 0..30 {
        let id = format!("s{}", dice.below(80));
        match dice.below(10) {
            0..4 => {
                let count = dice.below(12);
                let records: Vec<_> = (0..count)
                    .map(|_| {
                        let id = format!("s{}", dice.below(80));
                        common::session(dice, &id)
                    })
                    .collect();
                let added = model.import(&records);
                let known = records.len() - added;
                sessions.flush(LIMIT).unwrap();
                let batch = Batch {
                    records,
                    ..Batch::default()
                };
                let imported = sessions.import(batch).unwrap();
                assert_eq!((imported.added, imported.known), (added, known));
            }
            4..6 => {
                let record = common::session(dice, &id);
                model.begin(&record);
                sessions.begin(record).unwrap();
            }
            6..9 => {
                let change = random_change(dice, &id);
                model.change(&id, &change);
                sessions.update(&id, change).unwrap();
            }
            _ => {
                sessions.flush(LIMIT).unwrap();
                let before = 1_700_000_000_000 + dice.below(12) as i64;
                let mut deleted = 0;
                loop {
                    let step = sessions.delete_before(before, 2).unwrap();
                    deleted += step.sessions;
                    if !step.more {
                        break;
                    }
                }
                assert_eq!(deleted, model.delete_before(before));
            }
        }
    }
    sessions.flush(LIMIT).unwrap();
}

/// All pages of a list, from the first to the last, and back again.
fn pages(sessions: &Sessions, filter: &Filter, sort: Sort, limit: usize) -> Vec<String> {
    let mut search = Search {
        filter: filter.clone(),
        sort,
        limit,
        cursor: None,
        time_limit: LIMIT,
    };
    let mut forth = Vec::new();
    loop {
        let page = sessions.page(&search).unwrap();
        assert!(!page.cut && page.sessions.len() <= limit);
        assert_eq!(
            page.previous.is_some(),
            search.cursor.is_some() && !page.sessions.is_empty()
        );
        forth.push(
            page.sessions
                .into_iter()
                .map(|session| session.id)
                .collect::<Vec<_>>(),
        );
        search.cursor = page.previous;
        let Some(next) = page.next else { break };
        search.cursor = Some(next);
    }
    let mut back = vec![forth.last().unwrap().clone()];
    while search.cursor.is_some() {
        let page = sessions.page(&search).unwrap();
        back.push(page.sessions.into_iter().map(|session| session.id).collect());
        search.cursor = page.previous;
    }
    back.reverse();
    assert_eq!(back.concat(), forth.concat());
    forth.concat()
}

fn compare(dice: &mut Dice, sessions: &Sessions, model: &Model) {
    let records = || model.records.values().map(|(record, _)| record);
    for record in records() {
        assert_eq!(sessions.get(&record.id).unwrap().as_ref(), Some(record));
    }
    assert_eq!(sessions.get("s99").unwrap(), None);
    let walked: Vec<SessionRecord> = sessions.records().map(Result::unwrap).collect();
    assert!(walked.is_sorted_by_key(clamped));
    assert_eq!(walked.len(), model.records.len());
    for _ in 0..40 {
        let filter = random_filter(dice);
        let sort = Sort {
            by: *dice.one(&SORTS),
            descending: dice.may(),
        };
        let wanted: BTreeMap<&str, &SessionRecord> = records()
            .filter(|record| {
                let wanted = matches(record, &filter);
                // Times out of the database's range are another matter there.
                if (0..=LAST).contains(&record.start) {
                    assert_eq!(filter.matches(record), wanted, "{filter:?} {record:?}");
                }
                wanted
            })
            .map(|record| (record.id.as_str(), record))
            .collect();
        let limit = 1 + dice.below(20) as usize;
        let found = pages(sessions, &filter, sort, limit);
        let known = found.iter().filter(|id| wanted.contains_key(id.as_str())).count();
        assert_eq!(
            (known, found.len()),
            (wanted.len(), wanted.len()),
            "{filter:?} {sort:?}"
        );
        let place = |id: &String| {
            let record = wanted[id.as_str()];
            let newest = if sort.by == SortBy::Start {
                clamped(record)
            } else {
                -clamped(record)
            };
            (value(record, sort.by), newest)
        };
        let in_order = found.is_sorted_by(|a, b| {
            let (a, b) = (place(a), place(b));
            if sort.descending { a >= b } else { a <= b }
        });
        assert!(in_order, "{filter:?} {sort:?}: {found:?}");
        let count = sessions.count(&filter, LIMIT).unwrap();
        assert_eq!(count, Count::Exactly(wanted.len() as u64), "{filter:?}");
    }
}

#[test]
fn the_same_answers_as_a_list_in_memory() {
    let seeds = std::env::var("SEED").map_or((1..=6).collect(), |seed| vec![seed.parse().unwrap()]);
    for seed in seeds {
        println!("SEED={seed} cargo test -p sps-sessions --test model");
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sessions.db");
        let (mut dice, mut model) = (Dice(seed), Model::default());
        let mut sessions = Sessions::open(&file).unwrap();
        for round in 0..6 {
            operate(&mut dice, &sessions, &mut model);
            if round == 3 {
                sessions.close(LIMIT).unwrap();
                sessions = Sessions::open(&file).unwrap();
            }
            compare(&mut dice, &sessions, &model);
        }
        sessions.check(LIMIT).unwrap();
    }
}
