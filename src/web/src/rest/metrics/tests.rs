//! The text, read back by a parser that takes nothing but what the format allows, and by Prometheus's own where that is installed.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::process::{Command, Stdio};

use super::*;

fn words(words: &[&str]) -> ByWord {
    words
        .iter()
        .zip(1..)
        .map(|(word, count)| ((*word).to_owned(), count))
        .collect()
}

fn example() -> Figures {
    Figures {
        version: "1.2.3".into(),
        build: "odd \"name\"\\\n".into(),
        uptime: 12.5,
        load: [0.25, 1.0, 2.5],
        processors: 2,
        busy: 3.25,
        idle: 100.0,
        memory: MemoryFigures {
            total: 512 << 20,
            available: 256 << 20,
            resident: 40 << 20,
            stalled: 12.5,
        },
        store: Some(StoreFigures {
            total: 10 << 40,
            free: 9 << 40,
            changes_waiting: 3,
            late: 0.125,
            changes_written: 1000,
            to_index: Some(7),
            indexed: 12345,
        }),
        protocols: vec![ProtocolFigures {
            protocol: "ssh".into(),
            open: 9,
            logging_in: 2,
            cost: 1 << 20,
            taken: 20,
            refused: words(&["leaving", "memory"]),
            shed: 1,
            logins: 10,
            failed: words(&["gateway", "server"]),
            ended: words(&["accept", "terminated"]),
            channels: words(&["session-shell"]),
            denied: words(&["session-shell"]),
            from_clients: 100,
            from_servers: 10_000,
            waits: 4,
            waited: 0.5,
        }],
        trails: Some(TrailFigures {
            open: 8,
            waiting: 4096,
            written: 1 << 30,
            buckets: vec![(0.001, 1), (0.01, 5), (1.0, 6)],
            syncs: 7,
            syncing: 3.5,
        }),
    }
}

/// A name of the format.
fn is_name(text: &str) -> bool {
    let mut characters = text.chars();
    characters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && characters.all(|next| next.is_ascii_alphanumeric() || next == '_')
}

/// `name="text",…`, where a text has no bare quotation mark, backslash or line end.
fn labels_of(mut text: &str) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    while !text.is_empty() {
        let (name, rest) = text.split_once("=\"").expect("a label and its text");
        assert!(is_name(name), "{name:?}");
        let (mut value, mut end) = (String::new(), None);
        let mut characters = rest.char_indices();
        while let Some((place, next)) = characters.next() {
            match next {
                '"' => {
                    end = Some(place);
                    break;
                }
                '\\' => match characters.next().expect("something after a backslash").1 {
                    'n' => value.push('\n'),
                    escaped @ ('\\' | '"') => value.push(escaped),
                    other => panic!("\\{other} is no escape"),
                },
                other => value.push(other),
            }
        }
        assert!(labels.insert(name.to_owned(), value).is_none(), "{name} twice");
        text = &rest[end.expect("a closing quotation mark") + 1..];
        if !text.is_empty() {
            text = text.strip_prefix(',').expect("a comma");
            assert!(!text.is_empty(), "nothing after a comma");
        }
    }
    labels
}

/// A value by its name and labels. Every family has its help and type before it, stands in one place, and no series is there twice.
fn parsed(text: &str) -> BTreeMap<(String, BTreeMap<String, String>), f64> {
    assert!(text.ends_with('\n'));
    let (mut values, mut families) = (BTreeMap::new(), BTreeSet::new());
    let mut family: Option<(String, String)> = None;
    let mut helped = String::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            assert!(is_name(name) && !help.is_empty());
            helped = name.into();
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(helped == name && ["counter", "gauge", "histogram"].contains(&kind));
            assert!(families.insert(name.to_owned()), "{name} stands in two places");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{name} is a {kind}");
            family = Some((name.into(), kind.into()));
        } else {
            let (series, value) = line.rsplit_once(' ').unwrap();
            let (name, labels) = match series.split_once('{') {
                Some((name, labels)) => (name, labels_of(labels.strip_suffix('}').expect("a brace"))),
                None => (series, BTreeMap::new()),
            };
            let (own, kind) = family.as_ref().expect("a type before a value");
            let part = name.strip_prefix(own.as_str()).expect("a value of this family");
            assert!(part.is_empty() || kind == "histogram" && ["_bucket", "_sum", "_count"].contains(&part));
            let value: f64 = value.parse().unwrap();
            let before = values.insert((name.to_owned(), labels), value);
            assert!(before.is_none() && value.is_finite(), "{line}");
        }
    }
    values
}

#[test]
fn the_text_is_of_the_format_and_says_what_was_measured() {
    let values = parsed(&text(&example()));
    let of = |name: &str, labels: &[(&str, &str)]| {
        let labels = labels
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        values[&(name.to_owned(), labels.collect())]
    };
    let ssh = ("protocol", "ssh");
    assert_eq!(
        of(
            "sps_build_info",
            &[("version", "1.2.3"), ("build", "odd \"name\"\\\n")]
        ),
        1.0
    );
    assert_eq!(of("sps_sessions_open", &[ssh]), 9.0);
    assert_eq!(
        of("sps_sessions_refused_total", &[ssh, ("reason", "memory")]),
        2.0
    );
    assert_eq!(
        of("sps_session_bytes_total", &[ssh, ("from", "server")]),
        10_000.0
    );
    assert_eq!(of("sps_trail_sync_seconds_bucket", &[("le", "0.01")]), 5.0);
    assert_eq!(of("sps_trail_sync_seconds_bucket", &[("le", "+Inf")]), 7.0);
    assert_eq!(of("sps_trail_sync_seconds_count", &[]), 7.0);
    assert_eq!(of("sps_data_free_bytes", &[]), (9_u64 << 40) as f64);
    assert_eq!(of("sps_memory_stalled_ratio", &[]), 0.125);
    // Without a data store there is less, and it is still of the format.
    let less = parsed(&text(&Figures {
        store: None,
        trails: None,
        ..example()
    }));
    assert!(less.len() > 20 && less.len() < values.len());
}

#[test]
fn the_names_of_series_stay_as_they_are() {
    let text = text(&example());
    let types: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE sps_"))
        .collect();
    assert_eq!(types, include_str!("series.txt").lines().collect::<Vec<_>>());
}

/// `promtool` says more than a parser: about names and units too. It is not installed everywhere.
#[test]
fn prometheus_takes_it() {
    let check = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut check) = check else {
        return eprintln!("promtool is not installed (Debian: prometheus): not tried");
    };
    check
        .stdin
        .take()
        .unwrap()
        .write_all(text(&example()).as_bytes())
        .unwrap();
    let said = check.wait_with_output().unwrap();
    assert!(said.status.success(), "{said:?}");
}
