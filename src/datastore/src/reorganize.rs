//! Making a tree of one layout out of a tree of an earlier one, which is only read.
//!
//! Steps are idempotent: a start that was cut off is gone on with. What a step did is made permanent in batches, by one sync of
//! the file system, before the journal says so; the journal lies in the tree that is made.

mod copy;
mod link;
mod stray;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use sps_datastore_engine::{
    Action, Class, Form, JOURNAL_FORMAT, Journal, Kind, Layout, Meter, Place, Plan, Progress, State, Step,
    StepState, TREE_FORMAT, TreeName, TreeRecord, layout, plan,
};

use crate::content::Content;
use crate::disk::Folder;
use crate::documents::Kept;
use crate::error::StoreError;
use crate::survey::survey;

/// Files after which what was done is made permanent: a power cut costs at most a second of linking.
const BATCH_FILES: u64 = 50_000;
/// Or after this time.
const BATCH_TIME: Duration = Duration::from_secs(3);
/// Files between two looks at the clock.
const LOOK_EVERY: u64 = 512;

/// How far a reorganization is, for people.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// What is worked on.
    pub what: &'static str,
    /// Files.
    pub progress: Progress,
    /// Whether something new is permanent since the last report: this start has advanced.
    pub advanced: bool,
}

/// Is told how far it is, and says whether to go on.
pub type Watch<'a> = dyn FnMut(&Report) -> bool + 'a;

/// What is to be made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order<'a> {
    /// The tree there is.
    pub from: TreeName,
    /// The tree to be made.
    pub into: TreeName,
    /// Digest of the firmware that will use it.
    pub firmware: &'a str,
    /// Seconds since 1970.
    pub now: u64,
}

/// What was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// Files that found their place.
    pub files: u64,
    /// Bytes that were copied.
    pub bytes: u64,
    /// What people should know.
    pub notes: Vec<String>,
}

fn planned(tree: Folder, from: u32, to: u32) -> Result<Plan, StoreError> {
    let old = known(from)?;
    Ok(plan(&survey(tree, old)?, to)?)
}

fn known(number: u32) -> Result<&'static Layout, StoreError> {
    let found = layout(number);
    found.ok_or(StoreError::Plan(sps_datastore_engine::PlanError::Future {
        found: number,
    }))
}

/// Makes the tree, or goes on with it, and verifies it. The pointer is not touched.
pub(crate) fn reorganize(
    root: &Folder,
    order: &Order<'_>,
    content: &dyn Content,
    watch: &mut Watch<'_>,
) -> Result<Made, StoreError> {
    let open = |name: TreeName| root.folder(name.to_string().as_bytes());
    let missing = |name: TreeName| StoreError::read(root.path_of(name.to_string().as_bytes()));
    let gone = || rustix::io::Errno::NOENT.into();
    let old = open(order.from)?.ok_or_else(|| missing(order.from)(gone()))?;
    let counted = open(order.from)?.ok_or_else(|| missing(order.from)(gone()))?;
    let plan = planned(counted, order.from.layout, order.into.layout)?;
    let new = begin(root, order, &plan)?;
    let journal = Journal::load(&new)?.unwrap_or_else(|| fresh_journal(order, &plan));
    let mut work = Work::new(old, new, journal, &plan, content, watch);
    if work.journal.steps.len() != plan.steps.len() {
        work.journal = fresh_journal(order, &plan);
    }
    work.run(&plan)
}

/// Makes the tree, if there is room for what comes into it; or finds what an earlier start began.
fn begin(root: &Folder, order: &Order<'_>, plan: &Plan) -> Result<Folder, StoreError> {
    let begun = root.folder(order.into.to_string().as_bytes())?;
    if begun.is_none() {
        let needed = plan.cost.estimate(&sps_datastore_engine::DEFAULT_RATES).space;
        let free = root.free()?;
        if free < needed {
            return Err(StoreError::NoRoom { needed, free });
        }
    }
    let new = root.folder_made(order.into.to_string().as_bytes())?;
    root.sync()?;
    // The journal first: a tree with a record and no journal would be whole.
    if !matches!(Journal::load(&new), Ok(Some(_))) {
        fresh_journal(order, plan).save(&new)?;
    }
    if !matches!(TreeRecord::load(&new), Ok(Some(_))) {
        let record = TreeRecord {
            format: TREE_FORMAT,
            tree: order.into,
            made_from: Some(order.from),
            made_by: order.firmware.into(),
            at: order.now,
        };
        record.save(&new)?;
    }
    Ok(new)
}

