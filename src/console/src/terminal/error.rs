//! Why a terminal has no menu.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why a terminal has no menu.
#[derive(Debug, Error)]
pub enum TerminalError {
    /// Opening it.
    #[error("could not read keys of {path}")]
    Open {
        /// The device.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Setting it to raw mode.
    #[error("could not set {path} to raw mode")]
    Raw {
        /// The device.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Starting a thread.
    #[error("could not start a thread of the menu")]
    Thread(#[source] io::Error),
}
