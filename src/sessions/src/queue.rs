//! What waits for the writer.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::SessionsError;
use crate::live::Step;
use crate::sessions::Health;
use crate::writer::Work;

/// Most changes that wait, whatever the disk can do: some 4 MB.
pub const QUEUE: usize = 16_384;
/// Fewest that may wait, however slow it is.
const LEAST_ROOM: usize = 64;
/// What waits is at most what is committed in this time, as the last commits went: more is not taken, since it could not be on the
/// disk in time.
const ROOM_TIME: Duration = Duration::from_millis(200);
/// Nor is anything taken while the oldest change waits longer than this.
const BEHIND: Duration = Duration::from_millis(400);
/// How long a change waits for room before it is refused.
const ROOM_WAIT: Duration = Duration::from_secs(5);
/// Most batches, deletions and the like that wait: each has a caller that waits for its answer.
const WORKS: usize = 8;
/// Longest time between a change and its commit, but for the commit itself and one batch of an import (`DECISION-commits.md`).
pub(crate) const COMMIT_EVERY: Duration = Duration::from_millis(200);
/// After a commit that failed: until it is tried again.
pub(crate) const RETRY: Duration = Duration::from_secs(1);
/// After a batch: until the importer is taken to rest, and the writer moves on what it brought.
pub(crate) const PAUSE: Duration = Duration::from_secs(5);
/// Without work: until the writer tidies up.
pub(crate) const IDLE: Duration = Duration::from_secs(10);

#[derive(Debug, Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    /// Something came, for the writer.
    came: Condvar,
    /// Something was written, for those that wait.
    written: Condvar,
}

#[derive(Default)]
struct State {
    steps: VecDeque<Step>,
    /// When the first of them came.
    since: Option<Instant>,
    /// How many may wait now.
    room: Room,
    works: VecDeque<Work>,
    /// Whether the writer is at one of them, and when the last one ended.
    working: bool,
    worked: Option<Instant>,
    /// Somebody waits for the steps to be written.
    hurry: bool,
    /// Steps that came and steps that were committed, ever.
    came: u64,
    committed: u64,
    /// After an error that may pass: not before then.
    not_before: Option<Instant>,
    error: Option<String>,
    closed: bool,
}

#[derive(Clone, Copy, Debug)]
struct Room(usize);

impl Default for Room {
    fn default() -> Self {
        Self(LEAST_ROOM)
    }
}

impl Room {
    /// What the commit of `count` changes in `time` says about the next.
    fn learn(&mut self, count: usize, time: Duration) {
        self.0 = if time < ROOM_TIME / 2 {
            self.0 * 2
        } else {
            (count as f64 * ROOM_TIME.as_secs_f64() / time.as_secs_f64()) as usize
        };
        self.0 = self.0.clamp(LEAST_ROOM, QUEUE);
    }
}

impl State {
    fn has_room(&self) -> bool {
        let behind = self.since.is_some_and(|since| since.elapsed() > BEHIND);
        self.steps.len() < self.room.0 && !behind
    }

    /// Why nothing is taken.
    fn closed(&self) -> SessionsError {
        let ended = |error: &String| SessionsError::Ended { error: error.clone() };
        self.error.as_ref().map_or(SessionsError::Closed, ended)
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State")
            .field("steps", &self.steps.len())
            .finish_non_exhaustive()
    }
}