fn fresh_journal(order: &Order<'_>, plan: &Plan) -> Journal {
    let step = |step: &Step| StepState {
        what: step.kind.title().into(),
        ..StepState::default()
    };
    Journal {
        format: JOURNAL_FORMAT,
        from: order.from,
        firmware: order.firmware.into(),
        begun: order.now,
        advanced: 0,
        state: State::Building,
        steps: plan.steps.iter().map(step).collect(),
        notes: Vec::new(),
    }
}

/// A reorganization under way.
struct Work<'a, 'b> {
    old: Folder,
    new: Folder,
    journal: Journal,
    content: &'a dyn Content,
    watch: &'a mut Watch<'b>,
    /// Counts files, for people.
    meter: Meter,
    /// Counts work, for the time left: a large database is one file.
    effort: Meter,
    clock: Instant,
    /// Number and title of the step under way.
    step: usize,
    what: &'static str,
    /// Files since the last sync, and when it was.
    unsynced: u64,
    synced: Instant,
}

impl<'a, 'b> Work<'a, 'b> {
    fn new(
        old: Folder,
        new: Folder,
        journal: Journal,
        plan: &Plan,
        content: &'a dyn Content,
        watch: &'a mut Watch<'b>,
    ) -> Self {
        let total = plan.steps.iter().filter(|step| step.to.is_some());
        let clock = Instant::now();
        Self {
            old,
            new,
            journal,
            content,
            watch,
            meter: Meter::new(total.map(|step| step.counted.files).sum(), Duration::ZERO),
            effort: Meter::new(plan.cost.work(), Duration::ZERO),
            clock,
            step: 0,
            what: "",
            unsynced: 0,
            synced: clock,
        }
    }

    fn run(mut self, plan: &Plan) -> Result<Made, StoreError> {
        for (number, step) in plan.steps.iter().enumerate() {
            (self.step, self.what) = (number, step.kind.title());
            if self.journal.steps[number].finished {
                self.meter.resume(step.counted.files);
                self.effort.resume(step.cost().work());
                continue;
            }
            self.journal.steps[number].done = sps_datastore_engine::Done::default();
            self.tell(false)?;
            self.take(plan, step)?;
            self.journal.steps[number].finished = true;
            self.make_permanent()?;
        }
        self.what = "verifying";
        self.verify(plan)?;
        self.journal.state = State::Complete;
        self.make_permanent()?;
        let done = self.journal.steps.iter().map(|step| step.done);
        let (files, bytes) = done.fold((0, 0), |(files, bytes), done| {
            (files + done.files, bytes + done.bytes)
        });
        Ok(Made {
            files,
            bytes,
            notes: self.journal.notes,
        })
    }

    fn take(&mut self, plan: &Plan, step: &Step) -> Result<(), StoreError> {
        let (Some(from), Some(to)) = (step.from, step.to) else {
            if step.counted.files > 0 {
                let (what, files) = (step.kind.title(), step.counted.files);
                self.note(format!(
                    "{what}: {files} files are not taken over; they go with the earlier data"
                ));
            }
            return Ok(());
        };
        match step.action {
            Action::Leave => Ok(()),
            Action::Link => {
                self.link_place(&from, &to)?;
                if step.kind == Kind::Unrecognized {
                    self.link_strays(known(plan.from)?, &to)?;
                }
                Ok(())
            }
            Action::CopyLines | Action::CopyDatabase => {
                self.copy_place(&from, &to)?;
                if step.kind == Kind::SessionDatabase {
                    self.adapt(plan, &to)?;
                }
                Ok(())
            }
            Action::Migrate => self.migrate(plan, &from, &to),
        }
    }

