//! Searches, which come from browsers and scripts: a place in a list on the first line, a filter as JSON after it. Whatever is read
//! is read back as the same, and every search that is accepted is answered by a database that holds some sessions.

#![no_main]

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use sps_session_record::SessionRecord;
use sps_sessions::{Batch, Cursor, Filter, Search, Sessions, SessionsError, Sort, SortBy};

const LIMIT: Duration = Duration::from_secs(5);
const RECORD: &str = r#"{"format":1,"id":"s","protocol":"ssh","connection":"linux","start":1715933730000,"end":null,"client":{"address":"192.0.2.7","port":1},"server":{"address":"2001:db8::22","port":22},"target":"db1","gateway_user":"alice","server_user":"root","verdict":"accept","channels":[],"events":[{"at":1,"kind":"command","text":"ls"}],"trail":null,"indexing":{"state":"not-indexed","version":0}}"#;

fn sessions() -> &'static Sessions {
    static SESSIONS: OnceLock<Sessions> = OnceLock::new();
    SESSIONS.get_or_init(|| {
        let file: PathBuf = std::env::temp_dir().join(format!("sps-fuzz-sessions-{}", std::process::id()));
        let sessions = Sessions::open(&file).expect("a new database");
        let records = (0..100).map(|number| {
            let mut record = SessionRecord::from_json(RECORD.as_bytes()).expect("a record");
            record.id = format!("s{number}");
            record.start += number % 7;
            record.gateway_user = (number % 3 > 0).then(|| format!("user{}", number % 5));
            record
        });
        let batch = Batch {
            records: records.collect(),
            ..Batch::default()
        };
        assert_eq!(sessions.import(batch).expect("an import").added, 100);
        sessions
    })
}

fuzz_target!(|input: &[u8]| {
    let cut = input.iter().position(|byte| *byte == b'\n').unwrap_or(0);
    let (place, filter) = input.split_at(cut);
    let place = std::str::from_utf8(place).unwrap_or_default();
    if let Ok(cursor) = Cursor::parse(place) {
        assert_eq!(Cursor::parse(&cursor.text()).ok(), Some(cursor));
    }
    let Ok(filter) = Filter::from_json(filter) else { return };
    let text = serde_json::to_vec(&filter).expect("a filter is written");
    assert_eq!(Filter::from_json(&text).ok().as_ref(), Some(&filter));
    for by in [SortBy::Start, SortBy::GatewayUser] {
        let mut search = Search {
            filter: filter.clone(),
            sort: Sort { by, descending: true },
            limit: 7,
            cursor: None,
            time_limit: LIMIT,
        };
        let first = sessions().page(&search).expect("a filter that was read is answered");
        assert!(first.sessions.len() <= 7);
        search.cursor = Some(place.to_owned());
        match sessions().page(&search) {
            Ok(page) => assert!(page.sessions.len() <= 7),
            Err(SessionsError::Filter(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
});
