//! What a pair of channels has come to.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use sps_proxy_engine::{Allowed, Kind};

/// An answer to a request of the client, in the order of the requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    /// The server will say.
    Server,
    /// The appliance has said.
    Own(bool),
}

/// Shared by both directions of a pair.
#[derive(Debug, Default)]
pub(super) struct State {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    expected: VecDeque<Expected>,
    allowed: Option<(Kind, bool)>,
    /// The server has sent all.
    ending: bool,
    /// Rows and columns of the terminal.
    terminal: Option<(u32, u32)>,
}

/// Answers that may wait for a server: `ssh` has at most a handful.
const MOST: usize = 64;

impl State {
    /// A request went to the server, or was answered here. Returns the answers that can go to the client now; nothing when too many
    /// wait.
    pub(super) fn expect(&self, expected: Expected) -> Option<Vec<bool>> {
        let mut inner = self.lock();
        if inner.expected.len() >= MOST {
            return None;
        }
        inner.expected.push_back(expected);
        Some(ready(&mut inner.expected))
    }

    /// The server answered the oldest request that waits for it.
    pub(super) fn answered(&self, success: bool) -> Vec<bool> {
        let mut inner = self.lock();
        if inner.expected.front() != Some(&Expected::Server) {
            // An answer to nothing.
            return Vec::new();
        }
        inner.expected.pop_front();
        let mut answers = vec![success];
        answers.extend(ready(&mut inner.expected));
        answers
    }

    /// The kind of the channel is known, and may be.
    pub(super) fn permit(&self, kind: Kind, allowed: &Allowed) {
        self.lock().allowed = Some((kind, allowed.audit));
    }

    /// The server has sent all.
    pub(super) fn set_ending(&self) {
        self.lock().ending = true;
    }

    /// Whether it has.
    pub(super) fn is_ending(&self) -> bool {
        self.lock().ending
    }

    /// The channel has a terminal, or it has another size: rows and columns.
    pub(super) fn set_terminal(&self, rows: u32, columns: u32) {
        self.lock().terminal = Some((rows, columns));
    }

    /// Rows and columns of the terminal.
    pub(super) fn terminal(&self) -> Option<(u32, u32)> {
        self.lock().terminal
    }

    /// Whether somebody reads what it shows.
    pub(super) fn is_terminal(&self) -> bool {
        let inner = self.lock();
        let is_of_people = matches!(inner.allowed, Some((Kind::Shell | Kind::Exec, _)));
        is_of_people && inner.terminal.is_some()
    }

    /// Whether data may pass, and are recorded; nothing as long as no kind was allowed.
    pub(super) fn passes(&self) -> Option<bool> {
        self.lock().allowed.map(|(_, audit)| audit)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn ready(expected: &mut VecDeque<Expected>) -> Vec<bool> {
    let mut answers = Vec::new();
    while let Some(Expected::Own(success)) = expected.front().copied() {
        expected.pop_front();
        answers.push(success);
    }
    answers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_keep_the_order_of_the_requests() {
        let state = State::default();
        assert_eq!(state.expect(Expected::Server), Some(vec![]));
        assert_eq!(state.expect(Expected::Own(false)), Some(vec![]));
        assert_eq!(state.expect(Expected::Server), Some(vec![]));
        assert_eq!(state.answered(true), [true, false]);
        assert_eq!(state.expect(Expected::Own(true)), Some(vec![]));
        assert_eq!(state.answered(false), [false, true]);
        assert_eq!(state.answered(true), [false; 0]);
        assert_eq!(state.expect(Expected::Own(true)), Some(vec![true]));
    }

    #[test]
    fn a_server_that_never_answers_lets_no_more_wait() {
        let state = State::default();
        for _ in 0..MOST {
            assert!(state.expect(Expected::Server).is_some());
        }
        assert_eq!(state.expect(Expected::Server), None);
    }
}
