//! What somebody gets who follows a session: the form of an audit trail, so that every player of trails shows it. It is signed by a key that
//! nobody keeps: it proves nothing.

use std::sync::Arc;
use std::time::Duration;

use sps_bootlog::causes;
use sps_trail::{Ending, Event, Kind, Options, Recipients, SigningKey, Word, Writer};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::time::timeout;
use tracing::info;

use super::hub::LiveError;
use super::scene::Shared;
use super::session::LiveSession;
use crate::drawn::{random, seed};
use crate::recording::milliseconds;

/// Events that become one piece.
const TOGETHER: usize = 256;
/// Without anything new for so long an empty piece comes, by which it is found whether the follower is still there.
const QUIET: Duration = Duration::from_secs(20);

/// A session that is followed.
#[derive(Debug)]
pub struct Following {
    session: Arc<LiveSession>,
    writer: Option<Writer>,
    first: Option<Vec<u8>>,
    coming: Receiver<Shared>,
    by: String,
}

impl Following {
    pub(super) fn begin(session: &Arc<LiveSession>, by: &str) -> Result<Self, LiveError> {
        let mut secret = [0; 32];
        random(&mut secret).map_err(LiveError::Follow)?;
        let failed = |error: &dyn std::error::Error| LiveError::Follow(causes(error));
        let signer = SigningKey::from_secret(&secret).map_err(|error| failed(&error))?;
        let seed = seed().map_err(LiveError::Follow)?;
        let options = Options::default();
        let begun = Writer::new(
            &session.head(),
            &Recipients::default(),
            &Arc::new(signer),
            &seed,
            options,
        );
        let (writer, mut first) = begun.map_err(|error| failed(&error))?;
        let (shown, coming) = session.follow();
        let mut following = Self {
            session: Arc::clone(session),
            writer: Some(writer),
            first: None,
            coming,
            by: by.to_owned(),
        };
        shown.iter().for_each(|event| following.write(event));
        first.extend(following.take());
        following.first = Some(first);
        info!(session = session.id(), "{by} follows the session");
        Ok(following)
    }

    /// The next piece; empty when nothing happened for a while; none when the session has ended and all of it was given.
    pub async fn next(&mut self) -> Option<Vec<u8>> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        self.writer.as_ref()?;
        match timeout(QUIET, self.coming.recv()).await {
            Err(_quiet) => return Some(Vec::new()),
            Ok(Ok(event)) => self.write(&event),
            Ok(Err(RecvError::Lagged(left_out))) => self.catch_up(left_out),
            Ok(Err(RecvError::Closed)) => return self.end(),
        }
        for _ in 0..TOGETHER {
            match self.coming.try_recv() {
                Ok(event) => self.write(&event),
                Err(TryRecvError::Lagged(left_out)) => self.catch_up(left_out),
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        Some(self.take())
    }

    /// Whoever follows was too slow: the screens come again.
    fn catch_up(&mut self, left_out: u64) {
        let (shown, coming) = self.session.follow();
        self.coming = coming;
        let at = shown.last().map_or(0, |event| event.at);
        let text =
            format!("{left_out} events were too fast to be followed; all of them are in the audit trail");
        let note = Kind::Note { text: text.into() };
        self.write(&Event {
            at,
            channel: 0,
            kind: note,
        });
        for event in &shown {
            if matches!(event.kind, Kind::Output { .. } | Kind::Resize { .. }) {
                self.write(event);
            }
        }
    }

    fn write(&mut self, event: &Event<'_>) {
        // Longer ones than a trail takes are left out; nothing else can go wrong before the end.
        if let Some(writer) = &mut self.writer {
            let _left_out = writer.event(event);
        }
    }

    fn take(&mut self) -> Vec<u8> {
        let taken = self.writer.as_mut().map(|writer| writer.take(milliseconds()));
        match taken {
            Some(Ok(Some(bytes))) => bytes,
            _ => Vec::new(),
        }
    }

    fn end(&mut self) -> Option<Vec<u8>> {
        let ending = Ending {
            verdict: Word::ACCEPT,
            reason: String::new(),
        };
        self.writer.take()?.finish(&ending, milliseconds()).ok()
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        info!(
            session = self.session.id(),
            "{} follows the session no longer", self.by
        );
    }
}
