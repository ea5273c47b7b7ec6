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
        let file = sealed(program).map_err(starting("make the program ready"))?;
        let order = Order {
            stage: Stage::Outer,
            program: format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd()).into(),
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
        self.exchange(group, input)
    }

    fn exchange(&self, mut group: Group, input: &[u8]) -> Result<Vec<u8>, SandboxError> {
        let child = &mut group.spawned.child;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let limit = self.limits.answer;
        let too_much = AtomicBool::new(false);
        let too_much = &too_much;
        thread::scope(|scope| {
            scope.spawn(move || {
                // A program that does not read all of it says so in its answer, or is judged by its silence.
                let _unread = stdin.map(|mut stdin| stdin.write_all(input));
            });
            let answer = scope.spawn(move || {
                let mut answer = Vec::new();
                let most = limit as u64 + 1;
                let read = stdout.map(|stdout| stdout.take(most).read_to_end(&mut answer));
                too_much.store(answer.len() > limit, Ordering::Release);
                (read.unwrap_or(Ok(0)), answer)
            });
            let complaint = scope.spawn(move || stderr.map(newest).unwrap_or_default());
            let ended = group.wait(self.limits.time, too_much);
            // Closes the pipes of whatever is left, so that the threads above come to an end.
            let status = group.end();
            let (read, answer) = answer.join().unwrap_or_else(|_| (Ok(0), Vec::new()));
            let complaint = complaint.join().unwrap_or_default();
            if answer.len() > limit {
                return Err(SandboxError::TooMuch { limit });
            }
            if !ended.map_err(starting("watch the sandbox"))? {
                let limit = self.limits.time;
                return Err(SandboxError::Overdue { limit });
            }
            read.map_err(starting("read the answer"))?;
            judged(status.map_err(starting("wait for the sandbox"))?, &complaint)?;
            Ok(answer)
        })
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

/// A file in memory with the program, which nobody can change any more.
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

    /// Whether the first process ended within `limit` and before it answered too much.
    fn wait(&self, limit: Duration, too_much: &AtomicBool) -> io::Result<bool> {
        const LOOK_EVERY: Duration = Duration::from_millis(50);
        let until = Instant::now() + limit;
        while !too_much.load(Ordering::Acquire) {
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
