//! Why a medium cannot be used.

use std::io;

use thiserror::Error;

use super::write::WriteError;
use crate::device::DeviceError;

/// Why.
#[derive(Debug, Error)]
pub enum MediumError {
    /// It could not be opened.
    #[error("the medium {device} cannot be used")]
    Open {
        /// The disk or partition.
        device: String,
        /// Why.
        #[source]
        source: DeviceError,
    },
    /// Its file system is none that can be read here.
    #[error(
        "{device} holds {holds}, which the appliance does not read: format it as FAT32 and copy the file again"
    )]
    Unreadable {
        /// The disk or partition.
        device: String,
        /// What is on it.
        holds: String,
    },
    /// There is no such file.
    #[error("there is no file {path} on {device}")]
    NoFile {
        /// The disk or partition.
        device: String,
        /// The path.
        path: String,
    },
    /// The file could not be found or read.
    #[error("{path} on {device} cannot be read")]
    Read {
        /// The disk or partition.
        device: String,
        /// The path.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// There is nothing a file can be written to.
    #[error(
        "there is no FAT file system on {device} to write to: choose another stick, or format it as FAT32"
    )]
    NotFat {
        /// The disk or partition.
        device: String,
    },
    /// The file could not be written.
    #[error("{path} could not be written to {device}")]
    Write {
        /// The disk or partition.
        device: String,
        /// The name of the file.
        path: String,
        /// Why.
        #[source]
        source: WriteError,
    },
}
