//! The store: its trees, its pointers, and the tree of the running firmware.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use sps_datastore_engine::{
    BY_FIRMWARE, Choice, Facts, Journal, LastServed, Layout, Origin, Rates, Refusal, SERVED_FORMAT, State,
    StoreFacts, TREE_FORMAT, Tree, TreeName, TreeRecord, choose, digest_of, layout, link_to,
};
use sps_session_record::SessionRecord;

use crate::carry::{self, Carried};
use crate::clean;
use crate::content::Content;
use crate::disk::Folder;
use crate::documents::{Found, Kept as _};
use crate::error::StoreError;
use crate::measure;
use crate::reorganize::{self, Made, Order, Watch};
use crate::restore::Restoring;
use crate::steps::Steps;
use crate::survey::survey;
use crate::trails::{self, Removed};
use crate::walk::{Met, walk};

/// The data store, as one firmware sees it.
#[derive(Debug)]
pub struct Store {
    root: Folder,
    /// Digest of the firmware's manifest.
    firmware: String,
    layout: &'static Layout,
    /// A tree that comes from a backup, until the next start: clean-up leaves it alone. Held while clean-up works.
    restoring: Mutex<Option<TreeName>>,
}

/// The tree the firmware may work on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// Its name.
    pub tree: TreeName,
    /// Where it is.
    pub path: PathBuf,
    /// What was made to get it; nothing when it was there.
    pub made: Option<Made>,
}

/// How full a disk is, bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Used.
    pub used: u64,
    /// Free for use: without what is set aside for root.
    pub free: u64,
}

impl Store {
    /// The store in the folder `root` for the firmware with the digest `firmware`, which works on layout `layout`. Changes nothing.
    ///
    /// # Errors
    /// The folder cannot be opened, or the layout is unknown.
    pub fn open(root: &Path, firmware: &str, number: u32, steps: &Steps) -> Result<Self, StoreError> {
        let layout = layout(number).ok_or(Refusal::Unknown { own: number })?;
        Ok(Self {
            root: Folder::open(root, steps)?,
            firmware: firmware.into(),
            layout,
            restoring: Mutex::default(),
        })
    }

    /// Finds the firmware's tree, or makes it, and notes that it is worked on from now. `now` is in seconds since 1970; `watch` is
    /// told how far a reorganization is and may stop it.
    ///
    /// # Errors
    /// Nothing on the store can serve this firmware, or making its tree failed: the other trees are as they were.
    pub fn prepare(
        &self,
        content: &dyn Content,
        now: u64,
        watch: &mut Watch<'_>,
    ) -> Result<Prepared, StoreError> {
        let facts = self.facts()?;
        let choice = choose(&facts, &self.firmware, self.layout.number)?;
        let (tree, made) = match choice {
            Choice::Use { tree } | Choice::Point { tree } => (tree, None),
            Choice::Create { tree } => {
                self.create(tree, now)?;
                (tree, None)
            }
            Choice::Reorganize { from, into, .. } => {
                let order = Order {
                    from,
                    into,
                    firmware: &self.firmware,
                    now,
                };
                let made = reorganize::reorganize(&self.root, &order, content, watch)?;
                (into, Some(made))
            }
        };
        self.take(tree, now)?;
        Ok(Prepared {
            tree,
            path: self.root.path_of(tree.to_string().as_bytes()),
            made,
        })
    }

    /// What the tree `tree` holds, counted, and what this disk does in a short measurement.
    ///
    /// # Errors
    /// The tree cannot be read, or the disk not be written.
    pub fn measured(&self, tree: TreeName) -> Result<(Facts, Rates), StoreError> {
        let folder = self.root.folder(tree.to_string().as_bytes())?;
        let layout = layout(tree.layout).ok_or(Refusal::Unknown { own: tree.layout })?;
        let facts = match folder {
            Some(folder) => survey(folder, layout)?,
            None => Facts::default(),
        };
        Ok((facts, measure::measure(&self.root)?))
    }

    /// How the tree was made of another one; nothing when it began empty.
    ///
    /// # Errors
    /// The tree cannot be read.
    pub fn history(&self, tree: TreeName) -> Result<Option<Journal>, StoreError> {
        match self.root.folder(tree.to_string().as_bytes())? {
            Some(folder) => Journal::load(&folder),
            None => Ok(None),
        }
    }

