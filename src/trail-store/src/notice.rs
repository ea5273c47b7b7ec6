//! What sessions tell the thread, and how it waits for that.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use sps_trail::Ending;
use tokio::sync::oneshot;

use crate::error::RecordError;
use crate::session::{Finished, Session};

/// Answer to one that waits.
pub(crate) type Answer<T> = oneshot::Sender<Result<T, RecordError>>;

/// Something to do.
#[derive(Debug)]
pub(crate) enum Work {
    /// Make the file and write these bytes.
    Begin(Arc<Session>, Vec<u8>, Answer<()>),
    /// Something was recorded.
    Touched(Arc<Session>),
    /// Answer when everything recorded so far is on the disk.
    Flush(Arc<Session>, Answer<()>),
    /// End the trail.
    Finish(Arc<Session>, Ending, Option<Answer<Finished>>),
}

/// A list with a bell. At most one [`Work::Touched`] and one [`Work::Finish`] of each session is in it.
#[derive(Debug, Default)]
pub(crate) struct Notices {
    state: Mutex<State>,
    bell: Condvar,
}

#[derive(Debug, Default)]
struct State {
    works: Vec<Work>,
    /// Somebody waits: do not wait for the tick.
    hurry: bool,
    closed: bool,
}

/// What the thread wakes up to.
#[derive(Debug)]
pub(crate) struct Woken {
    pub(crate) works: Vec<Work>,
    pub(crate) closed: bool,
}

impl Notices {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds something to do; none when the thread has ended.
    pub(crate) fn add(&self, work: Work) -> Option<()> {
        let mut state = self.lock();
        if state.closed {
            return None;
        }
        state.hurry |= !matches!(work, Work::Touched(_));
        state.works.push(work);
        // The first one wakes the thread, which then knows that it has to tick.
        self.bell.notify_one();
        Some(())
    }

    /// Takes what gathers without waiting for the tick.
    pub(crate) fn hurry(&self) {
        self.lock().hurry = true;
        self.bell.notify_one();
    }

    /// Nothing more is added; what was is done.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.bell.notify_one();
    }

    /// Waits until `tick`, or without one for ever, unless somebody is in a hurry.
    pub(crate) fn wait(&self, tick: Option<Instant>) -> Woken {
        let mut state = self.lock();
        while !state.hurry && !state.closed {
            // Without a tick any work sets one.
            let left = match tick {
                None if state.works.is_empty() => None,
                None => break,
                Some(tick) => match tick.checked_duration_since(Instant::now()) {
                    Some(left) if !left.is_zero() => Some(left),
                    _ => break,
                },
            };
            state = match left {
                None => self.bell.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(left) => {
                    let waited = self.bell.wait_timeout(state, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        state.hurry = false;
        Woken {
            works: std::mem::take(&mut state.works),
            closed: state.closed,
        }
    }
}
