//! Sessions of which only the audit trail is left: the database loses the last second before a power cut, the trail is there from before
//! the first byte on.
//!
//! What a trail tells without a key becomes the session again: its head always, what happened in it when it is not encrypted.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use sps_bootlog::causes;
use sps_session_record::{
    Channel, Endpoint, Event as Happening, FORMAT, Indexing, MAX_CHANNELS, MAX_EVENTS, MAX_TEXT,
    SessionRecord, TrailFile, Word,
};
use sps_sessions::{Change, Sessions};
use sps_trail::{Event, Head, Kind, Playback};
use tracing::{info, warn};

use crate::ground::{Ground, GroundError};

/// Bytes that are read at once.
const PIECE: usize = 64 * 1024;
/// Folders that are looked into at a start, the newest: trails lie by day, and a night may be between.
const FOLDERS: usize = 2;
/// Deepest folder below that of the trails.
const DEEPEST: usize = 8;

/// Gives the trails of the last days, of which the database knows nothing, their sessions. Blocking.
pub(crate) fn adopt(ground: &dyn Ground) {
    let Some(sessions) = ground.sessions() else { return };
    // Sessions that are not imported yet would get a second record.
    if !matches!(sessions.incomplete_until(), Ok(None)) {
        return;
    }
    let root = ground.trails();
    let mut folders = Vec::new();
    newest(&root, Path::new(""), 0, &mut folders);
    let mut adopted = 0;
    for name in folders.iter().flat_map(|folder| files(&root, folder)) {
        match take(ground, sessions, &root, &name) {
            Ok(taken) => adopted += u64::from(taken),
            Err(error) => warn!(
                "the audit trail {name} belongs to no session: {}",
                causes(error.as_ref())
            ),
        }
    }
    if adopted > 0 {
        info!(
            "{adopted} sessions of the last second before the appliance stopped are known from their audit trails"
        );
    }
}

/// The last folders with files in them, in the order of their names; what cannot be read is for the check of the store.
fn newest(root: &Path, relative: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(root.join(relative)).into_iter().flatten().flatten();
    let (mut folders, mut has_files) = (Vec::new(), false);
    for entry in entries {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => folders.push(relative.join(entry.file_name())),
            Ok(kind) => has_files |= kind.is_file(),
            Err(_) => {}
        }
    }
    folders.sort();
    for folder in folders.iter().rev().filter(|_| depth < DEEPEST) {
        if found.len() < FOLDERS {
            newest(root, folder, depth + 1, found);
        }
    }
    if has_files && found.len() < FOLDERS {
        found.push(relative.to_owned());
    }
}

/// Names of trails in a folder, below that of all trails.
fn files(root: &Path, folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(root.join(folder)).into_iter().flatten().flatten();
    let plain = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()));
    let names = plain.filter_map(|entry| folder.join(entry.file_name()).to_str().map(str::to_owned));
    names.filter(|name| name.ends_with(".zat")).collect()
}

/// Whether the trail `name` was one of no session.
fn take(ground: &dyn Ground, sessions: &Sessions, root: &Path, name: &str) -> Result<bool, GroundError> {
    let path = root.join(name);
    let id = path
        .file_stem()
        .and_then(|stem| stem.to_str())
        .unwrap_or_default();
    match sessions.get(id)? {
        Some(record) if record.trail.is_some() => Ok(false),
        Some(_) => {
            let size = path.metadata()?.len();
            let name = name.to_owned();
            sessions.update(id, Change::Trail(TrailFile { name, size }))?;
            Ok(true)
        }
        None => {
            let record =
                recovered(root, name)?.ok_or("it does not say whose it is: `sps store check` adopts it")?;
            if record.id != id {
                return Err(format!("it says it is of the session {}", record.id).into());
            }
            ground.keep_session(&record)?;
            Ok(true)
        }
    }
}

/// What the trail `name` below `root` tells of its session; nothing when its head does not.
///
/// # Errors
/// The file cannot be read.
pub fn recovered(root: &Path, name: &str) -> io::Result<Option<SessionRecord>> {
    let mut file = File::open(root.join(name))?;
    let found = file.metadata()?;
    let mut playback = Playback::new(None, Vec::new());
    let mut told = Told::default();
    let mut piece = vec![0; PIECE];
    loop {
        let length = file.read(&mut piece)?;
        playback.push(&piece[..length]);
        let opened = told.read(&mut playback);
        if length == 0 || !opened {
            break;
        }
    }
    for event in playback.drain() {
        told.event(&event);
    }
    let report = playback.report();
    let Some(head) = report.head else { return Ok(None) };
    let last = report.last_at.unwrap_or(0).max(told.last);
    let last = head
        .start
        .saturating_add(i64::try_from(last / 1000).unwrap_or(i64::MAX));
    let mut record = of(&head, &told);
    record.trail = Some(TrailFile {
        name: name.to_owned(),
        size: found.len(),
    });
    let written = found.modified().map_or(record.start, milliseconds);
    record.end = Some(match report.ending {
        Some(ending) => {
            record.verdict = ending.verdict;
            last
        }
        None => last.max(written),
    });
    record.end = record.end.max(Some(record.start));
    Ok(record.check().is_ok().then_some(record))
}

