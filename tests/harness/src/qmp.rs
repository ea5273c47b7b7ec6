//! QEMU's control socket: commands, their answers, and events.
//!
//! A thread reads; answers are matched to commands by number, events are kept in order until a test takes
//! them. Every line in either direction goes to a transcript.

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use serde_json::{Value, json};

/// Time QEMU has for an answer: it works while the guest does not, but the machine may be busy.
const ANSWER: Duration = Duration::from_secs(30);
/// Events kept that nobody took; the oldest go first. A guest that resets in a loop sends a few a second.
const MAX_EVENTS: usize = 4096;

#[derive(Debug, Default)]
struct Inbox {
    greeted: bool,
    answers: HashMap<u64, Value>,
    events: VecDeque<Value>,
    closed: bool,
}

#[derive(Debug)]
struct Shared {
    inbox: Mutex<Inbox>,
    arrived: Condvar,
    transcript: Mutex<File>,
}

#[derive(Debug)]
struct Sender {
    stream: UnixStream,
    next: u64,
}

/// The control connection to one QEMU.
#[derive(Debug)]
pub struct Qmp {
    shared: Arc<Shared>,
    sender: Mutex<Sender>,
}

impl Qmp {
    /// Waits for the greeting and enters command mode.
    pub(crate) fn open(stream: UnixStream, transcript: &Path) -> Result<Self> {
        let file = File::create(transcript).with_context(|| format!("create {}", transcript.display()))?;
        let reader = BufReader::new(stream.try_clone().context("clone the QMP socket")?);
        let shared = Arc::new(Shared {
            inbox: Mutex::default(),
            arrived: Condvar::new(),
            transcript: Mutex::new(file),
        });
        let theirs = Arc::clone(&shared);
        thread::spawn(move || theirs.read(reader));
        let qmp = Self {
            shared,
            sender: Mutex::new(Sender { stream, next: 1 }),
        };
        qmp.wait("QMP greeting", ANSWER, |inbox| inbox.greeted.then_some(()))?;
        qmp.execute("qmp_capabilities", &json!({}))?;
        Ok(qmp)
    }

    /// Runs a command and returns what it returned.
    ///
    /// # Errors
    /// When QEMU refuses the command, has ended, or does not answer within 30 s.
    pub fn execute(&self, command: &str, arguments: &Value) -> Result<Value> {
        let number = self.send(command, arguments)?;
        let mut answer = self.wait(&format!("answer to {command}"), ANSWER, |inbox| {
            inbox.answers.remove(&number)
        })?;
        if let Some(error) = answer.get("error") {
            bail!(
                "QEMU refused {command}: {}",
                error["desc"].as_str().unwrap_or_default()
            );
        }
        Ok(answer["return"].take())
    }

    /// Runs a command of the human monitor and returns its text.
    ///
    /// # Errors
    /// As [`Self::execute`].
    pub fn monitor(&self, line: &str) -> Result<String> {
        let answer = self.execute("human-monitor-command", &json!({"command-line": line}))?;
        answer
            .as_str()
            .map(str::to_owned)
            .ok_or_else(|| anyhow!("the answer to {line:?} is no text"))
    }

    /// Takes the first event called `name`, waiting for it when it has not come; other events stay.
    ///
    /// # Errors
    /// When it did not come within `timeout` or QEMU ended without it.
    pub fn wait_event(&self, name: &str, timeout: Duration) -> Result<Value> {
        self.wait(&format!("event {name}"), timeout, |inbox| {
            let place = inbox.events.iter().position(|event| event["event"] == name)?;
            inbox.events.remove(place)
        })
    }

    fn send(&self, command: &str, arguments: &Value) -> Result<u64> {
        let mut sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
        let number = sender.next;
        sender.next += 1;
        let line = json!({"execute": command, "arguments": arguments, "id": number}).to_string() + "\n";
        self.shared.note("> ", line.trim_end());
        sender
            .stream
            .write_all(line.as_bytes())
            .with_context(|| format!("send {command} to QEMU"))?;
        Ok(number)
    }

    fn wait<T>(&self, what: &str, timeout: Duration, take: impl Fn(&mut Inbox) -> Option<T>) -> Result<T> {
        let deadline = Instant::now() + timeout;
        let mut inbox = self.shared.lock();
        loop {
            if let Some(taken) = take(&mut inbox) {
                return Ok(taken);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if inbox.closed || left.is_zero() {
                let why = if inbox.closed {
                    "QEMU ended before"
                } else {
                    "time is up waiting for"
                };
                bail!("{why} the {what} ({timeout:?})");
            }
            inbox = self
                .shared
                .arrived
                .wait_timeout(inbox, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }
}

impl Shared {
    /// A panic under the lock leaves the inbox whole.
    fn lock(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The transcript is for people: failing to write it fails no test.
    fn note(&self, direction: &str, line: &str) {
        let mut file = self.transcript.lock().unwrap_or_else(PoisonError::into_inner);
        let _unjudged = writeln!(file, "{direction}{line}");
    }

    fn read(&self, reader: BufReader<UnixStream>) {
        for line in reader.lines().map_while(std::io::Result::ok) {
            self.note("< ", &line);
            if let Ok(message) = serde_json::from_str(&line) {
                self.lock().sort(message);
                self.arrived.notify_all();
            }
        }
        self.lock().closed = true;
        self.arrived.notify_all();
    }
}

impl Inbox {
    fn sort(&mut self, message: Value) {
        if message.get("QMP").is_some() {
            self.greeted = true;
        } else if message.get("event").is_some() {
            if self.events.len() == MAX_EVENTS {
                self.events.pop_front();
            }
            self.events.push_back(message);
        } else if let Some(number) = message["id"].as_u64() {
            self.answers.insert(number, message);
        }
    }
}
