//! What can go wrong with the clock.

use std::io;

use thiserror::Error;

/// Why the clock could not be handled. A server that does not answer is no error: it is shown in the state.
#[derive(Debug, Error)]
pub enum ClockError {
    /// Setting the clock to the floor.
    #[error("clock could not be set to the firmware's build time: the process needs CAP_SYS_TIME")]
    Floor(#[source] io::Error),
    /// Stepping.
    #[error("clock could not be stepped: the process needs CAP_SYS_TIME")]
    Step(#[source] io::Error),
    /// Steering.
    #[error("clock frequency could not be set: the process needs CAP_SYS_TIME")]
    Steer(#[source] io::Error),
    /// Reading the frequency.
    #[error("clock frequency could not be read")]
    Frequency(#[source] io::Error),
    /// Telling the kernel the state of synchronization.
    #[error("kernel could not be told the state of synchronization: the process needs CAP_SYS_TIME")]
    Status(#[source] io::Error),
}
