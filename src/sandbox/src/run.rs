//! The caller's side: starts the shim, feeds it, and ends it whatever happens.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use sps_sys::spawn::{Plain, Spawn, Spawned};
use thiserror::Error;

use crate::order::{Limits, NAME, Order, Stage};
use crate::shim::{NOT_STARTED, OWN, SIGNALLED};

/// Bytes kept of what a program says of its troubles, the newest.
const COMPLAINT: usize = 4 * 1024;
/// Bytes that go in or come out at a time.
const PIECE: usize = 64 * 1024;

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum SandboxError {
    /// The program could not be made ready or started.
    #[error("could not {what}")]
    Start {
        /// What was tried.
        what: &'static str,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// The sandbox could not be closed, so the program was not started.
    #[error("the sandbox could not be closed, so the program was not started: {problem}")]
    NotClosed {
        /// What failed.
        problem: String,
    },
    /// It took too long.
    #[error("it did not end within {} s and was ended", limit.as_secs())]
    Overdue {
        /// What it was given.
        limit: Duration,
    },
    /// It answered too much.
    #[error("it answered more than {limit} bytes and was ended")]
    TooMuch {
        /// What it was given.
        limit: usize,
    },
    /// What it answered was refused.
    #[error("what it answered was refused, and it was ended")]
    Refused,
    /// What it was to read could not be read.
    #[error("what it was to read could not be read")]
    Input {
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// It was ended by a signal: by the kernel for what it used or tried, or by itself.
    #[error("it was ended by signal {signal}{complaint}")]
    Signalled {
        /// Number of the signal.
        signal: i32,
        /// What it had said, as the end of a sentence.
        complaint: String,
    },
    /// It ended with a status that means failure.
    #[error("it failed with status {code}{complaint}")]
    Failed {
        /// The status.
        code: i32,
        /// What it had said, as the end of a sentence.
        complaint: String,
    },
}

/// Runs programs that are not trusted.
#[derive(Clone)]
pub struct Sandbox {
    spawner: Arc<dyn Spawn>,
    shim: PathBuf,
    limits: Limits,
}

impl Default for Sandbox {
    /// For processes that are not PID 1.
    fn default() -> Self {
        Self::new(Arc::new(Plain))
    }
}

impl Sandbox {
    /// Starts processes through `spawner`; the shim is a role of the calling binary.
    #[must_use]
    pub fn new(spawner: Arc<dyn Spawn>) -> Self {
        Self {
            spawner,
            shim: OWN.into(),
            limits: Limits::default(),
        }
    }

    /// The same with the shim in another binary, which does nothing else: for tests.
    #[must_use]
    pub fn with_shim(self, shim: impl Into<PathBuf>) -> Self {
        Self {
            shim: shim.into(),
            ..self
        }
    }

    /// The same with other limits.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Runs `program`, a static executable, with `arguments`; `input` is what it reads. Returns what it wrote to its
    /// standard output. Blocking.
    ///
    /// # Errors
    /// When it cannot be confined or started, uses more than it may, or fails.
    pub fn run(&self, program: &[u8], arguments: &[&str], input: &[u8]) -> Result<Vec<u8>, SandboxError> {
        let mut answer = Vec::new();
        self.stream(&Program::new(program)?, arguments, input, |bytes| {
            answer.extend_from_slice(bytes);
            true
        })?;
        Ok(answer)
    }

    /// The same for input and answers that are not in memory as a whole. `take` gets what the program writes as it comes, from another thread,
    /// and says whether to go on. Blocking.
    ///
    /// # Errors
    /// As [`Sandbox::run`]; [`SandboxError::Refused`] when `take` did not go on, [`SandboxError::Input`] when `input` could not be read.
    pub fn stream(
        &self,
        program: &Program,
        arguments: &[&str],
        input: impl Read + Send,
        take: impl FnMut(&[u8]) -> bool + Send,
    ) -> Result<(), SandboxError> {
        let order = Order {
            stage: Stage::Outer,
            program: format!("/proc/{}/fd/{}", std::process::id(), program.file.as_raw_fd()).into(),
            memory: self.limits.memory,
            processor: self.limits.processor.as_secs().max(1),
            arguments: arguments.iter().map(OsString::from).collect(),
        };
        let mut command = Command::new(&self.shim);
        command.arg0(NAME);
        order.write(&mut command);
        command
            .env_clear()
            .current_dir("/")
            // A group of its own: one signal ends all of it.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let spawned = self
            .spawner
            .spawn(&mut command)
            .map_err(starting("start the sandbox"))?;
        let group = Group::new(spawned).map_err(starting("watch the sandbox"))?;
        self.exchange(group, input, take)
    }

    fn exchange(
        &self,
        mut group: Group,
        input: impl Read + Send,
        take: impl FnMut(&[u8]) -> bool + Send,
    ) -> Result<(), SandboxError> {
        let child = &mut group.spawned.child;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let limit = self.limits.answer;
        let enough = AtomicBool::new(false);
        let enough = &enough;
        thread::scope(|scope| {
            let fed = scope.spawn(move || {
                let fed = stdin.map_or(Ok(()), |stdin| feed(input, stdin));
                // Without its input its answer is none.
                enough.fetch_or(fed.is_err(), Ordering::AcqRel);
                fed
            });
            let answer = scope.spawn(move || {
                let took = stdout.map_or(Took::All, |stdout| hand_over(stdout, limit, take));
                enough.fetch_or(!matches!(took, Took::All), Ordering::AcqRel);
                took
            });
            let complaint = scope.spawn(move || stderr.map(newest).unwrap_or_default());
            let ended = group.wait(self.limits.time, enough);
            // Closes the pipes of whatever is left, so that the threads above come to an end.
            let status = group.end();
            let took = answer.join().unwrap_or(Took::Refused);
            let fed = fed.join().unwrap_or(Ok(()));
            let complaint = complaint.join().unwrap_or_default();
            match took {
                Took::TooMuch => return Err(SandboxError::TooMuch { limit }),
                Took::Refused => return Err(SandboxError::Refused),
                Took::Failed(source) => return Err(starting("read the answer")(source)),
                Took::All => {}
            }
            fed.map_err(|source| SandboxError::Input { source })?;
            if !ended.map_err(starting("watch the sandbox"))? {
                let limit = self.limits.time;
                return Err(SandboxError::Overdue { limit });
            }
            judged(status.map_err(starting("wait for the sandbox"))?, &complaint)
        })
    }
}

/// How far an answer was taken.
enum Took {
    All,
    TooMuch,
    Refused,
    Failed(io::Error),
}

/// Gives the program its input; an error is one of the input.
fn feed(mut input: impl Read, mut program: impl Write) -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        let count = match input.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        // A program that does not read all of it says so in its answer, or is judged by its silence.
        if program.write_all(piece.get(..count).unwrap_or_default()).is_err() {
            return Ok(());
        }
    }
}

