//! One run, from start to exit status.

use std::ffi::OsStr;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use thiserror::Error;
use tracing::{debug, warn};

use super::program::Program;
use super::vitality;
use sps_sys::spawn::{Plain, Spawn, Spawned};

/// Longest time a program may go without output and without work: a disk that answers nothing for two minutes is
/// dead. Well above the 30 s after which the kernel's own disk commands time out and are tried again.
pub const SILENCE: Duration = Duration::from_secs(120);
/// How often progress and the order to stop are looked at while nothing happens.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long a killed program may take to go; longer means the kernel holds it in a dead device.
const GONE_WITHIN: Duration = Duration::from_secs(5);
/// Output kept, the newest: what a person needs to see of a failure fits on a screen.
const KEPT_OUTPUT: usize = 8 * 1024;

/// Why a program gave no result.
#[derive(Debug, Error)]
pub enum HelperError {
    /// It could not be started.
    #[error("could not start {}: the firmware may be incomplete", program.path())]
    Start {
        /// Which.
        program: Program,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// It could not be watched.
    #[error("could not watch {}", program.name())]
    Watch {
        /// Which.
        program: Program,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// It did nothing for too long and was ended.
    #[error(
        "{} did nothing for {} s and was ended; the disk does not answer: replace it{}",
        program.name(), limit.as_secs(), said(output)
    )]
    Stalled {
        /// Which.
        program: Program,
        /// How long it was given.
        limit: Duration,
        /// What it had printed.
        output: String,
    },
    /// The appliance is leaving.
    #[error("{} was ended because the appliance stops", program.name())]
    Stopped {
        /// Which.
        program: Program,
    },
    /// It ended with a status that means failure.
    #[error("{} failed ({status}){}", program.name(), said(output))]
    Failed {
        /// Which.
        program: Program,
        /// Its status.
        status: ExitStatus,
        /// What it printed.
        output: String,
    },
}

/// The output as the end of a sentence.
fn said(output: &str) -> String {
    let output = output.trim();
    if output.is_empty() {
        String::new()
    } else {
        format!(": {}", output.replace('\n', "; "))
    }
}

