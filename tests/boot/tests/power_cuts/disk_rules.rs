//! The rules a disk keeps at every moment, judged as GRUB sees it: its partition table, its boot control, and the slots read by
//! GRUB's own ext4 code (`grub-fstest`), which never replays a journal.
//!
//! What was read once is not read again as long as no write that is on the disk touches the same sectors.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, anyhow, bail, ensure};
use sps_harness::{Kept, Kind, LogEntry, State, WriteLog};
use sps_image::boot_control::{Control, Copy, SlotNumber, choose};
use sps_image::disk::file_extents;
use sps_image::disk::layout::{Layout, Part};
use sps_image::hex::Sha256Digest;
use sps_image::manifest::Manifest;
use sps_image::names;
use sps_image::source::{Extent, FileSource, Section, Source};
use sps_image::{disk, esp};

/// Bytes of the sectors GRUB counts in.
const SECTOR: u64 = 512;

/// Content that is the same as long as this is: which sectors, and which requests wrote there.
type Version = (String, Vec<usize>);

/// Looks at one disk in many states.
pub(crate) struct Judge<'a> {
    image: PathBuf,
    log: &'a WriteLog,
    /// Where the slots lie.
    boot: Extent,
    /// Where the backup of the partition table lies, behind the last partition.
    table: Range<u64>,
    /// Requests that touch the slots' file system.
    to_boot: Vec<usize>,
    /// Those of the state before, and the slots found whole in it.
    known: (Vec<usize>, BTreeSet<SlotNumber>),
    files: BTreeMap<Version, Sha256Digest>,
    controls: BTreeSet<String>,
    slots_read: usize,
    files_read: usize,
}

impl<'a> Judge<'a> {
    /// `image` holds what the disk held before the recording.
    pub(crate) fn new(image: &Path, log: &'a WriteLog) -> Result<Self> {
        let size = FileSource::new(File::open(image).context("open the disk")?)?.size();
        let layout = Layout::for_size(size)?;
        let boot = layout.extent(Part::Boot);
        let behind = layout.extent(Part::Data).end()..size;
        let place = boot.offset..boot.end();
        let touches = |&number: &usize| touches(&log.entries()[number], &place);
        let to_boot = (0..log.entries().len()).filter(touches).collect();
        Ok(Self {
            image: image.into(),
            log,
            boot,
            table: behind,
            to_boot,
            known: Default::default(),
            files: BTreeMap::new(),
            controls: BTreeSet::new(),
            slots_read: 0,
            files_read: 0,
        })
    }

    /// The requests that touch what GRUB reads: partition table, boot control, slots.
    pub(crate) fn matters(&self) -> BTreeSet<usize> {
        let entries = self.log.entries();
        let after = |number: &usize| entries[*number].offset >= self.boot.end();
        let last = |number: &usize| entries[*number].offset + entries[*number].length > self.table.start;
        let write = |number: &usize| touches(&entries[*number], &(0..u64::MAX));
        let all = (0..entries.len()).filter(write);
        all.filter(|number| !after(number) || last(number)).collect()
    }

    /// Judges a state in which `kept` is kept of the window.
    pub(crate) fn look(&mut self, state: &State, kept: &BTreeSet<usize>) -> Result<()> {
        let source = FileSource::new(File::open(&self.image).context("open the disk")?)?;
        let control = control(&source)?;
        self.controls.insert(summary(&control));
        let written = self.to_boot.iter().copied();
        let written: Vec<_> = written
            .filter(|number| *number < state.window.start || kept.contains(number))
            .collect();
        if self.known.0 != written {
            self.known = (written, BTreeSet::new());
        }
        let named = [control.first, control.second].into_iter().flatten();
        let mut named = named.filter(|&slot| control.slot(slot).valid && control.slot(slot).tries.get() > 0);
        ensure!(
            named.next().is_some(),
            "GRUB has nothing to start: {}",
            summary(&control)
        );
        let valid = SlotNumber::ALL
            .into_iter()
            .filter(|&slot| control.slot(slot).valid);
        let to_check: BTreeSet<_> = valid.chain([SlotNumber::FIRST]).collect();
        for slot in to_check {
            self.whole(slot)
                .with_context(|| format!("slot {slot}, the boot control being {}", summary(&control)))?;
        }
        Ok(())
    }

    /// The slot has every file of its manifest, as the manifest has it, and its signature.
    fn whole(&mut self, slot: SlotNumber) -> Result<()> {
        if self.known.1.contains(&slot) {
            return Ok(());
        }
        self.slots_read += 1;
        let manifest = self.read(slot, "manifest.json")?;
        let manifest = Manifest::from_json(&manifest)?;
        ensure!(
            !self.read(slot, "manifest.sig")?.is_empty(),
            "its signature is empty"
        );
        for payload in &manifest.payloads {
            if let Some(name) = names::slot_name(&payload.name) {
                let digest = self.digest(slot, name)?;
                ensure!(digest == payload.sha256, "{name} is not the manifest's: {digest}");
            }
        }
        self.known.1.insert(slot);
        Ok(())
    }

