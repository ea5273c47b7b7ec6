//! A complete check: is every session readable, has each the audit trail it names, and does every trail belong to a session?
//!
//! It only reads, but when it is told to adopt: then a trail that belongs to no session becomes one, so that it is found again. What
//! damage it finds in the database is noted, and the next start puts the database aside and reads it anew. Memory does not grow with
//! the number of sessions.

use std::collections::HashSet;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use sps_datastore::{Catalogue, ContentError};
use sps_durable::Folder;
use sps_session_record::{Endpoint, FORMAT, Indexing, SessionRecord, TrailFile, Word};
use sps_sessions::{Batch, Sessions, SessionsError};

use crate::aside;

/// Longest look at the pages of the database: 43 s were measured for 6 GB.
const PAGES: Duration = Duration::from_secs(3600);
/// Findings told one by one; the others are counted.
const TOLD: usize = 200;
/// Trails whose names do not tell their session that are remembered.
const ODD: usize = 1_000_000;
/// Folders within folders that are followed.
const DEEPEST: usize = 16;
/// Between two reports of progress, sessions or files.
const TELL_EVERY: u64 = 1_000;

/// What is checked.
#[allow(missing_debug_implementations, reason = "a catalogue has none")]
pub struct Checked<'a> {
    /// The session database.
    pub sessions: &'a Sessions,
    /// All sessions, those that are not imported yet among them.
    pub catalogue: &'a dyn Catalogue,
    /// Its folder.
    pub folder: &'a Path,
    /// Folder of the audit trails.
    pub trails: &'a Path,
    /// Folder of damaged records.
    pub quarantine: &'a Path,
    /// What a trail, by its name below the folder of trails, tells of its session.
    pub tells: &'a dyn Fn(&Path, &str) -> io::Result<Option<SessionRecord>>,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Sessions that were read.
    pub sessions: u64,
    /// Files of audit trails that were met.
    pub trails: u64,
    /// Trails that became sessions.
    pub adopted: u64,
    /// Files that were put aside earlier.
    pub quarantined: u64,
    /// What is wrong, one sentence each.
    pub told: Vec<String>,
    /// Findings that are only counted.
    pub more: u64,
}

/// Is told how far it is: done, of so many, what. Says whether to go on.
pub type Watch<'a> = dyn FnMut(u64, u64, &'static str) -> bool + 'a;

impl Findings {
    fn tell(&mut self, what: impl FnOnce() -> String) {
        if self.told.len() < TOLD {
            self.told.push(what());
        } else {
            self.more += 1;
        }
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.told.is_empty()
    }
}

/// Checks everything. With `adopt` a trail that belongs to no session becomes one.
///
/// # Errors
/// The sessions cannot be read at all, or a trail cannot be adopted.
pub fn check(checked: &Checked<'_>, adopt: bool, watch: &mut Watch<'_>) -> Result<Findings, ContentError> {
    let mut findings = Findings::default();
    watch(0, 0, "looking at the pages of the session database");
    match checked.sessions.check(PAGES) {
        Ok(()) => {}
        Err(SessionsError::Time) => {
            findings
                .tell(|| "the pages of the session database were not all looked at: it took too long".into());
        }
        Err(error) => damaged(checked, &mut findings, &error)?,
    }
    let Some((odd, all_known)) = sessions(checked, &mut findings, watch)? else {
        return Ok(findings);
    };
    // A trail whose session was not seen would get a second one.
    let adopt = adopt && all_known && checked.sessions.incomplete_until()?.is_none();
    trails(checked, &odd, adopt, &mut findings, watch)?;
    findings.quarantined = files_below(checked.quarantine) + aside_files(checked.folder);
    Ok(findings)
}

/// The next start puts the database aside.
fn damaged(
    checked: &Checked<'_>,
    findings: &mut Findings,
    error: &SessionsError,
) -> Result<(), ContentError> {
    let why = error.to_string();
    findings
        .tell(|| format!("{why}; the next start puts it aside and reads what can be read into a new one"));
    if error.is_damage() {
        aside::suspect(&mut Folder::new(checked.folder), &why)?;
    }
    Ok(())
}

/// Reads every session and looks for its trail; returns the trails whose names do not tell their session, and whether these are all.
/// Nothing when it was called off.
fn sessions(
    checked: &Checked<'_>,
    findings: &mut Findings,
    watch: &mut Watch<'_>,
) -> Result<Option<(HashSet<u64>, bool)>, ContentError> {
    let mut odd = HashSet::new();
    let (mut unreadable, mut overflown) = (false, false);
    for record in checked.sessions.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) if unreadable => {
                findings.tell(|| error.to_string());
                continue;
            }
            Err(error) => {
                unreadable = true;
                damaged(checked, findings, &error)?;
                continue;
            }
        };
        findings.sessions += 1;
        if let Some(trail) = &record.trail {
            if stem(&trail.name) != record.id {
                overflown |= odd.len() >= ODD;
                if !overflown {
                    odd.insert(hashed(&trail.name));
                }
            }
            look_at(checked, &record.id, trail, findings);
        }
        if findings.sessions.is_multiple_of(TELL_EVERY)
            && !watch(findings.sessions, 0, "reading the sessions")
        {
            return Ok(None);
        }
    }
    Ok(Some((odd, !unreadable && !overflown)))
}

