//! What archiving asks the session database.

use sps_session_record::TrailFile;

use crate::archived::{self, Archived, DueStep};
use crate::error::SessionsError;
use crate::sessions::{ROW_LIMIT, Sessions};

impl Sessions {
    /// Sessions that ended before `before` (milliseconds since 1970) and whose trails are where they were recorded, the oldest first,
    /// some at a time: `from` is where the last look ended. One that goes on, or whose end nobody knows, is never due.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn due(&self, before: i64, from: Option<i64>) -> Result<DueStep, SessionsError> {
        self.readers.read(ROW_LIMIT, |db| archived::due(db, before, from))
    }

    /// Notes what became of a trail whose local file is still there; it is on the disk when this returns. What was noted before
    /// stays. False when there is no such session.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn archive(&self, archived: Archived) -> Result<bool, SessionsError> {
        self.work(move |writer| {
            let put = writer.transaction(|db, _| archived::put(db, &archived));
            writer.told(put)
        })
    }

    /// What became of the trail of a session; nothing when it is where it was recorded.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn archived(&self, id: &str) -> Result<Option<Archived>, SessionsError> {
        self.readers.read(ROW_LIMIT, |db| archived::get(db, id))
    }

    /// Sessions, by identifier, whose trails are archived and whose local files may still be there.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn archived_still_here(&self) -> Result<Vec<(String, TrailFile)>, SessionsError> {
        self.readers.read(ROW_LIMIT, archived::still_here)
    }

    /// The local files of the trails of these sessions are gone.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn archived_gone(&self, ids: Vec<String>) -> Result<(), SessionsError> {
        self.work(move |writer| {
            let gone = writer.transaction(|db, _| archived::gone(db, &ids));
            writer.told(gone)
        })
    }

    /// When the newest session began, milliseconds since 1970; none when there is none.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn newest_start(&self) -> Result<Option<i64>, SessionsError> {
        self.readers.read(ROW_LIMIT, archived::newest)
    }

    /// How many trails are archived, and how many were deleted by a clean-up policy.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn archived_count(&self) -> Result<(u64, u64), SessionsError> {
        self.readers.read(ROW_LIMIT, archived::count)
    }
}