/// What the writer does next.
pub(crate) enum Next {
    /// Commits these.
    Steps(Vec<Step>),
    /// Does this.
    Work(Work),
    /// Uses the pause to move what was imported.
    Pause,
    /// Tidies up.
    Idle,
    /// Ends.
    End,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'s>(on: &Condvar, state: MutexGuard<'s, State>, limit: Duration) -> MutexGuard<'s, State> {
        on.wait_timeout(state, limit)
            .unwrap_or_else(PoisonError::into_inner)
            .0
    }

    /// Hands a step to the writer; waits when it does not keep up.
    pub(crate) fn push(&self, step: Step) -> Result<(), SessionsError> {
        let end = Instant::now() + ROOM_WAIT;
        let mut state = self.lock();
        while !state.closed && !state.has_room() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let waiting = state.steps.len();
                return Err(SessionsError::Busy { waiting });
            }
            state = Self::wait(&self.written, state, left);
        }
        if state.closed {
            return Err(state.closed());
        }
        state.steps.push_back(step);
        state.came += 1;
        if state.since.is_none() {
            state.since = Some(Instant::now());
            self.came.notify_one();
        }
        Ok(())
    }

    /// Hands other work to the writer.
    pub(crate) fn work(&self, work: Work) -> Result<(), SessionsError> {
        let mut state = self.lock();
        if state.closed {
            return Err(state.closed());
        }
        if state.works.len() >= WORKS {
            let waiting = state.works.len();
            return Err(SessionsError::Busy { waiting });
        }
        state.works.push_back(work);
        self.came.notify_one();
        Ok(())
    }

    /// Waits until all that came before is committed.
    pub(crate) fn flush(&self, limit: Duration) -> Result<(), SessionsError> {
        let end = Instant::now() + limit;
        let mut state = self.lock();
        let wanted = state.came;
        while state.committed < wanted {
            if state.closed && state.steps.is_empty() {
                return Err(state.closed());
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let waiting = state.steps.len();
                return Err(SessionsError::Busy { waiting });
            }
            state.hurry = true;
            self.came.notify_one();
            state = Self::wait(&self.written, state, left);
        }
        Ok(())
    }

    /// Waits for what the writer does next. Steps come first and stay queued until [`Queue::committed`].
    pub(crate) fn next(&self, has_to_move: bool) -> Next {
        let mut state = self.lock();
        if std::mem::take(&mut state.working) {
            state.worked = Some(Instant::now());
        }
        let idle = Instant::now() + IDLE;
        loop {
            let now = Instant::now();
            let retry = state
                .not_before
                .map_or(Duration::ZERO, |at| at.saturating_duration_since(now));
            let due = state
                .since
                .map(|since| (since + COMMIT_EVERY).saturating_duration_since(now));
            let urgent = state.hurry
                || state.closed
                || !state.works.is_empty()
                || state.steps.len() >= state.room.0 / 2;
            if let Some(due) = due
                && retry.is_zero()
                && (due.is_zero() || urgent)
            {
                return Next::Steps(state.steps.iter().cloned().collect());
            }
            if let Some(work) = state.works.pop_front() {
                state.working = true;
                return Next::Work(work);
            }
            if state.closed {
                return Next::End;
            }
            let pause = state
                .worked
                .map_or(Duration::ZERO, |at| (at + PAUSE).saturating_duration_since(now));
            if has_to_move && pause.is_zero() && retry.is_zero() {
                return Next::Pause;
            }
            if now >= idle && retry.is_zero() {
                return Next::Idle;
            }
            let rest = if has_to_move { pause } else { IDLE };
            let limit = due
                .unwrap_or(rest)
                .min(rest)
                .max(retry)
                .max(Duration::from_millis(1));
            state = Self::wait(&self.came, state, limit);
        }
    }

    /// The first `count` steps are done with; it took so long.
    pub(crate) fn committed(&self, count: usize, time: Duration) {
        let mut state = self.lock();
        state.room.learn(count, time);
        state.steps.drain(..count);
        state.committed += count as u64;
        state.hurry = false;
        state.not_before = None;
        state.error = None;
        // Those that came during the commit wait for the next.
        state.since = (!state.steps.is_empty()).then(Instant::now);
        self.written.notify_all();
    }

    /// A commit failed; it is tried again later.
    pub(crate) fn failed(&self, error: String) {
        let mut state = self.lock();
        state.not_before = Some(Instant::now() + RETRY);
        state.error = Some(error);
    }

    /// Nothing more is taken; what waits is still written.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.came.notify_all();
        self.written.notify_all();
    }

    /// Nothing more is taken, and nothing that waits is written: after an error that does not pass.
    pub(crate) fn abandon(&self, error: String) {
        let mut state = self.lock();
        tracing::error!(%error, "the session database is no longer written");
        state.error = Some(error);
        state.steps.clear();
        state.since = None;
        state.works.clear();
        drop(state);
        self.close();
    }

    /// Why an answer does not come.
    pub(crate) fn closed(&self) -> SessionsError {
        self.lock().closed()
    }

    /// Changes that wait, and the error because of which they do.
    pub(crate) fn health(&self) -> Health {
        let state = self.lock();
        Health {
            waiting: state.steps.len(),
            late: state.since.map(|since| since.elapsed()).unwrap_or_default(),
            committed: state.committed,
            error: state.error.clone(),
        }
    }
}
