//! The role `index-trail`: the appliance starts its own binary so, in a sandbox, gives it an audit trail on standard input and reads what it
//! shows from standard output. Not for people, and so in no help. External indexers (`sps indexer`) do the same.
//!
//! It opens nothing: what starts it may take everything but those two from it.

use std::ffi::OsStr;
use std::io::{self, Read};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sps_indexer::{Reader, ReaderError};
use sps_sandbox::{Limits, Program, Sandbox, SandboxError};

/// The word that means it.
const ROLE: &str = "index-trail";
/// Version of this binary, by which appliance and external indexers know each other.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Longest time for one trail.
const TRAIL_TIME: Duration = Duration::from_secs(3600);
/// Bytes of memory for one trail: sixteen terminals, and what they showed last.
const TRAIL_MEMORY: u64 = 512 * 1024 * 1024;
/// Bytes that one trail may tell: moments and their heads, which the reader of what is told counts itself.
const TRAIL_ANSWER: usize = 512 * 1024 * 1024;

/// Whether the arguments mean this role.
pub(crate) fn is_meant(arguments: impl Iterator<Item = impl AsRef<OsStr>>) -> bool {
    let mut arguments = arguments;
    arguments.next().is_some_and(|word| word.as_ref() == ROLE) && arguments.next().is_none()
}

/// Reads the trail on standard input.
pub(crate) fn answer() -> ExitCode {
    match sps_indexer::answer(&mut io::stdin().lock(), &mut io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("could not read the audit trail: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Reads trails in a sandbox, by this binary in its role.
pub(crate) struct Sandboxed {
    sandbox: Sandbox,
    program: Program,
    stop: Arc<AtomicBool>,
}

impl Sandboxed {
    /// Until `stop`.
    pub(crate) fn new(sandbox: Sandbox, stop: Arc<AtomicBool>) -> Result<Self, ReaderError> {
        Ok(Self {
            sandbox: sandbox.with_limits(Limits {
                time: TRAIL_TIME,
                processor: TRAIL_TIME,
                memory: TRAIL_MEMORY,
                answer: TRAIL_ANSWER,
            }),
            program: Program::new(&std::fs::read("/proc/self/exe")?)?,
            stop,
        })
    }
}

impl Reader for Sandboxed {
    fn read(
        &self,
        input: &mut (dyn Read + Send),
        take: &mut (dyn FnMut(&[u8]) -> bool + Send),
    ) -> Result<(), ReaderError> {
        let goes_on = || !self.stop.load(Ordering::Acquire);
        let input = Until { input, goes_on };
        self.sandbox
            .stream(&self.program, &[ROLE], input, |bytes| goes_on() && take(bytes))?;
        Ok(())
    }

    fn is_elsewhere(&self, error: &ReaderError) -> bool {
        let not_begun = matches!(
            error.downcast_ref(),
            Some(SandboxError::Start { .. } | SandboxError::NotClosed { .. })
        );
        not_begun || self.stop.load(Ordering::Acquire)
    }
}

/// Reads until it has to stop.
struct Until<'a, F> {
    input: &'a mut (dyn Read + Send),
    goes_on: F,
}

impl<F: Fn() -> bool> Read for Until<'_, F> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if (self.goes_on)() {
            self.input.read(out)
        } else {
            Err(io::Error::other("indexing stops"))
        }
    }
}