    /// The configuration, from form to form.
    fn migrate(&mut self, plan: &Plan, from: &Place, to: &Place) -> Result<(), StoreError> {
        let Some(document) = copy::read_whole(&self.old, from.path)? else {
            self.note("there is no configuration: the new firmware begins with its own".into());
            return Ok(());
        };
        let migrated = self.content.migrate(&document, plan.from, plan.to);
        let migrated = migrated.map_err(|source| StoreError::Content {
            path: self.old.path_of(from.path.as_bytes()),
            layout: plan.to,
            source,
        })?;
        self.write_whole(to.path, &migrated.document)?;
        for note in migrated.notes {
            self.note(note);
        }
        self.count(1, migrated.document.len() as u64)
    }

    fn adapt(&mut self, plan: &Plan, to: &Place) -> Result<(), StoreError> {
        let folder = self.new.path_of(to.path.as_bytes());
        if !folder.is_dir() {
            return Ok(());
        }
        let notes = self.content.adapt(&folder, plan.from, plan.to);
        let notes = notes.map_err(|source| StoreError::Content {
            path: folder,
            layout: plan.to,
            source,
        })?;
        notes.into_iter().for_each(|note| self.note(note));
        Ok(())
    }

    /// Whether as many files lie in the new tree as were linked from the old one.
    fn verify(&mut self, plan: &Plan) -> Result<(), StoreError> {
        let tree = Folder::open(self.new.path(), self.new.steps())?;
        let facts = survey(tree, known(plan.to)?)?;
        for (step, state) in plan.steps.iter().zip(&self.journal.steps) {
            let kept = step.to.is_some_and(|place| place.class == Class::WriteOnce);
            // What is found damaged is added there meanwhile.
            let (found, done) = (facts.of(step.kind).files, state.done.files);
            if kept && (step.counted.files != done || (found != done && step.kind != Kind::Quarantine)) {
                return Err(StoreError::Miscounted {
                    tree: self.journal.from,
                    what: step.kind.title(),
                    counted: step.counted.files,
                    found,
                });
            }
        }
        Ok(())
    }

    /// Files are done; now and then that is told and made permanent.
    fn count(&mut self, files: u64, bytes: u64) -> Result<(), StoreError> {
        let done = &mut self.journal.steps[self.step].done;
        done.files += files;
        done.bytes += bytes;
        self.meter.advance(files);
        if bytes == 0 {
            self.effort.advance(files);
        }
        self.unsynced += files;
        if !self.unsynced.is_multiple_of(LOOK_EVERY) && bytes == 0 {
            return Ok(());
        }
        self.tell(false)?;
        if self.unsynced >= BATCH_FILES || self.synced.elapsed() >= BATCH_TIME {
            self.make_permanent()?;
        }
        Ok(())
    }

    /// Everything done so far survives a power cut, then the journal says so.
    fn make_permanent(&mut self) -> Result<(), StoreError> {
        self.new.sync_all()?;
        self.journal.advanced += 1;
        self.journal.save(&self.new)?;
        (self.unsynced, self.synced) = (0, Instant::now());
        self.tell(true)
    }

    fn tell(&mut self, advanced: bool) -> Result<(), StoreError> {
        let now = self.clock.elapsed();
        let progress = Progress {
            left: self.effort.progress(now).left,
            ..self.meter.progress(now)
        };
        let what = self.what;
        let report = Report {
            what,
            progress,
            advanced,
        };
        if (self.watch)(&report) {
            Ok(())
        } else {
            Err(StoreError::Stopped)
        }
    }

    fn note(&mut self, note: String) {
        if self.journal.notes.len() < MOST_NOTES && !self.journal.notes.contains(&note) {
            self.journal.notes.push(note);
        }
    }

    /// The folder of a place in the old tree; nothing when it is not there or is no folder.
    fn old_place(&self, place: &Place) -> Result<Option<Folder>, StoreError> {
        match place.form {
            Form::File => Ok(None),
            Form::Folder(_) => self.old.folder(place.path.as_bytes()),
        }
    }

    fn new_path(&self, name: &[u8]) -> PathBuf {
        self.new.path_of(name)
    }
}

/// Notes that are kept: more say nothing more to anybody.
const MOST_NOTES: usize = 256;
