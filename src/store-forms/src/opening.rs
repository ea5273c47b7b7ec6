//! Opening the session database of a tree, whatever state it is in: one that is damaged is put aside and read anew.

use std::path::Path;
use std::time::Duration;

use sps_datastore::ContentError;
use sps_durable::Folder;
use sps_metadb::Metadb;
use sps_sessions::{Sessions, SessionsError};

use crate::aside::{self, Damaged};
use crate::forms::SESSIONS;
use crate::import::{Import, Importing, begin, incomplete};
use crate::recover::Recovery;

/// Longest look at the pages before the database is used; what is not seen then is seen by a complete check.
const LOOK: Duration = Duration::from_secs(3);

/// A session database that is open.
#[derive(Debug)]
pub struct Opening {
    /// It.
    pub sessions: Sessions,
    /// Databases that were put aside and are still to be read.
    pub damaged: Vec<Damaged>,
}

impl Opening {
    /// Opens the database in `folder`. `now` is in seconds since 1970.
    ///
    /// # Errors
    /// It cannot be used for another reason than damage, or cannot be put aside.
    pub fn of(folder: &Path, now: u64) -> Result<Self, ContentError> {
        let mut medium = Folder::new(folder);
        let aside = aside::at_start(&mut medium, now)?;
        let file = folder.join(SESSIONS);
        let found = match Sessions::look(&file, LOOK) {
            // Not enough time says nothing about the file.
            Ok(()) | Err(SessionsError::Time) => Sessions::open(&file),
            Err(error) => Err(error),
        };
        match found {
            Ok(sessions) => {
                anew(folder, &sessions, !aside.databases.is_empty())?;
                Ok(Self {
                    sessions,
                    damaged: aside.databases,
                })
            }
            Err(error) if error.is_damage() => {
                let why = with_causes(&error);
                let aside = aside::put_aside(&mut medium, &why, now)?;
                let sessions = Sessions::open(&file)?;
                anew(folder, &sessions, true)?;
                Ok(Self {
                    sessions,
                    damaged: aside.databases,
                })
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// A new database in the place of a damaged one: metadata of an earlier layout comes into it again.
fn anew(folder: &Path, sessions: &Sessions, is_new: bool) -> Result<(), ContentError> {
    if is_new && Metadb::form_in(folder).is_some() {
        begin(sessions)?;
    }
    Ok(())
}

fn with_causes(error: &SessionsError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// What comes into a session database in the background.
#[allow(missing_debug_implementations, reason = "the metadata's connection has none")]
pub enum Filling {
    /// What can be read of databases that were put aside.
    Recovery(Recovery),
    /// Metadata of an earlier layout.
    Import(Import),
}

impl Filling {
    /// What comes next; nothing when everything is there. What cannot be understood goes to the folder `quarantine`.
    ///
    /// # Errors
    /// What was put aside, or the metadata, cannot be read.
    pub fn next(folder: &Path, quarantine: &Path, sessions: &Sessions) -> Result<Option<Self>, ContentError> {
        let aside = aside::resume(&mut Folder::new(folder))?;
        let more = incomplete(sessions)?.is_some();
        if let Some(recovery) = Recovery::open(folder, &aside, more) {
            return Ok(Some(Self::Recovery(recovery)));
        }
        let import = Import::open(folder, quarantine, sessions)?;
        Ok(import.map(Self::Import))
    }

    /// How far it is.
    #[must_use]
    pub const fn state(&self) -> Importing {
        match self {
            Self::Recovery(recovery) => recovery.state(),
            Self::Import(import) => import.state(),
        }
    }

    /// What it brings, for people.
    #[must_use]
    pub const fn what(&self) -> &'static str {
        match self {
            Self::Recovery(_) => "sessions of a damaged database",
            Self::Import(_) => "earlier sessions",
        }
    }

    /// The next sessions; says how far it is then.
    ///
    /// # Errors
    /// Nothing of this step is there; it can be taken again.
    pub fn step(&mut self, sessions: &Sessions) -> Result<Importing, ContentError> {
        match self {
            Self::Recovery(recovery) => recovery.step(sessions),
            Self::Import(import) => import.step(sessions),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use sps_datastore::Content as _;
    use sps_sample_store::{Random, session};
    use sps_sessions::Batch;

    use super::*;
    use crate::Forms;

    const LIMIT: Duration = Duration::from_secs(60);

    /// A closed database with sessions, some of them imported from metadata that is still there.
    fn made(folder: &Path) -> Vec<String> {
        let mut random = Random::new(5);
        let earlier: Vec<_> = (0..900).map(|n| session(n, 2_000, &mut random)).collect();
        let mut metadata = Metadb::create(folder, sps_metadb::Form::Split).unwrap();
        metadata.insert(&earlier).unwrap();
        drop(metadata);
        Forms.adapt(folder, 4, 5).unwrap();
        let opening = Opening::of(folder, 1).unwrap();
        assert_eq!(opening.damaged, []);
        fill(folder, &opening.sessions);
        let own: Vec<_> = (900..2_000).map(|n| session(n, 2_000, &mut random)).collect();
        let ids = earlier
            .iter()
            .chain(&own)
            .map(|record| record.id.clone())
            .collect();
        let batch = Batch {
            records: own,
            ..Batch::default()
        };
        assert_eq!(opening.sessions.import(batch).unwrap().added, 1_100);
        opening.sessions.close(LIMIT).unwrap();
        ids
    }

    fn fill(folder: &Path, sessions: &Sessions) -> Importing {
        let mut last = Importing::default();
        while let Some(mut filling) = Filling::next(folder, &folder.join("q"), sessions).unwrap() {
            loop {
                last = filling.step(sessions).unwrap();
                if last.finished {
                    break;
                }
            }
        }
        last
    }

    #[test]
    fn a_damaged_page_costs_no_start_and_at_most_what_stood_on_it() {
        let folder = tempfile::tempdir().unwrap();
        let ids = made(folder.path());
        let file = folder.path().join(SESSIONS);
        let mut bytes = fs::read(&file).unwrap();
        let middle = bytes.len() / 2 / 4096 * 4096;
        bytes[middle..middle + 4096].fill(0xff);
        fs::write(&file, &bytes).unwrap();

        let opening = Opening::of(folder.path(), 77).unwrap();
        assert_eq!(opening.damaged.len(), 1);
        assert!(
            opening.damaged[0].why.contains("damaged"),
            "{:?}",
            opening.damaged
        );
        let kept = folder.path().join("damaged-77").join(SESSIONS);
        assert!(fs::read(&kept).unwrap() == bytes, "whole, as it was");
        let new = session(2_000, 2_001, &mut Random::new(9));
        opening.sessions.begin(new.clone()).unwrap();
        // As after a restart in the middle.
        let mut filling = Filling::next(folder.path(), &folder.path().join("q"), &opening.sessions)
            .unwrap()
            .unwrap();
        filling.step(&opening.sessions).unwrap();
        opening.sessions.close(LIMIT).unwrap();
        let opening = Opening::of(folder.path(), 78).unwrap();
        fill(folder.path(), &opening.sessions);
        let found = ids
            .iter()
            .filter(|id| opening.sessions.get(id).unwrap().is_some());
        let found = found.count();
        assert!(found >= 1_900, "{found} of 2000");
        let from_metadata = ids[..900]
            .iter()
            .all(|id| opening.sessions.get(id).unwrap().is_some());
        assert!(from_metadata, "what metadata still holds comes from there");
        assert!(opening.sessions.get(&new.id).unwrap().is_some());
        opening.sessions.close(LIMIT).unwrap();
        assert_eq!(
            Opening::of(folder.path(), 80).unwrap().damaged,
            [],
            "read to the end"
        );
    }

    #[test]
    fn a_file_that_is_no_database_is_put_aside_too() {
        let folder = tempfile::tempdir().unwrap();
        let ids = made(folder.path());
        fs::write(folder.path().join(SESSIONS), vec![0x55; 20_000]).unwrap();
        let opening = Opening::of(folder.path(), 5).unwrap();
        assert_eq!(opening.damaged.len(), 1);
        fill(folder.path(), &opening.sessions);
        let found = ids
            .iter()
            .filter(|id| opening.sessions.get(id).unwrap().is_some());
        assert_eq!(found.count(), 900, "those of the metadata");
        assert!(folder.path().join("damaged-5").join(SESSIONS).exists());
    }

    #[test]
    fn a_later_database_is_refused_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        made(folder.path());
        let file = folder.path().join(SESSIONS);
        let mut bytes = fs::read(&file).unwrap();
        // `user_version` in the head of the file.
        bytes[60..64].copy_from_slice(&99_u32.to_be_bytes());
        fs::write(&file, &bytes).unwrap();
        let said = Opening::of(folder.path(), 5).unwrap_err().to_string();
        assert!(said.contains("version 99"), "{said}");
        assert!(fs::read(&file).unwrap() == bytes);
    }
}