fn look_at(checked: &Checked<'_>, id: &str, trail: &TrailFile, findings: &mut Findings) {
    match fs::symlink_metadata(checked.trails.join(&trail.name)) {
        Ok(found) if found.len() == trail.size => {}
        Ok(found) => findings.tell(|| {
            format!(
                "the audit trail {} of session {id} has {} bytes, it had {}",
                trail.name,
                found.len(),
                trail.size
            )
        }),
        // A policy took it away and noted that.
        Err(_) if matches!(checked.sessions.archived(id), Ok(Some(_))) => {}
        Err(error) => {
            findings.tell(|| {
                format!(
                    "the audit trail {} of session {id} is not there: {error}",
                    trail.name
                )
            });
        }
    }
}

/// Looks for the session of every trail.
fn trails(
    checked: &Checked<'_>,
    odd: &HashSet<u64>,
    adopt: bool,
    findings: &mut Findings,
    watch: &mut Watch<'_>,
) -> Result<(), ContentError> {
    let mut folders = vec![(PathBuf::new(), 0)];
    while let Some((relative, depth)) = folders.pop() {
        let Ok(entries) = fs::read_dir(checked.trails.join(&relative)) else {
            findings.tell(|| format!("the folder {} of audit trails cannot be read", relative.display()));
            continue;
        };
        for entry in entries {
            let Ok(entry) = entry else {
                findings.tell(|| {
                    format!(
                        "the folder {} of audit trails cannot be read to its end",
                        relative.display()
                    )
                });
                break;
            };
            let path = relative.join(entry.file_name());
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                if depth < DEEPEST {
                    folders.push((path, depth + 1));
                }
                continue;
            }
            if !entry.file_type().is_ok_and(|kind| kind.is_file()) {
                findings.tell(|| format!("{} among the audit trails is no plain file", path.display()));
                continue;
            }
            findings.trails += 1;
            known_or_told(checked, odd, &path, adopt, findings)?;
            if findings.trails.is_multiple_of(TELL_EVERY)
                && !watch(findings.trails, 0, "looking at the audit trails")
            {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn known_or_told(
    checked: &Checked<'_>,
    odd: &HashSet<u64>,
    path: &Path,
    adopt: bool,
    findings: &mut Findings,
) -> Result<(), ContentError> {
    let Some(name) = path.to_str() else {
        findings.tell(|| format!("the name of the audit trail {} is no text", path.display()));
        return Ok(());
    };
    if odd.contains(&hashed(name)) || checked.catalogue.has(stem(name))? {
        return Ok(());
    }
    if !adopt {
        findings.tell(|| format!("the audit trail {name} belongs to no session: let it be adopted"));
        return Ok(());
    }
    let record = match (checked.tells)(checked.trails, name) {
        Ok(Some(record)) if record.id == stem(name) => record,
        Ok(_) => adopted(checked.trails, name),
        Err(error) => {
            findings.tell(|| {
                format!("the audit trail {name} cannot be read: {error}; only its name tells of its session: check the disk")
            });
            adopted(checked.trails, name)
        }
    };
    let id = record.id.clone();
    let imported = checked.sessions.import(Batch {
        records: vec![record],
        importer: "adopted".into(),
        cursor: Vec::new(),
        incomplete_until: checked.sessions.incomplete_until()?,
    })?;
    match imported.refused.first() {
        Some(refused) => {
            findings.tell(|| format!("the audit trail {name} cannot be adopted: {}", refused.why));
        }
        None => {
            findings.adopted += 1;
            findings
                .tell(|| format!("the audit trail {name} belonged to no session; it is session {id} now"));
        }
    }
    Ok(())
}

/// What can be said of a session of which only the trail is left.
fn adopted(trails: &Path, name: &str) -> SessionRecord {
    let found = fs::symlink_metadata(trails.join(name)).ok();
    let written = found.as_ref().and_then(|found| found.modified().ok());
    let written = written.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let at = written.map_or(0, |time| i64::try_from(time.as_millis()).unwrap_or(i64::MAX));
    let unknown = || Word::try_from("unknown".to_owned()).unwrap_or(Word::DENY);
    let protocol = stem(name).split('-').next().unwrap_or_default().to_owned();
    let mut record = SessionRecord {
        format: FORMAT,
        id: stem(name).to_owned(),
        protocol: Word::try_from(protocol).unwrap_or_else(|_| unknown()),
        connection: String::new(),
        start: at,
        end: Some(at),
        client: Endpoint {
            address: "0.0.0.0".into(),
            port: 0,
        },
        server: None,
        target: None,
        gateway_user: None,
        server_user: None,
        verdict: unknown(),
        channels: Vec::new(),
        events: Vec::new(),
        trail: Some(TrailFile {
            name: name.to_owned(),
            size: found.map_or(0, |found| found.len()),
        }),
        indexing: Indexing::default(),
    };
    if record.check().is_err() {
        record.id = format!("adopted-{:016x}", hashed(name));
    }
    record
}

/// Files that were put aside with whole databases.
fn aside_files(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let damaged = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(aside::PREFIX));
    damaged.map(|entry| files_below(&entry.path())).sum()
}

fn files_below(folder: &Path) -> u64 {
    let mut folders = vec![folder.to_owned()];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(entry.path());
            } else {
                files += 1;
            }
        }
    }
    files
}

/// The name of the file without folders and ending: the identifier of its session, as trails are named.
fn stem(name: &str) -> &str {
    let file = name.rsplit('/').next().unwrap_or(name);
    file.rsplit_once('.').map_or(file, |(stem, _)| stem)
}

fn hashed(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests;
