//! Firmware files that arrive piece by piece: by a browser, the API, SFTP.

use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::failure::Failure;

/// Pieces, of 8 to 64 KiB each, between network and disk.
const PIECES: usize = 16;

/// A file that is arriving. Dropped before its end, nothing of it is left. Its methods write to a disk: they block.
pub trait Parcel: Send {
    /// Takes the next piece.
    ///
    /// # Errors
    /// There is no room for it, or it cannot be written.
    fn write(&mut self, piece: &[u8]) -> Result<(), Failure>;

    /// It is all there: `FirmwareAdd` of `FirmwareSource::Received` takes it.
    ///
    /// # Errors
    /// It cannot be kept.
    fn finish(self: Box<Self>) -> Result<Arrived, Failure>;
}

/// What has arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrived {
    /// Bytes.
    pub bytes: u64,
    /// SHA-256 of all of it, hexadecimal.
    pub sha256: String,
}

/// Brings a file to its parcel: a thread of its own writes and hashes while the network is read. Dropped, the file is given up.
#[derive(Debug)]
pub struct Intake<P> {
    pieces: mpsc::Sender<P>,
    all_there: oneshot::Sender<()>,
    writing: JoinHandle<Result<Arrived, Failure>>,
}

/// The parcel takes no more; [`Intake::finish`] tells why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl<P: AsRef<[u8]> + Send + 'static> Intake<P> {
    /// Begins to fill `parcel`.
    #[must_use]
    pub fn new(mut parcel: Box<dyn Parcel>) -> Self {
        let (pieces, mut received) = mpsc::channel::<P>(PIECES);
        let (all_there, is_all_there) = oneshot::channel();
        let writing = spawn_blocking(move || {
            while let Some(piece) = received.blocking_recv() {
                parcel.write(piece.as_ref())?;
            }
            // A sender that went away is no end.
            is_all_there
                .blocking_recv()
                .map_err(|_| Failure::failed("the file did not arrive whole"))?;
            parcel.finish()
        });
        Self {
            pieces,
            all_there,
            writing,
        }
    }

    /// Takes the next piece, when there is room for it.
    ///
    /// # Errors
    /// The parcel takes no more.
    pub async fn take(&self, piece: P) -> Result<(), Full> {
        self.pieces.send(piece).await.map_err(|_| Full)
    }

    /// The file is all there, or [`Full`].
    ///
    /// # Errors
    /// It could not be kept.
    pub async fn finish(self) -> Result<Arrived, Failure> {
        let _writer_gone = self.all_there.send(());
        drop(self.pieces);
        ended(self.writing).await
    }

    /// Gives the file up; returns when nothing of it is left.
    pub async fn give_up(self) {
        drop((self.all_there, self.pieces));
        let _given_up = ended(self.writing).await;
    }
}

async fn ended(writing: JoinHandle<Result<Arrived, Failure>>) -> Result<Arrived, Failure> {
    let ended = writing.await;
    ended.unwrap_or_else(|_| Err(Failure::failed("it ended unexpectedly; the log says more")))
}
