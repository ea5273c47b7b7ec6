//! A pseudo terminal with a console on its inner side and the test on the outer one.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use sps_admin::{
    ConsoleState, Failure, Listener, Mode, Progress, Request, Response, Session, SessionError, Status, Update,
};
use sps_bootlog::BootLog;
use sps_console::{Consoles, Menus, Sessions};

/// Limit of every wait.
const LIMIT: Duration = Duration::from_secs(20);

pub(crate) const PASSWORD: &str = "open sesame";

/// Answers from memory; a commit waits to be let go.
struct Appliance {
    mode: Mode,
    go: Arc<Mutex<Receiver<()>>>,
}

impl Session for Appliance {
    fn ask(
        &mut self,
        request: Request,
        _: &str,
        listener: &mut Listener<'_>,
    ) -> Result<Response, SessionError> {
        Ok(match request {
            Request::ConsoleState => Response::ConsoleState(Box::new(ConsoleState {
                mode: self.mode,
                host_name: "sps1".into(),
                password_set: true,
                ..ConsoleState::default()
            })),
            Request::Login { password } => {
                let accepted = password.expose() == PASSWORD;
                Response::Login {
                    accepted,
                    wait: u64::from(!accepted),
                }
            }
            Request::Status => {
                let status = Status {
                    host_name: "h\u{1b}[2Jst".into(),
                    ..Status::default()
                };
                Response::Status(Box::new(status))
            }
            Request::FirmwareCommit => {
                let progress = Progress {
                    what: "committing".into(),
                    done: 1,
                    total: 2,
                    ..Progress::default()
                };
                listener(Update::Progress(progress)).map_err(SessionError::Output)?;
                let _let_go = self.go.lock().unwrap().recv_timeout(LIMIT);
                Response::Done {
                    note: "committed".into(),
                }
            }
            _ => return Err(Failure::refused("not here").into()),
        })
    }
}

/// Sessions with an appliance, and what lets a commit go.
pub(crate) fn sessions(mode: Mode) -> (Sessions, Sender<()>) {
    let (let_go, go) = channel();
    let go = Arc::new(Mutex::new(go));
    let sessions = move |_: &str| -> Box<dyn Session + Send> { Box::new(Appliance { mode, go: go.clone() }) };
    (Arc::new(sessions), let_go)
}

/// The test's side.
pub(crate) struct Lab {
    outside: File,
    seen: Receiver<Vec<u8>>,
    /// Everything seen so far.
    pub(crate) text: String,
    from: usize,
    pub(crate) log: BootLog,
    pub(crate) consoles: Consoles,
    pub(crate) menus: Menus,
    pub(crate) let_go: Sender<()>,
}

impl Lab {
    pub(crate) fn new(mode: Mode) -> Self {
        let outside = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&outside).unwrap();
        unlockpt(&outside).unwrap();
        let name = ptsname(&outside, Vec::new()).unwrap();
        let path = PathBuf::from(OsStr::from_bytes(name.as_bytes()));
        let outside = File::from(outside);
        let seen = follow(outside.try_clone().unwrap());
        let log = BootLog::new();
        let consoles = Consoles::on(&log, std::slice::from_ref(&path));
        let (sessions, let_go) = sessions(mode);
        let menus = consoles.serve_menus(&sessions);
        Self {
            outside,
            seen,
            text: String::new(),
            from: 0,
            log,
            consoles,
            menus,
            let_go,
        }
    }

    /// Presses keys.
    pub(crate) fn keys(&mut self, keys: impl AsRef<[u8]>) -> &mut Self {
        self.outside.write_all(keys.as_ref()).unwrap();
        self
    }

    /// Waits until `wanted` is seen after what was waited for before.
    pub(crate) fn sees(&mut self, wanted: &str) -> &mut Self {
        let deadline = Instant::now() + LIMIT;
        loop {
            if let Some(at) = self.text[self.from..].find(wanted) {
                self.from += at + wanted.len();
                return self;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(bytes) = self.seen.recv_timeout(left) else {
                panic!("{wanted:?} was not seen in {:?}", &self.text[self.from..]);
            };
            self.text += &String::from_utf8_lossy(&bytes);
        }
    }

    /// Opens the menu and logs in.
    pub(crate) fn log_in(&mut self) -> &mut Self {
        self.keys("\r")
            .sees("Console password: ")
            .keys(PASSWORD)
            .keys("\r")
            .sees("Choice: ")
    }
}

fn follow(mut outside: File) -> Receiver<Vec<u8>> {
    let (sender, seen) = channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(count) = outside.read(&mut buffer) {
            if count == 0 || sender.send(buffer[..count].to_vec()).is_err() {
                return;
            }
        }
    });
    seen
}
