//! The Unix socket. Only processes of one user id are heard; the kernel says whose they are (`SO_PEERCRED`).
//!
//! Invariants: at most [`CLIENTS`] are served; a question is bounded in size and in the time it may take to arrive, an
//! answer in the time it may take to be read; a client that goes away does not stop what it began.

use std::future::Future;
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

use crate::backend::Updates;
use crate::failure::{Failure, FailureKind};
use crate::operations::{Call, Operations};
use crate::origin::Origin;
use crate::wire::{self, Answer, Question};

/// Where the appliance listens.
pub const SOCKET: &str = "/run/sps/admin.sock";

/// Clients served at once. Each may hold a question and some answers: below 1 MiB, but where a configuration is imported.
const CLIENTS: usize = 16;
/// Time for a question to arrive, and for an idle connection to ask the next.
const QUESTION_WITHIN: Duration = Duration::from_secs(60);
/// Time for a client to read an answer.
const READ_WITHIN: Duration = Duration::from_secs(30);
/// Pause after a failed accept: running out of file descriptors passes.
const PAUSE: Duration = Duration::from_millis(100);

/// Why the socket is not there.
#[derive(Debug, Error)]
pub enum ServerError {
    /// Making its folder.
    #[error("could not make the folder of {path}")]
    Folder {
        /// The socket.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Removing the socket of an earlier run.
    #[error("could not remove {path}, the socket of an earlier run")]
    Stale {
        /// The socket.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Listening.
    #[error("could not listen at {path}")]
    Listen {
        /// The socket.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Closing it to other users.
    #[error("could not close {path} to other users")]
    Mode {
        /// The socket.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// The listening socket.
#[derive(Debug)]
pub struct Server {
    listener: UnixListener,
    uid: u32,
    operations: Operations,
}

impl Server {
    /// Listens at `path` for processes of the user `uid`. A socket left by an earlier run is replaced. Needs a runtime.
    ///
    /// # Errors
    /// The folder or the socket cannot be made.
    pub fn bind(path: &Path, uid: u32, operations: Operations) -> Result<Self, ServerError> {
        let own = || path.to_owned();
        if let Some(folder) = path.parent() {
            std::fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)
                .map_err(|source| ServerError::Folder { path: own(), source })?;
        }
        match std::fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            removed => removed.map_err(|source| ServerError::Stale { path: own(), source })?,
        }
        let listener =
            UnixListener::bind(path).map_err(|source| ServerError::Listen { path: own(), source })?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
            .map_err(|source| ServerError::Mode { path: own(), source })?;
        Ok(Self {
            listener,
            uid,
            operations,
        })
    }

    /// Serves until `stop` is there.
    pub async fn run(self, stop: impl Future<Output = ()> + Send) {
        let places = Arc::new(Semaphore::new(CLIENTS));
        let mut stop = std::pin::pin!(stop);
        loop {
            let accepted = tokio::select! {
                () = &mut stop => return,
                accepted = self.listener.accept() => accepted,
            };
            let Ok((stream, _)) = accepted else {
                sleep(PAUSE).await;
                continue;
            };
            let Some(origin) = self.heard(&stream) else {
                continue;
            };
            let Ok(place) = places.clone().try_acquire_owned() else {
                tokio::spawn(turn_away(stream));
                continue;
            };
            let operations = self.operations.clone();
            tokio::spawn(async move {
                Client::new(stream, origin, operations).serve().await;
                drop(place);
            });
        }
    }

    /// Whose process it is, when that one is heard.
    fn heard(&self, stream: &UnixStream) -> Option<Origin> {
        let peer = stream.peer_cred().ok()?;
        if peer.uid() != self.uid {
            warn!(
                "a process of user id {} was turned away from the administration socket",
                peer.uid()
            );
            return None;
        }
        Some(Origin::Socket {
            uid: peer.uid(),
            pid: peer.pid(),
        })
    }
}

/// Says that there is no room, to a client that has not been given a place.
async fn turn_away(mut stream: UnixStream) {
    let failure = Failure::new(FailureKind::Busy, "too many connections: try again in a moment");
    if let Some(line) = wire::line(&Answer::Failed(failure)) {
        let _best_effort = timeout(PAUSE, stream.write_all(&line)).await;
    }
}

struct Client {
    reader: BufReader<OwnedReadHalf>,
    writer: OwnedWriteHalf,
    origin: Origin,
    operations: Operations,
}

impl Client {
    fn new(stream: UnixStream, origin: Origin, operations: Operations) -> Self {
        let (reader, writer) = stream.into_split();
        Self {
            reader: BufReader::new(reader),
            writer,
            origin,
            operations,
        }
    }

    async fn serve(mut self) {
        while let Ok(Some(line)) = timeout(QUESTION_WITHIN, self.question()).await {
            let answered = match serde_json::from_slice::<Question>(&line) {
                Ok(question) => self.answer(question).await,
                Err(error) => {
                    let failure = Failure::invalid(format!("not understood: {error}"));
                    // What follows cannot be trusted to be in step.
                    let _last_word = self.say(&Answer::Failed(failure)).await;
                    return;
                }
            };
            if let Err(error) = answered {
                debug!("{}: {error}", self.origin);
                return;
            }
        }
    }

    /// The next line, or nothing at its end or when it is too long.
    async fn question(&mut self) -> Option<Vec<u8>> {
        let mut line = Vec::new();
        let limit = wire::QUESTION_BYTES as u64 + 1;
        let mut bounded = (&mut self.reader).take(limit);
        bounded.read_until(b'\n', &mut line).await.ok()?;
        (line.pop() == Some(b'\n')).then_some(line)
    }

    async fn answer(&mut self, question: Question) -> io::Result<()> {
        let (updates, mut told) = Updates::channel();
        let call = Call {
            origin: self.origin.clone(),
            message: question.message,
            request: question.request,
        };
        let operations = self.operations.clone();
        let mut work = std::pin::pin!(operations.perform(call, updates));
        let reply = loop {
            tokio::select! {
                biased;
                Some(update) = told.recv() => {
                    for answer in Answer::from_update(update) {
                        self.say(&answer).await?;
                    }
                }
                reply = &mut work => break reply,
                () = sleep(wire::ALIVE_EVERY) => self.say(&Answer::Alive).await?,
            }
        };
        while let Ok(update) = told.try_recv() {
            for answer in Answer::from_update(update) {
                self.say(&answer).await?;
            }
        }
        self.say(&Answer::from_reply(reply)).await
    }

    async fn say(&mut self, answer: &Answer) -> io::Result<()> {
        let line = wire::line(answer).ok_or(io::ErrorKind::InvalidData)?;
        timeout(READ_WITHIN, self.writer.write_all(&line)).await?
    }
}
