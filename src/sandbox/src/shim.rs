//! The role that becomes the program. Three processes: what the kernel calls process 1 of a namespace lives by other rules
//! (no signal it has not asked for ends it), so the program must not be that one, and whoever makes the namespace is not
//! in it.

use std::convert::Infallible;
use std::ffi::{CString, OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, ExitCode, ExitStatus};

use nix::sched::{CloneFlags, unshare};
use nix::unistd::fexecve;
use rustix::process::{Signal, set_parent_process_death_signal};
use thiserror::Error;

use crate::confine;
use crate::order::{NAME, Order, Stage};

/// Exit status of a shim that did not start the program.
pub(crate) const NOT_STARTED: u8 = 125;
/// Added to the number of the signal that ended the program, as shells do.
pub(crate) const SIGNALLED: i32 = 128;
/// The calling binary, wherever it lies.
pub(crate) const OWN: &str = "/proc/self/exe";

/// What a shim could not do.
#[derive(Debug, Error)]
#[error("could not {what}: {source}")]
pub(crate) struct Problem {
    pub(crate) what: &'static str,
    pub(crate) source: io::Error,
}

/// Names what failed.
pub(crate) trait Doing<T> {
    fn doing(self, what: &'static str) -> Result<T, Problem>;
}

impl<T, E: Into<io::Error>> Doing<T> for Result<T, E> {
    fn doing(self, what: &'static str) -> Result<T, Problem> {
        self.map_err(|error| Problem {
            what,
            source: error.into(),
        })
    }
}

/// Whether this process was started as the shim. To be asked before anything else: in its own namespace it is process 1.
#[must_use]
pub fn is_meant(program: &OsStr) -> bool {
    Path::new(program).file_name() == Some(OsStr::new(NAME))
}

/// Does its part and does not return before the program has ended; `words` are the arguments after the name.
#[must_use]
pub fn enter(words: impl Iterator<Item = OsString>) -> ExitCode {
    let Some(order) = Order::parse(words) else {
        eprintln!("{NAME} is a role of the appliance's own binary and not for people");
        return NOT_STARTED.into();
    };
    let done = match order.stage {
        Stage::Outer => outer(&order),
        Stage::Init => follow(&order, Stage::Inner),
        Stage::Inner => inner(&order).map(|never| match never {}),
    };
    match done {
        Ok(status) => passed_on(status),
        Err(problem) => {
            eprintln!("{problem}");
            NOT_STARTED.into()
        }
    }
}

/// Nothing that happens in the namespaces made here is seen outside.
fn outer(order: &Order) -> Result<ExitStatus, Problem> {
    let all = CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWPID
        | CloneFlags::CLONE_NEWNET
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWUTS
        | CloneFlags::CLONE_NEWCGROUP;
    unshare(all).doing("make namespaces")?;
    follow(order, Stage::Init)
}

/// Starts the next process and waits for it.
fn follow(order: &Order, next: Stage) -> Result<ExitStatus, Problem> {
    let mut command = Command::new(OWN);
    command.arg0(NAME);
    order.at(next).write(&mut command);
    command.status().doing("start the next step")
}

fn passed_on(status: ExitStatus) -> ExitCode {
    let code = match (status.code(), status.signal()) {
        (Some(code), _) => code,
        (None, signal) => SIGNALLED + signal.unwrap_or_default(),
    };
    u8::try_from(code).unwrap_or(u8::MAX).into()
}

fn inner(order: &Order) -> Result<Infallible, Problem> {
    let program = File::open(&order.program).doing("open the program")?;
    let mut words = vec![CString::from(c"program")];
    for argument in &order.arguments {
        let word = CString::new(argument.clone().into_vec());
        words.push(word.map_err(io::Error::other).doing("read the arguments")?);
    }
    confine::leave_the_appliance()?;
    confine::limit(order)?;
    sps_sys::descriptors::close_on_exec_from(3).doing("close the other files")?;
    confine::become_nobody()?;
    // Only now: changing the user takes it back.
    set_parent_process_death_signal(Some(Signal::KILL)).doing("follow the parent")?;
    confine::landlock()?;
    confine::system_calls(&program)?;
    let environment: [CString; 0] = [];
    fexecve(&program, &words, &environment).doing("start the program")
}