    fn digest(&mut self, slot: SlotNumber, name: &str) -> Result<Sha256Digest> {
        let sectors = self.grub("blocklist", slot, name)?;
        let sectors = String::from_utf8(sectors).context("sectors")?;
        let version = (format!("{name} {sectors}"), self.writers(&sectors)?);
        if let Some(digest) = self.files.get(&version) {
            return Ok(*digest);
        }
        let digest = Sha256Digest::of(&self.read(slot, name)?);
        self.files_read += 1;
        self.files.insert(version, digest);
        Ok(digest)
    }

    /// The requests on the disk that touch these sectors of the slots' file system.
    fn writers(&self, sectors: &str) -> Result<Vec<usize>> {
        let places = places(sectors, self.boot.offset)?;
        let written = self.known.0.iter().copied();
        let entries = self.log.entries();
        Ok(written
            .filter(|&number| places.iter().any(|place| touches(&entries[number], place)))
            .collect())
    }

    fn read(&self, slot: SlotNumber, name: &str) -> Result<Vec<u8>> {
        self.grub("cat", slot, name)
    }

    fn grub(&self, what: &str, slot: SlotNumber, name: &str) -> Result<Vec<u8>> {
        let path = format!("(loop0,gpt{})/slots/{slot}/{name}", Part::Boot.number());
        let mut command = Command::new("grub-fstest");
        let output = command.arg(&self.image).args([what, &path]).output();
        let output = output.context("run grub-fstest: install Debian's grub-common")?;
        // It ends with success after some errors.
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success() && said.is_empty(),
            "GRUB does not read {path}: {said}"
        );
        Ok(output.stdout)
    }

    /// What was looked at, for people.
    pub(crate) fn report(&self) -> String {
        format!(
            "{} writes to the slots, {} slots looked at, {} files read, {} different boot controls",
            self.to_boot.len(),
            self.slots_read,
            self.files_read,
            self.controls.len()
        )
    }

    /// Were a block of the good slot another one, it would be seen: the last look of a judge that knows nothing yet.
    pub(crate) fn sees_damage(&self) -> Result<()> {
        let end = self.log.entries().len();
        let state = State {
            window: end..end,
            kept: Kept::Prefix(0),
        };
        let look = || Self::new(&self.image, self.log)?.look(&state, &BTreeSet::new());
        look().context("at the end")?;
        let sectors = self.grub("blocklist", SlotNumber::FIRST, "vmlinuz")?;
        let place = places(&String::from_utf8(sectors)?, self.boot.offset)?[0].start;
        let file = File::options().read(true).write(true).open(&self.image)?;
        let mut bytes = [0; SECTOR as usize];
        file.read_exact_at(&mut bytes, place)?;
        file.write_all_at(&bytes.map(|byte| !byte), place)?;
        let damaged = look();
        file.write_all_at(&bytes, place)?;
        ensure!(damaged.is_err(), "a damaged kernel in slot 1 was not noticed");
        Ok(())
    }

    /// The run went through a trial and a commit: it was the story meant.
    pub(crate) fn saw_everything(&self) -> Result<()> {
        for (what, text) in [
            ("before", "first 1 second 0"),
            ("trial", "first 2 second 1"),
            ("commit", "first 2 second 0"),
        ] {
            let seen = self.controls.iter().any(|control| control.starts_with(text));
            ensure!(seen, "no state {what} was looked at: {:?}", self.controls);
        }
        Ok(())
    }
}

/// The boot control GRUB goes by.
fn control(source: &FileSource) -> Result<Control> {
    let place = disk::read::read(source)?.table.entry(Part::Esp)?.extent();
    let volume = Section::new(source, place);
    let copy = |copy| -> Result<Vec<u8>> {
        let extents = file_extents::find(&volume, esp::control_path(copy))?;
        let [extent] = extents[..] else {
            bail!("control {copy} lies in {extents:?}")
        };
        let mut bytes = vec![0; usize::try_from(extent.size)?];
        volume.read_at(extent.offset, &mut bytes)?;
        Ok(bytes)
    };
    Ok(choose(&copy(Copy::A)?, &copy(Copy::B)?)?.control)
}

fn summary(control: &Control) -> String {
    let number = |slot: Option<SlotNumber>| slot.map_or(0, u8::from);
    let slots = SlotNumber::ALL.map(|slot| {
        let flags = control.slot(slot);
        (u8::from(flags.valid), flags.tries.get(), u8::from(flags.good))
    });
    let (first, second) = (number(control.first), number(control.second));
    format!("first {first} second {second} slots {slots:?}")
}

pub(crate) fn touches(entry: &LogEntry, place: &Range<u64>) -> bool {
    let writes = !matches!(entry.kind, Kind::Flush | Kind::Mark);
    writes && entry.offset < place.end && entry.offset + entry.length > place.start
}

/// The bytes on the disk of a list as `blocklist` prints it, `1184+10,1194[0-189]`, counted from `start`.
fn places(sectors: &str, start: u64) -> Result<Vec<Range<u64>>> {
    let parts = sectors.trim().split(',');
    let place = |part: &str| -> Option<Range<u64>> {
        let (first, count) = match part.split_once('+') {
            Some((first, count)) => (first, count.parse().ok()?),
            None => (part.split('[').next()?, 1),
        };
        let first: u64 = first.parse().ok()?;
        Some(start + first * SECTOR..start + (first + count) * SECTOR)
    };
    let all: Option<Vec<_>> = parts.map(place).collect();
    all.ok_or_else(|| anyhow!("GRUB's list of sectors is {sectors:?}"))
}
