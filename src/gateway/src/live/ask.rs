//! What sessions ask for, and the answers: 4-eyes authorization.

use std::sync::{Mutex, MutexGuard, PoisonError};

use sps_proxy_ssh::Permission;
use tokio::sync::oneshot;

/// Something a session may do only when somebody else agrees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asking {
    /// Its number in the session.
    pub number: u32,
    /// Kind of the channel, such as `session-shell`.
    pub kind: String,
    /// Command, subsystem or server.
    pub detail: String,
    /// Since when, milliseconds since 1970.
    pub since: i64,
}

/// What one session asks.
#[derive(Debug, Default)]
pub(super) struct Questions(Mutex<Open>);

#[derive(Debug, Default)]
struct Open {
    asked: u32,
    open: Vec<(Asking, oneshot::Sender<Permission>)>,
}

impl Questions {
    /// Asks; the answer comes, or the sender is gone with the session.
    pub(super) fn ask(&self, kind: &str, detail: &str, since: i64) -> oneshot::Receiver<Permission> {
        let (answer, answered) = oneshot::channel();
        let mut questions = self.lock();
        questions.asked += 1;
        let asking = Asking {
            number: questions.asked,
            kind: kind.to_owned(),
            detail: detail.to_owned(),
            since,
        };
        questions.open.push((asking, answer));
        answered
    }

    /// Answers one; whether it is still asked.
    pub(super) fn answer(&self, number: u32, permission: Permission) -> bool {
        let mut questions = self.lock();
        let place = questions
            .open
            .iter()
            .position(|(asking, _)| asking.number == number);
        let Some(place) = place else { return false };
        let (_, answer) = questions.open.swap_remove(place);
        drop(questions);
        answer.send(permission).is_ok()
    }

    /// What is asked and whoever asks still waits.
    pub(super) fn open(&self) -> Vec<Asking> {
        let mut questions = self.lock();
        questions.open.retain(|(_, answer)| !answer.is_closed());
        let mut open: Vec<Asking> = questions.open.iter().map(|(asking, _)| asking.clone()).collect();
        open.sort_unstable_by_key(|asking| asking.number);
        open
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
