//! What goes into the menu and what comes out.

use sps_admin::{Failure, Progress, Request, Response};
use zeroize::Zeroizing;

use crate::line::Reading;

/// Something happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// Somebody wants the menu.
    Opened,
    /// A line was typed.
    Line(Zeroizing<String>),
    /// Somebody gives up what is asked.
    Cancel,
    /// Progress of job `job`.
    Progress {
        /// Number of the job.
        job: u64,
        /// How far.
        progress: Progress,
    },
    /// A request has ended.
    Ended {
        /// Number of the job.
        job: u64,
        /// How.
        reply: Box<Result<Response, Failure>>,
    },
    /// A command has ended; what it printed has been shown.
    Ran {
        /// Number of the job.
        job: u64,
    },
    /// Time has passed.
    Tick,
    /// The terminal is gone: nobody is there any more.
    HungUp,
}

/// What the terminal is to do, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Show text; every line ends with a line feed, but a prompt's.
    Text(String),
    /// Show this over the last bar; an empty one removes it.
    Bar(String),
    /// Read keys this way from now on.
    Read(Reading),
    /// Ask the appliance.
    Ask {
        /// Number of the job; its end is an [`Input::Ended`] with the same.
        job: u64,
        /// What.
        request: Request,
    },
    /// Run a command and show what it prints; its end is an [`Input::Ran`].
    Run {
        /// Number of the job.
        job: u64,
        /// The line.
        line: String,
    },
    /// Back to the log.
    Leave,
}
