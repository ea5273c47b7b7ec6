//! What the tests of the indexer share: a session database, an index and trails in a folder, and a reader in this process.

use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sps_index::{Folder, Index};
use sps_index_engine::Query;
use sps_indexer::{Done, Queue, Reader, ReaderError, Worker, answer};
use sps_session_record::{Endpoint, FORMAT, Indexing, SessionRecord, TrailFile, Word};
use sps_sessions::Sessions;
use sps_trail::{Ending, Event, Head, Kind, Options, Recipients, Seed, SigningKey, Writer};
use tempfile::TempDir;

pub(crate) const START: i64 = 1_715_933_730_000;
const WITHIN: Duration = Duration::from_secs(60);

/// The role in this process.
pub(crate) struct Inside;

struct Taking<'a>(&'a mut (dyn FnMut(&[u8]) -> bool + Send));

impl Write for Taking<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if (self.0)(bytes) {
            Ok(bytes.len())
        } else {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Reader for Inside {
    fn read(
        &self,
        mut input: &mut (dyn Read + Send),
        take: &mut (dyn FnMut(&[u8]) -> bool + Send),
    ) -> Result<(), ReaderError> {
        Ok(answer(&mut input, &mut Taking(take))?)
    }
}

/// A data store.
pub(crate) struct Lab {
    pub(crate) folder: TempDir,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) queue: Arc<Queue>,
}

impl Lab {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sessions = Arc::new(Sessions::open(&folder.path().join("sessions.db")).unwrap());
        Self {
            folder,
            sessions,
            queue: Arc::default(),
        }
    }

    pub(crate) fn index(&self) -> Arc<Index> {
        let folder = Folder::make(&self.folder.path().join("index")).unwrap();
        Arc::new(Index::open(Arc::new(folder), &[3; 32]).unwrap())
    }

    pub(crate) fn worker(&self, index: &Arc<Index>, reader: impl Reader + 'static) -> Worker {
        let (sessions, trails) = (self.sessions.clone(), self.folder.path().to_owned());
        Worker::new(sessions, index.clone(), Box::new(reader), trails).unwrap()
    }

    /// A session in this state of indexing; `end` is none while it goes on.
    pub(crate) fn session(&self, id: &str, start: i64, end: Option<i64>, indexing: Indexing) {
        let record = SessionRecord {
            format: FORMAT,
            id: id.into(),
            protocol: Word::SSH,
            connection: "servers".into(),
            start,
            end,
            client: Endpoint {
                address: "192.0.2.7".into(),
                port: 50_123,
            },
            server: None,
            target: None,
            gateway_user: None,
            server_user: None,
            verdict: Word::ACCEPT,
            channels: Vec::new(),
            events: Vec::new(),
            trail: Some(TrailFile {
                name: format!("{id}.zat"),
                size: 1,
            }),
            indexing,
        };
        self.sessions.begin(record).unwrap();
        self.sessions.flush(WITHIN).unwrap();
    }

    /// One that ended, waits, and showed this.
    pub(crate) fn waiting(&self, id: &str, shown: &str) {
        self.trail(id, shown, &Recipients::default());
        self.session(id, START, Some(START + 5000), queued());
    }

    /// The trail of a session.
    pub(crate) fn trail(&self, id: &str, shown: &str, recipients: &Recipients) {
        fs::write(self.path(id), trail(id, shown, recipients)).unwrap();
    }

    pub(crate) fn path(&self, id: &str) -> std::path::PathBuf {
        self.folder.path().join(format!("{id}.zat"))
    }

    /// Works until there is nothing more to do; what was done.
    pub(crate) fn work(&self, worker: &mut Worker) -> Vec<Done> {
        let steps = std::iter::from_fn(|| match worker.step(&self.queue).unwrap() {
            Done::Nothing => None,
            done => Some(done),
        });
        let done = steps.collect();
        self.sessions.flush(WITHIN).unwrap();
        done
    }

    pub(crate) fn state(&self, id: &str) -> Indexing {
        self.sessions.get(id).unwrap().unwrap().indexing
    }

    /// Identifiers among `ids` whose content is found.
    pub(crate) fn found(&self, index: &Index, query: &str, ids: &[&str]) -> Vec<String> {
        let numbers = index
            .sessions(&Query::parse(query).unwrap(), WITHIN)
            .unwrap()
            .numbers;
        let is_found = |id: &&&str| {
            let number = self.sessions.number(id).unwrap();
            number.is_some_and(|number| numbers.contains(&number))
        };
        ids.iter().filter(is_found).map(|id| (*id).to_owned()).collect()
    }
}

pub(crate) fn queued() -> Indexing {
    Indexing {
        state: Word::QUEUED,
        version: 0,
    }
}

/// A shell in which somebody typed `typed-alone` and the server showed this.
pub(crate) fn trail(id: &str, shown: &str, recipients: &Recipients) -> Vec<u8> {
    let head = Head {
        session: id.into(),
        start: START,
        protocol: Word::SSH,
        connection: "servers".into(),
        facts: Vec::new(),
    };
    let signer = Arc::new(SigningKey::from_secret(&[7; 32]).unwrap());
    let seed = Seed::new([9; 32]);
    let (mut writer, mut bytes) = Writer::new(&head, recipients, &signer, &seed, Options::default()).unwrap();
    let terminal = Kind::Terminal {
        term: "xterm".into(),
        columns: 80,
        rows: 24,
    };
    let event = |at, kind| Event { at, channel: 3, kind };
    for event in [
        event(1_000, terminal),
        Event::input(1_000_000, 3, b"typed-alone\r"),
        Event::output(1_050_000, 3, shown.as_bytes()),
        event(2_100_000, Kind::ChannelClosed),
    ] {
        writer.event(&event).unwrap();
    }
    let ending = Ending {
        verdict: Word::ACCEPT,
        reason: String::new(),
    };
    bytes.extend(writer.finish(&ending, START + 5000).unwrap());
    bytes
}

/// A key `NAME.key` and a certificate `NAME.pem` in `folder`, by openssl.
pub(crate) fn somebody(folder: &Path, name: &str) {
    let request = format!(
        "req -x509 -newkey rsa:2048 -nodes -keyout {name}.key -out {name}.pem -subj /CN={name} -days 2"
    );
    let output = std::process::Command::new("openssl")
        .args(request.split(' '))
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