/// What happened.
#[derive(Default)]
struct Told {
    last: u64,
    /// Numbers of the channels in the record stand for those of the trail.
    numbers: Vec<u32>,
    channels: Vec<(Word, u64, Option<u64>)>,
    events: Vec<(Word, u64, String)>,
}

impl Told {
    /// Reads what there is; false when the trail is not open to those who have no key.
    fn read(&mut self, playback: &mut Playback) -> bool {
        loop {
            match playback.next() {
                Ok(Some(event)) => self.event(&event),
                Ok(None) => return true,
                Err(_closed) => return false,
            }
        }
    }

    fn event(&mut self, event: &Event<'_>) {
        self.last = self.last.max(event.at);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match &event.kind {
            Kind::ChannelOpened { kind, detail } if self.channels.len() < MAX_CHANNELS => {
                if kind.starts_with("session-exec") && !detail.is_empty() {
                    self.happened(Word::COMMAND, event.at, detail.clone().into_owned());
                }
                if let Ok(kind) = Word::try_from(kind.clone().into_owned()) {
                    self.numbers.push(event.channel);
                    self.channels.push((kind, event.at, None));
                }
            }
            Kind::ChannelClosed => {
                let place = self.numbers.iter().rposition(|number| *number == event.channel);
                if let Some(channel) = place.and_then(|place| self.channels.get_mut(place)) {
                    channel.2 = Some(event.at);
                }
            }
            Kind::Exec { command } => self.happened(Word::COMMAND, event.at, text(command)),
            Kind::File { path, .. } => self.happened(Word::FILE_TRANSFER, event.at, text(path)),
            Kind::Found { text, .. } => self.happened(Word::ALERT, event.at, text.clone().into_owned()),
            _ => {}
        }
    }

    fn happened(&mut self, kind: Word, at: u64, mut text: String) {
        if self.events.len() + 1 < MAX_EVENTS {
            text.truncate(text.floor_char_boundary(MAX_TEXT));
            self.events.push((kind, at, text));
        }
    }
}

fn of(head: &Head, told: &Told) -> SessionRecord {
    let at = |micros: u64| {
        head.start
            .saturating_add(i64::try_from(micros / 1000).unwrap_or(i64::MAX))
    };
    let channel = |(kind, start, end): &(Word, u64, Option<u64>)| Channel {
        kind: kind.clone(),
        start: at(*start),
        end: end.map(at),
        verdict: Word::ACCEPT,
    };
    let event = |(kind, when, text): &(Word, u64, String)| Happening {
        at: at(*when),
        kind: kind.clone(),
        text: text.clone(),
    };
    let note = Happening {
        at: at(told.last),
        kind: Word::ALERT,
        text: "this session is known from its audit trail: the appliance stopped before its record was on the disk".into(),
    };
    let fact = |name| head.fact(name).map(str::to_owned);
    SessionRecord {
        format: FORMAT,
        id: head.session.clone(),
        protocol: head.protocol.clone(),
        connection: head.connection.clone(),
        start: head.start,
        end: None,
        client: head
            .fact("client")
            .and_then(endpoint)
            .unwrap_or_else(|| Endpoint {
                address: "0.0.0.0".into(),
                port: 0,
            }),
        server: head.fact("server").and_then(endpoint),
        target: fact("target"),
        gateway_user: fact("gateway-user"),
        server_user: fact("server-user"),
        verdict: Word::TERMINATED,
        channels: told.channels.iter().map(channel).collect(),
        events: told.events.iter().map(event).chain([note]).collect(),
        trail: None,
        indexing: Indexing::default(),
    }
}

fn endpoint(text: &str) -> Option<Endpoint> {
    let address: std::net::SocketAddr = text.parse().ok()?;
    Some(Endpoint {
        address: address.ip().to_canonical().to_string(),
        port: address.port(),
    })
}

fn milliseconds(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