    /// Bytes that are free.
    ///
    /// # Errors
    /// The file system does not say.
    pub fn free(&self) -> Result<u64, StoreError> {
        self.root.free()
    }

    /// How full the disk is.
    ///
    /// # Errors
    /// The file system does not say.
    pub fn usage(&self) -> Result<Usage, StoreError> {
        let (used, free) = self.root.usage()?;
        Ok(Usage { used, free })
    }

    /// Removes the trail `trail` (its name in the tree `own`) of the session `id` under all its names. Whoever calls has noted before
    /// what becomes of it. What is gone already is no error.
    ///
    /// # Errors
    /// A step on disk failed.
    pub fn remove_trail(&self, own: TreeName, id: &str, trail: &str) -> Result<Removed, StoreError> {
        let trees: Vec<TreeName> = self.facts()?.trees.iter().map(|tree| tree.name).collect();
        trails::remove(&self.root, &trees, own, id, trail)
    }

    /// Bytes that go when no other tree than `own` is kept: trails have names in both, and stay.
    ///
    /// # Errors
    /// A tree cannot be read.
    pub fn kept_for_others(&self, own: TreeName) -> Result<u64, StoreError> {
        let mut bytes = 0;
        for tree in self.facts()?.trees.iter().filter(|tree| tree.name != own) {
            bytes += trails::only_in(&self.root, tree.name)?;
        }
        Ok(bytes)
    }

    /// Forgets what is carried of a session that was taken out of the session database.
    ///
    /// # Errors
    /// A step on disk failed.
    pub fn forget_carried(&self, id: &str) -> Result<(), StoreError> {
        trails::forget(&self.root, id)
    }

