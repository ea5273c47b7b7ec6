//! The store: starts and stops the thread, begins trails.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use sps_trail::Writer;
use tokio::sync::oneshot;

use crate::error::{RecordError, StoreError};
use crate::files::Folder;
use crate::notice::Work;
use crate::session::{Session, Totals, Trail};
use crate::tally::Figures;
use crate::thread::Pen;

/// Whether another session may be recorded: an error says why not, for the person whose session it is.
pub type Room = Box<dyn Fn() -> Result<(), String> + Send + Sync>;

/// How often what was recorded goes to the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// From one round of writing and syncing to the next; with the round itself it has to stay below a second.
    pub round: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            round: Duration::from_millis(500),
        }
    }
}

/// Writes the trails of all sessions.
pub struct TrailStore {
    folder: PathBuf,
    all: Arc<Totals>,
    room: Room,
    thread: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for TrailStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TrailStore")
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

impl TrailStore {
    /// Starts writing below `folder`, which is there.
    ///
    /// # Errors
    /// The folder cannot be opened, the thread cannot be started.
    pub fn start(folder: &Path, pace: Pace, room: Room) -> Result<Self, StoreError> {
        let opened = Folder::open(folder)?;
        let all = Arc::new(Totals::default());
        let pen = Pen::new(Arc::clone(&all), opened, pace);
        let thread = std::thread::Builder::new().name("trails".into());
        let thread = thread.spawn(move || pen.run()).map_err(StoreError::Thread)?;
        Ok(Self {
            folder: folder.to_owned(),
            all,
            room,
            thread: Some(thread),
        })
    }

    /// Begins a trail: `head` is what [`Writer::new`] gave. When this returns, file and name are on the disk. Folders in `name` are made.
    ///
    /// # Errors
    /// There is no room, the file is there already, the disk failed: the session must not begin.
    pub async fn begin(&self, name: &str, writer: Writer, head: Vec<u8>) -> Result<Trail, RecordError> {
        (self.room)().map_err(|reason| RecordError::NoRoom { reason })?;
        let path = self.below(name)?;
        let session = Arc::new(Session::new(path, writer, Arc::clone(&self.all)));
        // Whoever does not wait for the answer leaves a trail that has ended.
        let trail = Trail::new(Arc::clone(&session));
        let (answer, answered) = oneshot::channel();
        let work = Work::Begin(session, head, answer);
        self.all.notices.add(work).ok_or(RecordError::Closed)?;
        answered.await.unwrap_or(Err(RecordError::Closed))?;
        Ok(trail)
    }

    /// What was written, and how long it took.
    #[must_use]
    pub fn figures(&self) -> Figures {
        self.all.tally.figures(self.all.waiting())
    }

    fn below(&self, name: &str) -> Result<PathBuf, RecordError> {
        let plain = |part: Component<'_>| matches!(part, Component::Normal(_));
        let path = Path::new(name);
        if name.is_empty() || name.contains('\0') || !path.components().all(plain) {
            return Err(RecordError::Name {
                name: name.to_owned(),
            });
        }
        Ok(self.folder.join(path))
    }

    /// Writes what was recorded and ends; trails that go on are cut there, and take nothing more.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.all.notices.close();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that writes audit trails panicked");
        }
    }
}

impl Drop for TrailStore {
    fn drop(&mut self) {
        self.end();
    }
}
