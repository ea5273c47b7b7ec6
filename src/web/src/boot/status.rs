//! What the boot page shows besides the log: phases, health, services, progress, problems.
//!
//! Plain data. The binary keeps one value of it up to date in a `watch` channel; this room only shows it.

use serde::{Deserialize, Serialize};

/// How far the boot is and how the appliance does.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BootStatus {
    /// Overall health.
    pub health: Health,
    /// The phases of the boot in their order.
    pub phases: Vec<Phase>,
    /// Supervised services.
    pub services: Vec<Service>,
    /// The long step that is running now, when there is one.
    pub progress: Option<Progress>,
    /// What a person should know or mend, one sentence each.
    pub problems: Vec<String>,
    /// What this start is, when it is no ordinary one, and how long the last one took: words that begin the summary.
    #[serde(skip)]
    pub start: String,
}

/// Overall health.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// Phases are still running.
    #[default]
    Starting,
    /// Every service does its work.
    Healthy,
    /// The appliance works, and something is not as it should be.
    Degraded,
    /// The boot or a needed service failed.
    Failed,
    /// Reboot or power-off is under way.
    Stopping,
}

/// One named phase of the boot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phase {
    /// Short name, as in the log lines.
    pub name: String,
    /// Title for people.
    pub title: String,
    /// Where it stands.
    pub state: PhaseState,
    /// Start, in milliseconds of the monotonic clock (since the kernel started).
    pub started_ms: Option<u64>,
    /// End, on the same clock.
    pub finished_ms: Option<u64>,
}

/// Where a phase stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PhaseState {
    /// Not begun.
    Waiting,
    /// Running now.
    Running,
    /// Ended well.
    Done,
    /// Ended badly.
    Failed,
}

/// One supervised service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub state: ServiceState,
    /// What it says about itself; may be empty.
    pub detail: String,
}

/// Where a service stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ServiceState {
    /// Not started yet.
    Waiting,
    /// Started, not ready.
    Starting,
    /// Does its work.
    Healthy,
    /// Works with a limitation.
    Degraded,
    /// Ended and waits for its next start.
    Restarting,
    /// Ended and is not started again.
    Failed,
    /// Ended because it was told to.
    Stopped,
}

/// Progress of a long step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// What is being done.
    pub what: String,
    /// Units done.
    pub done: u64,
    /// Units in all; 0 when it is not known.
    pub total: u64,
    /// Name of the unit; `bytes` is shown with binary prefixes.
    pub unit: String,
    /// Units a second, when it can be said.
    pub rate: Option<f64>,
    /// Seconds left, when they can be said.
    pub seconds_left: Option<u64>,
}

impl Health {
    /// The word on every surface.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Failed => "failed",
            Self::Stopping => "stopping",
        }
    }

    /// Whether the appliance does its work.
    #[must_use]
    pub fn is_working(self) -> bool {
        matches!(self, Self::Healthy | Self::Degraded)
    }
}

impl PhaseState {
    /// The word on every surface.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

impl ServiceState {
    /// The word on every surface.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Starting => "starting",
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Restarting => "restarting",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_those_of_the_json() {
        for health in [
            Health::Starting,
            Health::Healthy,
            Health::Degraded,
            Health::Failed,
            Health::Stopping,
        ] {
            assert_eq!(serde_json::to_value(health).unwrap(), health.word());
        }
        for state in [
            PhaseState::Waiting,
            PhaseState::Running,
            PhaseState::Done,
            PhaseState::Failed,
        ] {
            assert_eq!(serde_json::to_value(state).unwrap(), state.word());
        }
        for state in [
            ServiceState::Waiting,
            ServiceState::Starting,
            ServiceState::Healthy,
            ServiceState::Degraded,
            ServiceState::Restarting,
            ServiceState::Failed,
            ServiceState::Stopped,
        ] {
            assert_eq!(serde_json::to_value(state).unwrap(), state.word());
        }
    }
}
