//! What is remembered over restarts: the last run of each policy, what was seen of the clock, and the last export of the configuration. On
//! `state`: it is this node's.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sps_archive_engine::Clock;
use sps_bootlog::causes;
use sps_durable::{Document, Folder, load, save};
use tracing::{info, warn};

/// Longest text of who exported that is kept, bytes.
const MOST_WHO: usize = 256;
/// Longest text of a run that is kept, bytes.
const MOST_TEXT: usize = 2048;

/// A run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Did {
    /// When it began, seconds since 1970.
    pub(crate) began: u64,
    /// When it ended.
    pub(crate) ended: u64,
    /// Whether it did all it was to do.
    pub(crate) done: bool,
    /// What it did, or why it failed.
    pub(crate) what: String,
}

/// What is remembered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record {
    format: u32,
    pub(crate) clock: Clock,
    /// By kind and name of the policy.
    pub(crate) runs: BTreeMap<String, Did>,
    /// When the last backup was made that counts.
    pub(crate) backed_up: Option<u64>,
}

impl Default for Record {
    fn default() -> Self {
        Self {
            format: Self::FORMAT,
            clock: Clock::default(),
            runs: BTreeMap::new(),
            backed_up: None,
        }
    }
}

impl Document for Record {
    const NAME: &'static str = "space.json";
    const FORMAT: u32 = 1;
    /// Some hundred policies.
    const MOST: usize = 1024 * 1024;

    fn format(&self) -> u32 {
        self.format
    }
}

impl Record {
    /// What was kept in `folder`; nothing where it is damaged: then every clock is new, and every policy was never run.
    pub(crate) fn open(folder: &Path) -> Self {
        load(&Folder::new(folder))
            .unwrap_or_else(|error| {
                warn!("the last runs of policies are lost: {}", causes(&error));
                None
            })
            .unwrap_or_default()
    }

    /// Keeps it.
    pub(crate) fn keep(&self, folder: &Path) {
        if let Err(error) = save(&mut Folder::new(folder), self) {
            warn!("{}", causes(&error));
        }
    }

    /// Notes a run; those of policies that are gone are forgotten with `known`.
    pub(crate) fn ran(&mut self, policy: &str, mut did: Did) {
        shorten(&mut did.what, MOST_TEXT);
        self.runs.insert(policy.to_owned(), did);
    }

    /// Forgets the runs of policies that are gone.
    pub(crate) fn forget(&mut self, known: impl Fn(&str) -> bool) {
        self.runs.retain(|policy, _| known(policy));
    }
}

/// The last export of the configuration with its secrets: a file of its own, since an earlier firmware reads the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Exported {
    format: u32,
    /// When, seconds since 1970.
    pub(crate) at: u64,
    /// Who, and from where.
    pub(crate) who: String,
}

impl Document for Exported {
    const NAME: &'static str = "configuration-export.json";
    const FORMAT: u32 = 1;
    const MOST: usize = 4096;

    fn format(&self) -> u32 {
        self.format
    }
}

impl Exported {
    /// The last one; none where what was kept is damaged: then it does not count.
    pub(crate) fn open(folder: &Path) -> Option<Self> {
        load(&Folder::new(folder)).unwrap_or_else(|error| {
            warn!(
                "the last export of the configuration is not known: {}",
                causes(&error)
            );
            None
        })
    }

    /// Keeps one; what cannot be kept does not count at the next start.
    pub(crate) fn keep(folder: &Path, who: &str, at: u64) -> Self {
        let mut own = Self {
            format: Self::FORMAT,
            at,
            who: who.to_owned(),
        };
        shorten(&mut own.who, MOST_WHO);
        match save(&mut Folder::new(folder), &own) {
            Ok(()) => info!("the configuration was exported with its secrets by {}", own.who),
            Err(error) => warn!("{}", causes(&error)),
        }
        own
    }
}

/// Ends a text where it is too long, between two characters.
fn shorten(text: &mut String, most: usize) {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
}
