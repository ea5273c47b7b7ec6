//! How a session ended.

use sps_session_record::Word;

/// Why nothing more is recorded: readable by everybody who has the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// Verdict of the session, such as [`Word::ACCEPT`] or [`Word::TERMINATED`].
    pub verdict: Word,
    /// The reason, for people; at most [`crate::MAX_TEXT`] bytes are kept.
    pub reason: String,
}