    /// Begins a tree of layout `number` that comes from a backup.
    ///
    /// # Errors
    /// The layout is unknown, or a step on disk failed.
    pub fn restore(&self, number: u32) -> Result<Restoring<'_>, StoreError> {
        let facts = self.facts()?;
        // One that an earlier try left unfinished is removed and its name used again.
        let whole = facts.trees.iter().filter(|tree| tree.unfinished.is_none());
        let newest = whole.map(|tree| tree.name.generation).max().unwrap_or(0);
        let tree = TreeName {
            generation: newest.saturating_add(1),
            layout: number,
        };
        *self.restoring() = Some(tree);
        Restoring::begin(&self.root, &self.firmware, tree)
    }

    fn restoring(&self) -> MutexGuard<'_, Option<TreeName>> {
        self.restoring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether sessions must be carried: another firmware than this one may go on from another tree.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn has_other_trees(&self, own: TreeName) -> Result<bool, StoreError> {
        let facts = self.facts()?;
        Ok(facts
            .trees
            .iter()
            .any(|tree| tree.name != own && tree.unfinished.is_none()))
    }

    /// Carries a closed session of the tree `tree`: an earlier firmware will find it.
    ///
    /// # Errors
    /// A step on disk failed.
    pub fn carry_out(&self, tree: TreeName, record: &SessionRecord) -> Result<(), StoreError> {
        carry::out(&self.root, tree, record)
    }

    /// Takes over what other firmware carried and the tree `tree` does not know yet. What cannot be read is told, not dropped.
    ///
    /// # Errors
    /// A step on disk failed.
    pub fn carry_in(&self, tree: TreeName, content: &dyn Content) -> Result<Carried, StoreError> {
        carry::take_in(&self.root, tree, self.layout, content)
    }

    /// Removes trees, pointers and carried sessions that no firmware in `kept` (by digest) goes back to; `pause` is called now and
    /// then and may stop it. Returns how many files went.
    ///
    /// # Errors
    /// A step on disk failed.
    pub fn clean(
        &self,
        used: TreeName,
        kept: &BTreeSet<String>,
        pause: &mut dyn FnMut() -> bool,
    ) -> Result<u64, StoreError> {
        let mut kept = kept.clone();
        kept.insert(self.firmware.clone());
        let restoring = self.restoring();
        clean::clean(&self.root, &self.facts()?, (used, *restoring), &kept, pause)
    }

    /// Makes an empty tree.
    fn create(&self, tree: TreeName, now: u64) -> Result<(), StoreError> {
        let folder = self.root.folder_made(tree.to_string().as_bytes())?;
        make_places(&folder, self.layout)?;
        folder.sync_all()?;
        let record = TreeRecord {
            format: TREE_FORMAT,
            tree,
            made_from: None,
            made_by: self.firmware.clone(),
            at: now,
        };
        record.save(&folder)?;
        self.root.sync()
    }

    /// Notes that the tree is worked on, then points to it. Cut off between the two, the next start points.
    fn take(&self, tree: TreeName, now: u64) -> Result<(), StoreError> {
        let last = Found::<LastServed>::in_folder(&self.root)?.good();
        if !last.is_some_and(|last| last.tree == tree && last.firmware == self.firmware) {
            let served = LastServed {
                format: SERVED_FORMAT,
                tree,
                firmware: self.firmware.clone(),
                at: now,
            };
            served.save(&self.root)?;
        }
        let pointers = self.root.folder_made(BY_FIRMWARE.as_bytes())?;
        let (name, target) = (self.firmware.as_bytes(), link_to(tree));
        if pointers.pointed(name).as_deref() == Some(target.as_str()) {
            return Ok(());
        }
        let beside = format!("{}.new", self.firmware);
        pointers.remove(beside.as_bytes())?;
        pointers.point(beside.as_bytes(), &target)?;
        pointers.rename(beside.as_bytes(), name)?;
        pointers.sync()?;
        self.root.sync()
    }

    /// What there is.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn facts(&self) -> Result<StoreFacts, StoreError> {
        let mut facts = StoreFacts::default();
        let root = Folder::open(self.root.path(), self.root.steps())?;
        let mut names = Vec::new();
        walk(root, &mut |met| {
            if let Met::Folder(entry) = met {
                let name = std::str::from_utf8(entry.name)
                    .ok()
                    .and_then(|name| name.parse::<TreeName>().ok());
                names.extend(name);
            }
            Ok(false)
        })?;
        names.sort_unstable();
        for name in names {
            facts.trees.push(self.tree(name)?);
        }
        facts.pointers = self.pointers(&facts)?;
        // One that is damaged is like none: the newest tree counts.
        facts.last_served = Found::<LastServed>::in_folder(&self.root)?
            .good()
            .map(|last| last.tree);
        Ok(facts)
    }

    fn tree(&self, name: TreeName) -> Result<Tree, StoreError> {
        let unknown = || Origin {
            from: None,
            firmware: String::new(),
        };
        let Some(folder) = self.root.folder(name.to_string().as_bytes())? else {
            return Ok(Tree {
                name,
                unfinished: Some(unknown()),
            });
        };
        let record = Found::<TreeRecord>::in_folder(&folder)?.good();
        let unfinished = match (&record, Found::<Journal>::in_folder(&folder)?) {
            (Some(record), _) if record.tree != name => {
                return Err(StoreError::Misnamed {
                    path: folder.path().into(),
                    record: record.tree,
                });
            }
            (Some(record), Found::Nothing) if record.made_from.is_none() => None,
            (Some(_), Found::Is(journal)) if journal.state == State::Complete => None,
            (_, Found::Is(journal)) => Some(Origin {
                from: Some(journal.from),
                firmware: journal.firmware,
            }),
            _ => Some(unknown()),
        };
        Ok(Tree { name, unfinished })
    }

    fn pointers(&self, facts: &StoreFacts) -> Result<BTreeMap<String, TreeName>, StoreError> {
        let mut pointers = BTreeMap::new();
        let Some(folder) = self.root.folder(BY_FIRMWARE.as_bytes())? else {
            return Ok(pointers);
        };
        walk(folder, &mut |met| {
            if let Met::Other(entry) = met {
                let name = std::str::from_utf8(entry.name).ok().and_then(digest_of);
                let target = entry.folder.pointed(entry.name);
                let tree =
                    target.and_then(|target| target.strip_prefix("../").and_then(|name| name.parse().ok()));
                if let (Some(name), Some(tree)) = (name, tree)
                    && facts.trees.iter().any(|known| known.name == tree)
                {
                    pointers.insert(name.to_owned(), tree);
                }
            }
            Ok(false)
        })?;
        Ok(pointers)
    }
}

/// Makes the folders of every place of a layout.
pub(crate) fn make_places(folder: &Folder, layout: &Layout) -> Result<(), StoreError> {
    for place in layout.places {
        let path = place.path.as_bytes();
        let end = match place.form {
            sps_datastore_engine::Form::Folder(_) => path.len(),
            sps_datastore_engine::Form::File => path.iter().rposition(|byte| *byte == b'/').unwrap_or(0),
        };
        folder.make_folder(&path[..end])?;
    }
    Ok(())
}
