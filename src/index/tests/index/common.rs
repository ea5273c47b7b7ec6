//! What the tests of the index share: a disk in memory whose power can be cut, and sessions.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sps_durable::Medium as _;
use sps_durable::simulation::CrashDisk;
use sps_index::{Disk, Index, Sink, Source};
use sps_index_engine::{Moment, Query, Source as From};

/// The key of tests.
pub(crate) const KEY: [u8; 32] = [7; 32];

/// The disk whose power can be cut, as the index needs one.
#[derive(Clone, Debug)]
pub(crate) struct Cut(pub(crate) CrashDisk);

#[derive(Debug)]
struct Whole(Vec<u8>);

struct Gathering {
    disk: CrashDisk,
    name: String,
    bytes: Vec<u8>,
}

impl Cut {
    fn taken(&self, name: &str) -> io::Result<Vec<u8>> {
        let found = self.0.read(name, usize::MAX)?;
        found.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }
}

impl Disk for Cut {
    fn folder(&self) -> PathBuf {
        "/disk".into()
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn Sink>> {
        self.0.clone().write(name, b"")?;
        Ok(Box::new(Gathering {
            disk: self.0.clone(),
            name: name.into(),
            bytes: Vec::new(),
        }))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn Source>> {
        Ok(Arc::new(Whole(self.taken(name)?)))
    }

    fn exists(&self, name: &str) -> io::Result<bool> {
        Ok(self.0.read(name, 0)?.is_some())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.0.clone().rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.0.clone().remove(name)
    }

    fn sync_folder(&self) -> io::Result<()> {
        self.0.clone().sync_folder("")
    }
}

impl Sink for Gathering {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.disk.write(&self.name, &self.bytes)?;
        self.disk.sync(&self.name)
    }
}

impl Source for Whole {
    fn length(&self) -> u64 {
        self.0.len() as u64
    }

    fn read(&self, at: u64, out: &mut [u8]) -> io::Result<()> {
        let short = || io::Error::from(io::ErrorKind::UnexpectedEof);
        let at = usize::try_from(at).map_err(|_| short())?;
        let found = self.0.get(at..at + out.len()).ok_or_else(short)?;
        out.copy_from_slice(found);
        Ok(())
    }
}

/// A moment with this text.
pub(crate) fn moment(at: u64, text: &str) -> Moment {
    Moment {
        at,
        channel: 0,
        source: From::Screen,
        text: text.into(),
    }
}

/// Adds a session whole, as the service does.
pub(crate) fn add(index: &Index, id: &str, number: i64, texts: &[&str]) {
    index.remove(id);
    for (text, at) in texts.iter().zip(0..) {
        index.add(id, number, &moment(at * 1000, text)).unwrap();
    }
}

/// Numbers of the sessions that a query finds.
pub(crate) fn find(index: &Index, query: &str) -> Vec<i64> {
    let query = Query::parse(query).unwrap();
    let found = index.sessions(&query, Duration::from_secs(60)).unwrap();
    assert!(!found.cut);
    found.numbers.to_vec()
}
