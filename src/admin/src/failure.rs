//! Why a request was not carried out.

use serde::{Deserialize, Serialize};

/// A refusal or a failure, in words for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(deny_unknown_fields)]
#[error("{message}")]
pub struct Failure {
    /// What kind it is.
    pub kind: FailureKind,
    /// What failed and how to mend it; lower case, no full stop.
    pub message: String,
}

/// Kinds of failure, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// The request itself is wrong: a slot that does not exist, a gateway outside its network.
    Invalid,
    /// Not from there, or not in this mode.
    NotAllowed,
    /// Another change is being carried out.
    Busy,
    /// The state of the appliance forbids it: a slot that is running, a firmware that failed before.
    Refused,
    /// Somebody else changed it meanwhile.
    Conflict,
    /// It was tried and failed.
    Failed,
    /// It was not done within its time limit.
    TimedOut,
    /// Somebody called it off.
    CalledOff,
}

impl Failure {
    /// A failure of `kind`.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }

    /// The state of the appliance forbids it.
    pub fn refused(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Refused, message)
    }

    /// It was tried and failed.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Failed, message)
    }

    /// `who` called it off.
    #[must_use]
    pub fn called_off(who: &str) -> Self {
        Self::new(
            FailureKind::CalledOff,
            format!("called off by {who}; nothing of it is kept"),
        )
    }

    /// The request itself is wrong.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Invalid, message)
    }
}
