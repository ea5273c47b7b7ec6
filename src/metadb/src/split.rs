//! From one file to three: what the layout 2 brought.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use crate::error::MetadbError;
use crate::{Form, Metadb, SINGLE, SPLIT};

/// Splits the database in `folder`. May be stopped at any moment and begun again: the one file goes last. Returns how many
/// sessions there are.
///
/// # Errors
/// It cannot be read or written; the one file is there still.
pub fn split(folder: &Path) -> Result<u64, MetadbError> {
    let single = folder.join(SINGLE);
    if !single.is_file() {
        return Metadb::open(folder)?.count();
    }
    for name in SPLIT {
        remove(folder, name)?;
    }
    let new = Metadb::create(folder, Form::Split)?;
    let failed = MetadbError::write(folder);
    let copy = || -> rusqlite::Result<()> {
        new.connection
            .execute("ATTACH ?1 AS old", [single.to_string_lossy()])?;
        new.connection.execute_batch(
            "BEGIN IMMEDIATE;
             INSERT INTO main.sessions SELECT * FROM old.sessions;
             INSERT INTO channels.channels SELECT * FROM old.channels;
             INSERT INTO events.events SELECT * FROM old.events;
             COMMIT;
             DETACH old;",
        )
    };
    copy().map_err(failed)?;
    let count = new.count()?;
    drop(new);
    remove(folder, SINGLE)?;
    Ok(count)
}

fn remove(folder: &Path, name: &str) -> Result<(), MetadbError> {
    for ending in ["", "-journal", "-wal", "-shm"] {
        let path = folder.join(format!("{name}{ending}"));
        match fs::remove_file(&path) {
            Err(source) if source.kind() != ErrorKind::NotFound => {
                return Err(MetadbError::Remove { path, source });
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use sps_session_record::{Endpoint, Event, FORMAT, Indexing, SessionRecord, Word};

    use super::*;
    use crate::Position;

    fn session(number: i64) -> SessionRecord {
        SessionRecord {
            format: FORMAT,
            id: format!("ssh-20240517-{number}"),
            protocol: Word::SSH,
            connection: "servers".into(),
            start: 1_000 * (number / 2),
            end: None,
            client: Endpoint {
                address: "192.0.2.1".into(),
                port: 1,
            },
            server: None,
            target: None,
            gateway_user: Some("alice".into()),
            server_user: None,
            verdict: Word::ACCEPT,
            channels: Vec::new(),
            events: vec![Event {
                at: number,
                kind: Word::COMMAND,
                text: format!("ls {number}"),
            }],
            trail: None,
            indexing: Indexing::default(),
        }
    }

    fn all(database: &Metadb) -> Vec<SessionRecord> {
        let (mut found, mut position) = (Vec::new(), Position::NEWEST);
        loop {
            let rows = database.older_than(position, 7).unwrap();
            let Some(last) = rows.last() else { return found };
            position = last.position;
            found.extend(rows.into_iter().map(|row| row.session.unwrap()));
        }
    }

    #[test]
    fn three_files_hold_what_one_held() {
        let folder = tempfile::tempdir().unwrap();
        let records: Vec<_> = (0..50).map(session).collect();
        let mut one = Metadb::create(folder.path(), Form::Single).unwrap();
        one.insert(&records).unwrap();
        one.insert(&records[..3]).unwrap();
        let before = all(&one);
        assert_eq!(before.len(), 50, "each once, the newest first");
        assert!(before.windows(2).all(|pair| pair[0].start >= pair[1].start));
        drop(one);
        assert_eq!(split(folder.path()).unwrap(), 50);
        assert_eq!(split(folder.path()).unwrap(), 50, "again is nothing");
        let three = Metadb::open(folder.path()).unwrap();
        assert_eq!((three.form(), all(&three)), (Form::Split, before));
        assert!(three.has("ssh-20240517-7").unwrap() && !three.has("x").unwrap());
    }

    #[test]
    fn a_damaged_row_is_told_and_hides_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut one = Metadb::create(folder.path(), Form::Single).unwrap();
        one.insert(&(0..5).map(session).collect::<Vec<_>>()).unwrap();
        one.connection
            .execute_batch(
                "UPDATE sessions SET client_address = x'ff00' WHERE id = 2; UPDATE events SET content = x'ff' WHERE session = 4;",
            )
            .unwrap();
        let rows = one.older_than(Position::NEWEST, 9).unwrap();
        let bad: Vec<_> = rows
            .iter()
            .filter(|row| row.session.is_err())
            .map(|row| row.position.number)
            .collect();
        assert_eq!((rows.len(), bad), (5, vec![4, 2]));
    }
}
