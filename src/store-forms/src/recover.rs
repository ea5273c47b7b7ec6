//! What can be read of session databases that were put aside comes into the new one, while the appliance works.

use std::path::{Path, PathBuf};

use sps_datastore::ContentError;
use sps_durable::Folder;
use sps_sessions::{Batch, Salvage, Sessions};

use crate::aside::{self, Aside};
use crate::forms::SESSIONS;
use crate::import::Importing;

/// Its name in the session database.
const IMPORTER: &str = "salvage";

/// The reading of what was put aside.
#[derive(Debug)]
pub struct Recovery {
    folder: PathBuf,
    /// Still to be read, the last first.
    left: Vec<PathBuf>,
    current: Option<Salvage>,
    /// Whether metadata of an earlier layout comes after it.
    more: bool,
    state: Importing,
    /// Lost in those that are read.
    lost: u64,
}

impl Recovery {
    /// What is left to be read of the databases that were put aside in `folder`; nothing when there is none. `more` says that the
    /// metadata of an earlier layout comes after it.
    pub(crate) fn open(folder: &Path, aside: &Aside, more: bool) -> Option<Self> {
        let mut left: Vec<PathBuf> = aside
            .databases
            .iter()
            .map(|damaged| folder.join(&damaged.folder).join(SESSIONS))
            .collect();
        let newest = left.pop()?;
        let mut own = Self {
            folder: folder.to_owned(),
            left,
            current: None,
            more,
            state: Importing::default(),
            lost: 0,
        };
        own.begin(&newest);
        Some(own)
    }

    fn begin(&mut self, file: &Path) {
        // One that cannot even be opened has nothing to give: it stays where it is.
        self.current = Salvage::open(file).ok();
        let count = self.current.as_ref().and_then(Salvage::count);
        self.state.total = self.state.done + count.unwrap_or(0);
    }

    /// How far it is.
    #[must_use]
    pub const fn state(&self) -> Importing {
        self.state
    }

    /// Reads the next sessions and says how far it is then.
    ///
    /// # Errors
    /// Nothing of this step is there; it can be taken again from the beginning.
    pub fn step(&mut self, sessions: &Sessions) -> Result<Importing, ContentError> {
        let step = self.current.as_mut().map(Salvage::step).unwrap_or_default();
        let read = step.records.len() as u64;
        let oldest = step.records.iter().map(|record| record.start).min();
        let ended = step.ended || self.current.is_none();
        if !step.records.is_empty() {
            let imported = sessions.import(Batch {
                records: step.records,
                importer: IMPORTER.into(),
                cursor: Vec::new(),
                incomplete_until: Some(oldest.unwrap_or(i64::MAX)),
            })?;
            self.state.aside += imported.refused.len() as u64;
        }
        self.state.done += read;
        self.state.aside = self.lost + step.lost;
        if ended {
            self.lost += step.lost;
            match self.left.pop() {
                Some(next) => self.begin(&next),
                None => self.end(sessions)?,
            }
        }
        Ok(self.state)
    }

    fn end(&mut self, sessions: &Sessions) -> Result<(), ContentError> {
        sessions.import(Batch {
            records: Vec::new(),
            importer: IMPORTER.into(),
            cursor: Vec::new(),
            incomplete_until: self.more.then_some(i64::MAX),
        })?;
        aside::read_all(&mut Folder::new(&self.folder))?;
        self.state.finished = true;
        self.state.total = self.state.done;
        Ok(())
    }
}
