//! What a cluster document must obey before it is in force. Pure.
//!
//! The first offence is reported with the path of the value, the reason and the mend.

mod connections;
mod policies;
mod settings;
mod words;

use thiserror::Error;

use crate::cluster::Cluster;

/// A value that cannot be.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{path}: {reason}")]
pub struct CheckError {
    /// Path of the value, such as `connections.ssh.connections.office.port`.
    pub path: String,
    /// What is wrong and how to mend it.
    pub reason: String,
}

type Checked = Result<(), CheckError>;

fn offence(path: impl Into<String>, reason: impl Into<String>) -> Checked {
    Err(CheckError {
        path: path.into(),
        reason: reason.into(),
    })
}

impl Cluster {
    /// Checks the whole document.
    ///
    /// # Errors
    /// The first value that cannot be.
    pub fn check(&self) -> Result<(), CheckError> {
        settings::check(self)?;
        policies::check(self)?;
        connections::check(self)
    }
}

#[cfg(test)]
mod tests;
