//! A stand-in for the kernel's DRBD, which build machines lack: the commands are recorded and change what `/proc/drbd` would say; the
//! data partition plays the replicated device. Everything else runs for real. The real one is driven in guests.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};

use sps_image::disk::layout::Part;
use sps_storage::drbd::Drbd;
use sps_storage::helper::{Helpers, Program, Stop};
use sps_storage::own::OwnDisk;
use sps_sys::spawn::{Plain, Spawn, Spawned};

/// Clones share what was recorded.
#[derive(Clone)]
pub(crate) struct StandIn {
    folder: Arc<tempfile::TempDir>,
    commands: Arc<Mutex<Vec<String>>>,
}

impl StandIn {
    pub(crate) fn new() -> Self {
        let stand_in = Self {
            folder: Arc::new(tempfile::tempdir().unwrap()),
            commands: Arc::default(),
        };
        stand_in.say("");
        stand_in
    }

    pub(crate) fn helpers(&self) -> Helpers {
        Helpers::new(Arc::new(self.clone()), Stop::default())
    }

    pub(crate) fn drbd(&self, own: &OwnDisk) -> Drbd {
        Drbd::new(&self.helpers(), own).with_stand_ins(own.partition(Part::Data), self.proc())
    }

    pub(crate) fn commands(&self) -> Vec<String> {
        self.commands.lock().unwrap().clone()
    }

    fn proc(&self) -> PathBuf {
        self.folder.path().join("drbd")
    }

    fn say(&self, line: &str) {
        fs::write(self.proc(), format!("version: 8.4.11\n{line}\n")).unwrap();
    }

    fn obey(&self, command: &Command) {
        let words: Vec<_> = command.get_args().map(|word| word.to_str().unwrap()).collect();
        let forced = self.commands().iter().any(|command| command.contains("--force"));
        match words[0] {
            "attach" if forced => self.say(" 0: cs:StandAlone ro:Secondary/Unknown ds:UpToDate/DUnknown"),
            "attach" => self.say(" 0: cs:StandAlone ro:Secondary/Unknown ds:Inconsistent/DUnknown"),
            "primary" => self.say(" 0: cs:StandAlone ro:Primary/Unknown ds:UpToDate/DUnknown"),
            "down" => self.say(""),
            _ => {}
        }
        self.commands.lock().unwrap().push(words.join(" "));
    }
}

impl Spawn for StandIn {
    fn spawn(&self, command: &mut Command) -> io::Result<Spawned> {
        if command.get_program() != Program::Drbdsetup.path() {
            return Plain.spawn(command);
        }
        self.obey(command);
        Plain.spawn(&mut Command::new("/bin/true"))
    }
}
