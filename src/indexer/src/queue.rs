//! Sessions that ended and wait for the worker. What is lost here stands in the session database as queued.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Most identifiers that are kept: what comes on top is found in the database.
const MOST: usize = 10_000;

/// The sessions.
#[derive(Debug)]
pub struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    ended: VecDeque<String>,
    /// There is more in the database than what is kept here.
    look: bool,
    woken: bool,
}

impl Default for Queue {
    fn default() -> Self {
        Self {
            state: Mutex::new(State {
                ended: VecDeque::new(),
                // Of the time before this start.
                look: true,
                woken: false,
            }),
            changed: Condvar::new(),
        }
    }
}

impl Queue {
    /// A session has ended, and this stands in the database.
    pub fn ended(&self, id: &str) {
        let mut state = self.lock();
        if state.ended.len() < MOST {
            state.ended.push_back(id.to_owned());
        } else {
            state.look = true;
        }
        drop(state);
        self.changed.notify_all();
    }

    /// The database is to be looked through again: what could not be indexed before may be now.
    pub fn look_again(&self) {
        self.lock().look = true;
        self.changed.notify_all();
    }

    /// Ends a wait.
    pub fn wake(&self) {
        self.lock().woken = true;
        self.changed.notify_all();
    }

    /// How many wait, as far as they are known here.
    pub fn len(&self) -> usize {
        self.lock().ended.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The next.
    pub(crate) fn next(&self) -> Option<String> {
        self.lock().ended.pop_front()
    }

    /// Whether the database is to be looked through; it is not to be afterwards.
    pub(crate) fn take_look(&self) -> bool {
        std::mem::take(&mut self.lock().look)
    }

    /// Waits until there is something to do, at most this long.
    pub fn wait(&self, most: Duration) {
        let idle = |state: &mut State| state.ended.is_empty() && !state.look && !state.woken;
        let waited = self.changed.wait_timeout_while(self.lock(), most, idle);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.woken = false;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_much_is_looked_for_in_the_database() {
        let queue = Queue::default();
        assert!(queue.take_look() && !queue.take_look());
        for number in 0..=MOST {
            queue.ended(&number.to_string());
        }
        assert_eq!((queue.len(), queue.next().as_deref()), (MOST, Some("0")));
        assert!(queue.take_look());
    }

    #[test]
    fn whoever_waits_is_woken() {
        let queue = Queue::default();
        queue.take_look();
        std::thread::scope(|scope| {
            scope.spawn(|| queue.wait(Duration::from_secs(3600)));
            queue.wake();
        });
    }
}
