//! The first page among many sessions: sessions with the content, newest first, and the places in each of them.

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sps_index::Index;
use sps_index_engine::{Moment, Query, Source, snippet};
use sps_sessions::{Batch, Filter, MAX_BATCH, Search, Sessions, Sort};

use crate::indexing::size_of;
use crate::made::Dice;
use crate::ours::{id, index, session};
use crate::peer::Peer;

const LIMIT: Duration = Duration::from_secs(60);
/// Sessions of a page, and places that are shown of each.
const PAGE: usize = 50;
const PLACES: usize = 3;
/// Times of which the median is taken.
const ROUNDS: usize = 5;

/// What is asked, and the same for the comparison.
const QUERIES: [(&str, &str, &str); 6] = [
    ("a word in one session of a thousand", "rare7", "rare7"),
    ("a word in every tenth session", "common", "common"),
    ("a word in every session", "login", "login"),
    (
        "a phrase in every hundredth",
        "\"permission denied\"",
        "\"permission denied\"",
    ),
    ("two words, and not a third", "common login -rare7", "common"),
    ("a beginning", "perm*", "perm*"),
];

pub(crate) fn measure(folder: &Path, count: u64) -> Result<Value, Box<dyn Error>> {
    let sessions = Sessions::open(&folder.join("sessions.db"))?;
    let index = index(folder, "searching")?;
    let peer = Peer::open(&folder.join("searching-peer.db"))?;
    let begun = Instant::now();
    fill(&sessions, &index, &peer, count)?;
    let filled = begun.elapsed().as_secs_f64();
    let mut queries = Vec::new();
    for (name, ours, theirs) in QUERIES {
        let query = Query::parse(ours)?;
        let mut found = 0;
        // Another question between two rounds: answers are remembered, and the first time is what people wait for.
        let time = median(|round| {
            let other = Query::parse(&format!("nothing{round}"))?;
            for number in 0..8 {
                index.sessions(&Query::parse(&format!("forgotten{round}x{number}"))?, LIMIT)?;
            }
            index.sessions(&other, LIMIT)?;
            let begun = Instant::now();
            found = page(&sessions, &index, &query)?;
            Ok(begun.elapsed())
        })?;
        let peer_time = median(|_| {
            let begun = Instant::now();
            peer.page(theirs)?;
            Ok(begun.elapsed())
        })?;
        queries.push(json!({ "name": name, "ms": time, "peer_ms": peer_time, "found": found }));
    }
    Ok(json!({
        "queries": queries, "filled_seconds": filled, "moments": index.size().moments, "segments": index.size().segments,
        "size": size_of(&folder.join("searching"))?, "memory": memory()?,
    }))
}

/// Three moments a session.
fn fill(sessions: &Sessions, index: &Index, peer: &Peer, count: u64) -> Result<(), Box<dyn Error>> {
    let mut next = 0;
    while next < count {
        let end = count.min(next + MAX_BATCH as u64);
        sessions.import(Batch {
            records: (next..end).map(session).collect(),
            importer: "bench".into(),
            cursor: end.to_be_bytes().to_vec(),
            incomplete_until: None,
        })?;
        for number in next..end {
            let key = sessions.number(&id(number))?.ok_or("a session is missing")?;
            let moments = moments(number);
            for moment in &moments {
                index.add(&id(number), key, moment)?;
            }
            peer.add(number.cast_signed(), &moments)?;
        }
        index.commit()?;
        peer.commit()?;
        next = end;
    }
    Ok(())
}

fn moments(number: u64) -> Vec<Moment> {
    let mut dice = Dice::new(number);
    let mut text = |begin: &str| {
        let words: Vec<String> = (0..12).map(|_| dice.word()).collect();
        format!("{begin} {}", words.join(" "))
    };
    let mut first = String::from("login");
    for (every, word) in [(10, " common"), (100, " permission denied"), (1000, " rare7")] {
        if number % every == 7 {
            first += word;
        }
    }
    let texts = [text(&first), text("$ cat"), text("total")];
    (0..)
        .zip(texts)
        .map(|(at, text)| Moment {
            at: at * 1000,
            channel: 1,
            source: Source::Screen,
            text,
        })
        .collect()
}

/// As the search page makes it; how many sessions match.
fn page(sessions: &Sessions, index: &Index, query: &Query) -> Result<usize, Box<dyn Error>> {
    let found = index.sessions(query, LIMIT)?;
    let matching = found.numbers.len();
    let page = sessions.page(&Search {
        filter: Filter {
            among: Some(found.numbers),
            ..Filter::default()
        },
        sort: Sort::default(),
        limit: PAGE,
        cursor: None,
        time_limit: LIMIT,
    })?;
    let wanted = query.wanted();
    for session in &page.sessions {
        let hits = index.moments(query, &session.id, PLACES)?;
        if hits.is_empty() {
            return Err("a session without a place".into());
        }
        for hit in &hits {
            std::hint::black_box(snippet(&hit.moment.text, &wanted));
        }
    }
    Ok(matching)
}

/// Milliseconds.
fn median(mut measure: impl FnMut(usize) -> Result<Duration, Box<dyn Error>>) -> Result<f64, Box<dyn Error>> {
    let mut times = Vec::new();
    for round in 0..ROUNDS {
        times.push(measure(round)?);
    }
    times.sort_unstable();
    Ok(times[ROUNDS / 2].as_secs_f64() * 1000.0)
}

/// MiB of this process now.
fn memory() -> Result<f64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line
        .and_then(|line| line.trim().strip_suffix(" kB"))
        .ok_or("no VmRSS")?;
    Ok(kib.trim().parse::<f64>()? / 1024.0)
}
