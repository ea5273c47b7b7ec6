//! The life of one service.

use std::time::Duration;

use crate::policy::ServiceSpec;

/// Position of a service in the list given to the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceId(pub usize);

/// Where a service is in its life; times are since boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Not started yet.
    Waiting,
    /// Started, not ready yet.
    Starting {
        /// When it was started.
        since: Duration,
    },
    /// Does its work.
    Ready {
        /// When it became ready.
        since: Duration,
        /// Last sign of life.
        alive: Duration,
    },
    /// Aborted after a broken promise; its end is awaited.
    Aborting {
        /// When it was aborted.
        since: Duration,
    },
    /// Aborted and still there: it holds its thread and will not be started again.
    Stuck,
    /// Ended; waits to be started again.
    BackOff {
        /// When it will be started.
        until: Duration,
    },
    /// Asked to end.
    Stopping {
        /// When it is aborted if it has not ended.
        until: Duration,
    },
    /// Ended for good: its work was done or the appliance stops.
    Ended,
}

#[derive(Clone, Debug)]
pub(crate) struct Service {
    pub(crate) spec: ServiceSpec,
    pub(crate) phase: Phase,
    /// Failures in a row without having settled in between.
    pub(crate) failures: u32,
    pub(crate) last_problem: Option<String>,
}

impl Service {
    pub(crate) fn new(spec: ServiceSpec) -> Self {
        Self {
            spec,
            phase: Phase::Waiting,
            failures: 0,
            last_problem: None,
        }
    }

    /// Whether a task of this service exists at the moment.
    pub(crate) fn is_running(&self) -> bool {
        matches!(
            self.phase,
            Phase::Starting { .. }
                | Phase::Ready { .. }
                | Phase::Stopping { .. }
                | Phase::Aborting { .. }
                | Phase::Stuck
        )
    }

    /// Whether nothing is wanting: it works, or its work is done.
    pub(crate) fn is_well(&self) -> bool {
        matches!(self.phase, Phase::Ready { .. } | Phase::Ended)
    }
}
