//! A session on a host: its trail comes piece by piece as it is read, and what it tells goes back.

use std::io::{self, Read};
use std::sync::{Mutex, MutexGuard, PoisonError};

use sps_bootlog::causes;
use sps_indexer_engine::{FromAppliance, FromHost, MAX_TOLD};
use zeroize::Zeroizing;

use super::host::Stop;
use super::limits::{SENT_WITHIN, SILENT_AT_MOST};
use super::link::{Link, LinkError};
use crate::feed::Feed;
use crate::take::Reader;

/// How it ended, as far as the host knows.
pub(crate) enum Reading {
    /// All was told.
    Done,
    /// It could not be read, and the appliance knows.
    Failed(String),
    /// The host is to stop, and gave it back.
    GivenBack,
}

/// Both sides of the process that reads share the connection: one asks for pieces, one tells.
struct Shared<'a> {
    link: Mutex<&'a mut Link>,
    broken: Mutex<Option<LinkError>>,
    stop: &'a Stop,
}

impl<'a> Shared<'a> {
    fn link(&self) -> MutexGuard<'_, &'a mut Link> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn broke(&self, error: LinkError) -> io::Error {
        let told = io::Error::other(error.to_string());
        *self.broken.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        told
    }

    fn piece(&self) -> io::Result<Vec<u8>> {
        if self.stop.is_overdue() {
            return Err(io::Error::other("the indexer stops"));
        }
        let mut link = self.link();
        let piece = link
            .send(&FromHost::More, SENT_WITHIN)
            .and_then(|()| link.receive::<FromAppliance>(SILENT_AT_MOST));
        drop(link);
        match piece {
            Ok(FromAppliance::Piece(piece)) => Ok(piece),
            Ok(_) => Err(self.broke(LinkError::Closed)),
            Err(error) => Err(self.broke(error)),
        }
    }

    fn tell(&self, bytes: &[u8]) -> bool {
        if self.stop.is_overdue() {
            return false;
        }
        let mut link = self.link();
        for piece in bytes.chunks(MAX_TOLD) {
            if let Err(error) = link.send(&FromHost::Told(piece.to_vec()), SENT_WITHIN) {
                drop(link);
                drop(self.broke(error));
                return false;
            }
        }
        true
    }
}

/// The trail, as it is asked for.
struct Pull<'a, 'l> {
    shared: &'a Shared<'l>,
    piece: Vec<u8>,
    used: usize,
    ended: bool,
}

impl Read for Pull<'_, '_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.used == self.piece.len() && !self.ended {
            self.piece = self.shared.piece()?;
            self.used = 0;
            self.ended = self.piece.is_empty();
        }
        let rest = self.piece.get(self.used..).unwrap_or_default();
        let count = rest.len().min(out.len());
        out[..count].copy_from_slice(&rest[..count]);
        self.used += count;
        Ok(count)
    }
}

/// Reads the session that the appliance has named.
pub(crate) fn read(
    link: &mut Link,
    reader: &dyn Reader,
    keys: &[Zeroizing<String>],
    stop: &Stop,
) -> Result<Reading, LinkError> {
    let shared = Shared {
        link: Mutex::new(link),
        broken: Mutex::default(),
        stop,
    };
    let pull = Pull {
        shared: &shared,
        piece: Vec::new(),
        used: 0,
        ended: false,
    };
    let mut feed = Feed::new(keys, pull);
    let done = reader.read(&mut feed, &mut |bytes| shared.tell(bytes));
    drop(feed);
    if let Some(error) = shared.broken.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    let link = shared.link.into_inner().unwrap_or_else(PoisonError::into_inner);
    let error = match done {
        Ok(()) => return link.send(&FromHost::Done, SENT_WITHIN).map(|()| Reading::Done),
        Err(error) => error,
    };
    if stop.is_overdue() {
        link.send(&FromHost::Leave, SENT_WITHIN)?;
        return Ok(Reading::GivenBack);
    }
    let reason = causes(error.as_ref());
    let failed = FromHost::Failed {
        elsewhere: reader.is_elsewhere(&error),
        reason: reason.clone(),
    };
    link.send(&failed, SENT_WITHIN)?;
    Ok(Reading::Failed(reason))
}