fn hand_over(mut answer: impl Read, limit: usize, mut take: impl FnMut(&[u8]) -> bool) -> Took {
    let mut piece = vec![0; PIECE];
    let mut left = limit;
    loop {
        let count = match answer.read(&mut piece) {
            Ok(0) => return Took::All,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Took::Failed(error),
        };
        let Some(rest) = left.checked_sub(count) else {
            return Took::TooMuch;
        };
        left = rest;
        if !take(piece.get(..count).unwrap_or_default()) {
            return Took::Refused;
        }
    }
}

/// A program that is ready to be run: a file in memory, which nobody can change any more.
#[derive(Debug)]
pub struct Program {
    file: File,
}

impl Program {
    /// A static executable.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn new(bytes: &[u8]) -> Result<Self, SandboxError> {
        let file = sealed(bytes).map_err(starting("make the program ready"))?;
        Ok(Self { file })
    }
}

fn judged(status: ExitStatus, complaint: &[u8]) -> Result<(), SandboxError> {
    let text = String::from_utf8_lossy(complaint);
    let text = text.trim();
    let complaint = match text {
        "" => String::new(),
        said => format!(": {}", said.replace('\n', "; ")),
    };
    let code = status
        .code()
        .unwrap_or_else(|| SIGNALLED + status.signal().unwrap_or_default());
    match code {
        0 => Ok(()),
        code if code == i32::from(NOT_STARTED) => Err(SandboxError::NotClosed {
            problem: text.to_owned(),
        }),
        code if code > SIGNALLED => Err(SandboxError::Signalled {
            signal: code - SIGNALLED,
            complaint,
        }),
        code => Err(SandboxError::Failed { code, complaint }),
    }
}

fn starting(what: &'static str) -> impl FnOnce(io::Error) -> SandboxError {
    move |source| SandboxError::Start { what, source }
}

fn sealed(program: &[u8]) -> io::Result<File> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING | MemfdFlags::EXEC;
    let mut file = File::from(memfd_create(c"program", flags)?);
    file.write_all(program)?;
    fcntl_add_seals(
        &file,
        SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL,
    )?;
    Ok(file)
}

/// The newest bytes of everything there is to read.
fn newest(mut source: impl Read) -> Vec<u8> {
    let (mut kept, mut buffer) = (Vec::new(), [0; 1024]);
    while let Ok(count @ 1..) = source.read(&mut buffer) {
        kept.extend_from_slice(&buffer[..count]);
        let excess = kept.len().saturating_sub(COMPLAINT);
        kept.drain(..excess);
    }
    kept
}

/// The processes of one run.
struct Group {
    spawned: Spawned,
    leader: OwnedFd,
    ended: bool,
}

impl Group {
    fn new(mut spawned: Spawned) -> io::Result<Self> {
        let pid = i32::try_from(spawned.child.id()).ok().and_then(Pid::from_raw);
        let opened = pid
            .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))
            .and_then(|pid| Ok(pidfd_open(pid, PidfdFlags::empty())?));
        match opened {
            Ok(leader) => Ok(Self {
                spawned,
                leader,
                ended: false,
            }),
            Err(error) => {
                let _already_gone = spawned.child.kill();
                let _known_dead = spawned.child.wait();
                Err(error)
            }
        }
    }

    /// Whether the first process ended within `limit` and before it was enough.
    fn wait(&self, limit: Duration, enough: &AtomicBool) -> io::Result<bool> {
        const LOOK_EVERY: Duration = Duration::from_millis(50);
        let until = Instant::now() + limit;
        while !enough.load(Ordering::Acquire) {
            let left = until.saturating_duration_since(Instant::now());
            let step = Timespec::try_from(left.min(LOOK_EVERY)).map_err(io::Error::other)?;
            let mut leader = [PollFd::new(&self.leader, PollFlags::IN)];
            match poll(&mut leader, Some(&step)) {
                Ok(0) if left.is_zero() => return Ok(false),
                Ok(0) | Err(rustix::io::Errno::INTR) => {}
                Ok(_) => return Ok(true),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(false)
    }

    /// Ends every process and collects the first.
    fn end(&mut self) -> io::Result<ExitStatus> {
        // The group has the number of its first process, which is not given away before it was waited for.
        if let Ok(leader) = i32::try_from(self.spawned.child.id()) {
            match killpg(nix::unistd::Pid::from_raw(leader), Signal::SIGKILL) {
                Ok(()) | Err(Errno::ESRCH | Errno::EPERM) => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.ended = true;
        self.spawned.child.wait()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if !self.ended {
            let _nothing_left = self.end();
        }
    }
}
