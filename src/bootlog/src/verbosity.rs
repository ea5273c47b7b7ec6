//! How much of sessions is logged: 1 to 10, changed while it runs.
//!
//! | verbosity | of the proxies |
//! |---|---|
//! | 1, 2 | errors and warnings; alerts are warnings, and hidden at none |
//! | 3 to 5 | sessions: who came, logged in, was refused, and why a session ended |
//! | 6 to 8 | what each connection does: policies, ways of logging in, channels |
//! | 9, 10 | each message by its kind and size |
//!
//! What libraries say of a protocol is logged at none below a warning: it is there that packets would be shown. Secrets, keys and what is typed or shown are
//! logged at none: whoever writes an event tells its kind and size. Everything else of the appliance is logged as ever.

use std::sync::atomic::{AtomicU32, Ordering};

use tracing::Level;

/// Verbosity until somebody chooses another.
const DEFAULT: u32 = 4;
/// Where the events of sessions come from.
const OF_SESSIONS: [&str; 2] = ["sps_proxy_", "sps_gateway"];

/// How much is logged.
#[derive(Debug)]
pub struct Verbosity(AtomicU32);

impl Default for Verbosity {
    fn default() -> Self {
        Self(AtomicU32::new(DEFAULT))
    }
}

impl Verbosity {
    /// From now on so much.
    pub fn set(&self, verbosity: u32) {
        self.0.store(verbosity, Ordering::Relaxed);
    }

    /// Whether an event is logged.
    pub(crate) fn takes(&self, target: &str, level: Level) -> bool {
        if !OF_SESSIONS.iter().any(|of| target.starts_with(of)) {
            return level != Level::TRACE;
        }
        let most = match self.0.load(Ordering::Relaxed) {
            0..=2 => Level::WARN,
            3..=5 => Level::INFO,
            6..=8 => Level::DEBUG,
            _ => Level::TRACE,
        };
        level <= most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_tell_more_the_higher_it_is_and_others_always_the_same() {
        let verbosity = Verbosity::default();
        let taken = |target: &str| {
            let levels = [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE];
            levels
                .into_iter()
                .filter(|level| verbosity.takes(target, *level))
                .count()
        };
        assert_eq!(taken("sps_proxy_ssh::login"), 3);
        for (level, count) in [(1, 2), (2, 2), (3, 3), (5, 3), (6, 4), (8, 4), (9, 5), (10, 5)] {
            verbosity.set(level);
            assert_eq!(taken("sps_proxy_ssh::login"), count, "{level}");
            assert_eq!(taken("sps_gateway::gateway"), count, "{level}");
            assert_eq!(taken("sps_net"), 4);
            assert_eq!(
                taken("russh::server"),
                4,
                "the layer takes no more than warnings of those"
            );
        }
    }
}
