//! All sessions that go on.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use thiserror::Error;
use tokio::sync::watch;

use super::following::Following;
use super::session::{Active, LiveSession};

/// Why something cannot be done with a session.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum LiveError {
    /// It has ended, or never was.
    #[error("the session {0} does not go on: look for it among those that have ended")]
    Gone(String),
    /// Nobody asks that.
    #[error(
        "the session {id} asks nothing of the number {number}: it was answered, or whoever asked has gone"
    )]
    NotAsked {
        /// The session.
        id: String,
        /// The number.
        number: u32,
    },
    /// The same person.
    #[error("{0} asks this in a session of their own: somebody else must agree")]
    Same(String),
    /// It cannot be followed.
    #[error("the session cannot be followed: {0}")]
    Follow(String),
}

/// The sessions that go on. Clones are the same.
#[derive(Clone, Debug)]
pub struct Live {
    sessions: Arc<Mutex<BTreeMap<String, Arc<LiveSession>>>>,
    changes: watch::Sender<u64>,
}

impl Default for Live {
    fn default() -> Self {
        Self {
            sessions: Arc::default(),
            changes: watch::Sender::new(0),
        }
    }
}

impl Live {
    /// Those that go on, the oldest first.
    #[must_use]
    pub fn list(&self) -> Vec<Active> {
        let sessions: Vec<Arc<LiveSession>> = self.lock().values().cloned().collect();
        sessions.iter().map(|session| session.active()).collect()
    }

    /// How many go on.
    #[must_use]
    pub fn count(&self) -> usize {
        self.lock().len()
    }

    /// Changes with every session that begins, ends, changes, asks, is answered or followed.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Ends a session; the person whose session it is reads `why`.
    ///
    /// # Errors
    /// It does not go on.
    pub fn terminate(&self, id: &str, why: &str) -> Result<(), LiveError> {
        self.get(id)?.terminate(why);
        Ok(())
    }

    /// Answers what a session asks for: `by` agrees, or refuses.
    ///
    /// # Errors
    /// It does not go on, nothing of this number is asked, or it is `by` who asks.
    pub fn answer(&self, id: &str, number: u32, by: &str, agrees: bool) -> Result<(), LiveError> {
        self.get(id)?.answer(number, by, agrees)?;
        self.changed();
        Ok(())
    }

    /// Follows what a session shows.
    ///
    /// # Errors
    /// It does not go on, or cannot be shown.
    pub fn follow(&self, id: &str, by: &str) -> Result<Following, LiveError> {
        let following = Following::begin(&self.get(id)?, by)?;
        self.changed();
        Ok(following)
    }

    pub(crate) fn add(&self, session: &Arc<LiveSession>) {
        self.lock().insert(session.id().to_owned(), Arc::clone(session));
        self.changed();
    }

    pub(crate) fn remove(&self, id: &str) {
        let session = self.lock().remove(id);
        if let Some(session) = session {
            session.ended();
            self.changed();
        }
    }

    /// Whoever shows sessions looks again.
    pub(crate) fn changed(&self) {
        self.changes
            .send_modify(|changes| *changes = changes.wrapping_add(1));
    }

    fn get(&self, id: &str) -> Result<Arc<LiveSession>, LiveError> {
        let found = self.lock().get(id).cloned();
        found.ok_or_else(|| LiveError::Gone(id.to_owned()))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Arc<LiveSession>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
