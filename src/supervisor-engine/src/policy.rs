//! What a service is allowed: restart policy, back-off and time limits. All deadlines of the supervisor stand here.

use std::time::Duration;

/// When an ended service is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestartPolicy {
    /// However it ended: a service that the appliance always needs.
    Always,
    /// After an error or a panic, not after it finished by itself: a task with an end.
    OnFailure,
}

/// What happens when a service fails more often than its limit allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Escalation {
    /// It goes on being restarted at the longest back-off; the appliance is degraded.
    Degrade,
    /// The machine cannot do without it: reboot.
    Reboot,
}

/// Time limits and counts of one service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// First pause before a restart; doubles with each failure in a row.
    pub backoff_first: Duration,
    /// Longest pause before a restart.
    pub backoff_longest: Duration,
    /// A service that was ready for this long starts again from the first pause.
    pub settled_after: Duration,
    /// Time from start, or from the last sign of life since, to ready; later counts as a failure and the service is aborted.
    pub ready_within: Duration,
    /// Longest silence of a service that promised signs of life; `None` when it promised none.
    pub alive_every: Option<Duration>,
    /// Time it gets to end when asked to, or from its last sign of life since; then it is aborted.
    pub stop_within: Duration,
    /// Failures in a row that are still met with a restart before [`Escalation`] applies.
    pub failures_allowed: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            backoff_first: Duration::from_millis(200),
            backoff_longest: Duration::from_secs(30),
            settled_after: Duration::from_secs(60),
            ready_within: Duration::from_secs(60),
            alive_every: None,
            stop_within: Duration::from_secs(5),
            failures_allowed: 8,
        }
    }
}

impl Limits {
    /// Pause before the restart that follows `failures` failures in a row (1 or more).
    #[must_use]
    pub fn backoff(&self, failures: u32) -> Duration {
        let doubled = self
            .backoff_first
            .saturating_mul(1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX));
        doubled.min(self.backoff_longest)
    }
}

/// A service as the engine knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceSpec {
    /// Name, unique among the services.
    pub name: &'static str,
    /// When it is restarted.
    pub restart: RestartPolicy,
    /// What follows too many failures.
    pub escalation: Escalation,
    /// Its limits.
    pub limits: Limits,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_doubles_up_to_its_bound() {
        let limits = Limits::default();
        let pauses: Vec<_> = (1..=10).map(|n| limits.backoff(n).as_millis()).collect();
        assert_eq!(
            pauses,
            [200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000]
        );
        assert_eq!(limits.backoff(u32::MAX), limits.backoff_longest);
    }
}