/// Ends running programs when the appliance leaves. Clones share one switch.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Asks whatever runs to end.
    pub fn request(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether it was asked.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// How a program ended by itself.
#[derive(Clone, Debug)]
pub struct Finished {
    /// Exit status.
    pub status: ExitStatus,
    /// The newest of what it printed on both channels.
    pub output: String,
}

/// Runs programs. Clones share the spawner and the stop.
#[derive(Clone)]
pub struct Helpers {
    spawner: Arc<dyn Spawn>,
    stop: Stop,
    silence: Duration,
}

impl Default for Helpers {
    /// For processes that are not PID 1.
    fn default() -> Self {
        Self::new(Arc::new(Plain), Stop::default())
    }
}

impl Helpers {
    /// Starts processes through `spawner` and ends them when `stop` is requested.
    #[must_use]
    pub fn new(spawner: Arc<dyn Spawn>, stop: Stop) -> Self {
        Self {
            spawner,
            stop,
            silence: SILENCE,
        }
    }

    /// The same with another limit without progress, for tests.
    #[must_use]
    pub fn with_silence(self, silence: Duration) -> Self {
        Self { silence, ..self }
    }

    /// Runs a program and takes only success.
    ///
    /// # Errors
    /// When it cannot be started, stalls, is stopped, or ends with anything but 0.
    pub fn run<A: AsRef<OsStr>>(
        &self,
        program: Program,
        arguments: impl IntoIterator<Item = A>,
    ) -> Result<Finished, HelperError> {
        let finished = self.run_any(program, arguments)?;
        if finished.status.success() {
            return Ok(finished);
        }
        Err(HelperError::Failed {
            program,
            status: finished.status,
            output: finished.output,
        })
    }

    /// Runs a program whose exit status the caller judges.
    ///
    /// # Errors
    /// When it cannot be started, stalls or is stopped.
    pub fn run_any<A: AsRef<OsStr>>(
        &self,
        program: Program,
        arguments: impl IntoIterator<Item = A>,
    ) -> Result<Finished, HelperError> {
        let mut command = Command::new(program.path());
        command.args(arguments);
        debug!("running {command:?}");
        self.run_command(program, &mut command)
    }

    fn run_command(&self, program: Program, command: &mut Command) -> Result<Finished, HelperError> {
        command
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let spawned = self
            .spawner
            .spawn(command)
            .map_err(|source| HelperError::Start { program, source })?;
        let mut run = Run::new(program, spawned).map_err(|source| HelperError::Watch { program, source })?;
        let end = run.follow(self.silence, &self.stop);
        run.conclude(end, self.silence)
    }
}

/// Why following ended.
enum End {
    Exited,
    Stalled,
    Stopped,
    Lost(io::Error),
}

struct Run {
    program: Program,
    spawned: Spawned,
    process: OwnedFd,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    output: Vec<u8>,
}

impl Run {
    fn new(program: Program, mut spawned: Spawned) -> io::Result<Self> {
        let pid = i32::try_from(spawned.child.id()).ok().and_then(Pid::from_raw);
        let opened = pid
            .ok_or(io::ErrorKind::InvalidInput.into())
            .and_then(|pid| Ok(pidfd_open(pid, PidfdFlags::empty())?));
        let process = match opened {
            Ok(process) => process,
            Err(error) => {
                end_now(&mut spawned);
                return Err(error);
            }
        };
        Ok(Self {
            program,
            process,
            stdout: spawned.child.stdout.take(),
            stderr: spawned.child.stderr.take(),
            output: Vec::new(),
            spawned,
        })
    }

    /// Reads what the program prints until it exits or has to be ended.
    fn follow(&mut self, silence: Duration, stop: &Stop) -> End {
        let mut last_work = None;
        let mut last_progress = Instant::now();
        loop {
            if stop.is_requested() {
                return End::Stopped;
            }
            let ready = match self.wait(LOOK_EVERY.min(silence)) {
                Ok(ready) => ready,
                Err(error) => return End::Lost(error),
            };
            let printed = self.read(ready);
            if ready.exited {
                self.drain();
                return End::Exited;
            }
            let work = vitality::work_done(self.spawned.child.id());
            if printed || work != last_work {
                last_work = work;
                last_progress = Instant::now();
            } else if last_progress.elapsed() >= silence {
                return End::Stalled;
            }
        }
    }

    fn wait(&self, limit: Duration) -> io::Result<Ready> {
        let mut fds = vec![PollFd::new(&self.process, PollFlags::IN)];
        let pipes = [
            self.stdout.as_ref().map(AsFd::as_fd),
            self.stderr.as_ref().map(AsFd::as_fd),
        ];
        for pipe in pipes.iter().flatten() {
            fds.push(PollFd::from_borrowed_fd(*pipe, PollFlags::IN));
        }
        let limit = Timespec::try_from(limit).map_err(io::Error::other)?;
        match poll(&mut fds, Some(&limit)) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => return Ok(Ready::default()),
            Err(error) => return Err(error.into()),
        }
        let mut ready = fds.iter().map(|fd| !fd.revents().is_empty());
        let exited = ready.next().unwrap_or(false);
        let mut of_pipe = |pipe: Option<_>| pipe.is_some() && ready.next().unwrap_or(false);
        Ok(Ready {
            exited,
            stdout: of_pipe(pipes[0]),
            stderr: of_pipe(pipes[1]),
        })
    }

    /// Takes one buffer from each pipe that is ready; a pipe at its end is put away.
    fn read(&mut self, ready: Ready) -> bool {
        let mut printed = false;
        if ready.stdout {
            printed |= read_some(&mut self.stdout, &mut self.output);
        }
        if ready.stderr {
            printed |= read_some(&mut self.stderr, &mut self.output);
        }
        printed
    }

    /// What is left in the pipes of a program that has exited; a grandchild that holds them open is not waited for.
    fn drain(&mut self) {
        while let Ok(ready) = self.wait(Duration::ZERO)
            && (ready.stdout || ready.stderr)
        {
            self.read(ready);
        }
    }

    fn conclude(mut self, end: End, limit: Duration) -> Result<Finished, HelperError> {
        let program = self.program;
        if !matches!(end, End::Exited) {
            self.end();
        }
        let output = String::from_utf8_lossy(&self.output).into_owned();
        match end {
            End::Exited => match self.spawned.child.wait() {
                Ok(status) => Ok(Finished { status, output }),
                Err(source) => Err(HelperError::Watch { program, source }),
            },
            End::Stalled => Err(HelperError::Stalled {
                program,
                limit,
                output,
            }),
            End::Stopped => Err(HelperError::Stopped { program }),
            End::Lost(source) => Err(HelperError::Watch { program, source }),
        }
    }

    /// Kills the program and waits for it, but not for ever: in a dead device it cannot even be killed. Then it is left to
    /// whoever reaps orphans.
    fn end(&mut self) {
        let _already_gone = self.spawned.child.kill();
        let until = Instant::now() + GONE_WITHIN;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.wait_exit(left) {
                Ok(true) => break,
                Ok(false) if !left.is_zero() => {}
                Ok(false) | Err(_) => {
                    warn!("{} cannot be ended; it hangs in the kernel", self.program.name());
                    return;
                }
            }
        }
        let _known_dead = self.spawned.child.wait();
    }

    fn wait_exit(&self, limit: Duration) -> io::Result<bool> {
        let limit = Timespec::try_from(limit).map_err(io::Error::other)?;
        let mut fds = [PollFd::new(&self.process, PollFlags::IN)];
        match poll(&mut fds, Some(&limit)) {
            Ok(count) => Ok(count > 0),
            Err(rustix::io::Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Ready {
    exited: bool,
    stdout: bool,
    stderr: bool,
}

fn end_now(spawned: &mut Spawned) {
    let _already_gone = spawned.child.kill();
    let _known_dead = spawned.child.wait();
}

/// Reads once; whether something came. Keeps the newest [`KEPT_OUTPUT`] bytes.
fn read_some(pipe: &mut Option<impl Read>, output: &mut Vec<u8>) -> bool {
    let mut buffer = [0; 4096];
    let count = match pipe.as_mut().map(|pipe| pipe.read(&mut buffer)) {
        Some(Ok(count)) => count,
        Some(Err(error)) if error.kind() == io::ErrorKind::Interrupted => return false,
        Some(Err(_)) | None => 0,
    };
    if count == 0 {
        *pipe = None;
        return false;
    }
    output.extend_from_slice(&buffer[..count]);
    let excess = output.len().saturating_sub(KEPT_OUTPUT);
    output.drain(..excess);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(helpers: &Helpers, script: &str) -> Result<Finished, HelperError> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        helpers.run_command(Program::E2fsck, &mut command)
    }

    #[test]
    fn status_and_output_come_back_and_the_environment_is_empty() {
        let finished = shell(
            &Helpers::default(),
            "echo out; echo err >&2; /usr/bin/env; exit 3",
        )
        .unwrap();
        assert_eq!(finished.status.code(), Some(3));
        assert!(finished.output.contains("out\n") && finished.output.contains("err\n"));
        assert!(
            !finished.output.contains("PATH=/usr/local"),
            "{}",
            finished.output
        );
        assert!(!finished.output.contains("HOME="));
    }

    #[test]
    fn only_the_newest_output_is_kept() {
        let finished = shell(&Helpers::default(), "seq 100000").unwrap();
        assert_eq!(finished.output.len(), KEPT_OUTPUT);
        assert!(finished.output.ends_with("100000\n"));
    }

    #[test]
    fn a_program_that_does_nothing_is_ended() {
        let helpers = Helpers::default().with_silence(Duration::from_millis(200));
        let error = shell(&helpers, "echo checking; exec tail -f /dev/null").unwrap_err();
        assert!(matches!(&error, HelperError::Stalled { output, .. } if output == "checking\n"));
    }

    #[test]
    fn a_program_that_works_in_silence_is_not_ended() {
        let helpers = Helpers::default().with_silence(Duration::from_millis(300));
        let script = "i=0; while [ $i -lt 12 ]; do read a < /proc/uptime; i=$((i+1)); \
                      timeout 0.1 tail -f /dev/null; done; exit 0";
        assert!(shell(&helpers, script).unwrap().status.success());
    }

    #[test]
    fn a_stop_ends_what_runs() {
        let stop = Stop::default();
        let helpers = Helpers::new(Arc::new(Plain), stop.clone());
        stop.request();
        let error = shell(&helpers, "exec tail -f /dev/null").unwrap_err();
        assert!(matches!(error, HelperError::Stopped { .. }));
    }

    #[test]
    fn failures_say_what_the_program_said() {
        let error = Helpers::default()
            .run(Program::E2fsck, ["-p", "/nonexistent"])
            .unwrap_err();
        let text = error.to_string();
        assert!(text.contains("e2fsck failed (exit status: 8)"), "{text}");
        assert!(text.contains("/nonexistent"), "{text}");
    }
}
