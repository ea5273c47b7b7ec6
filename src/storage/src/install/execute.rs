//! The steps of an installation, in order, and carrying them out.
//!
//! Invariant: until the last step the disk does not start: a fresh one has no partition table, one that keeps its state and
//! data has no boot loader. Cut short, an installation is done again from the start.

use std::path::Path;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use sps_image::disk::layout::{Identity, Part};
use sps_image::disk::read::{self, Copies, ReadError};
use sps_image::disk::table::Table;
use sps_image::disk::write::{self, WriteError};
use sps_image::version::Version;
use thiserror::Error;
use tracing::{debug, info};

use super::firmware::{Firmware, FirmwareError};
use super::loader::{Loader, LoaderError};
use super::plan::{Mode, Plan};
use super::progress::Progress;
use super::slot::{self, SlotError};
use super::target::{Target, TargetError};
use crate::device::BlockDevice;
use crate::ext4::{self, Ext4Error, Kind, MountError, Options};
use crate::helper::Helpers;
use crate::random;

/// Why an installation failed. The disk does not start then.
#[derive(Debug, Error)]
pub enum InstallError {
    /// The disk.
    #[error("the installation failed")]
    Target(#[from] TargetError),
    /// The firmware.
    #[error("the installation failed")]
    Firmware(#[from] FirmwareError),
    /// The boot loader.
    #[error("the installation failed")]
    Loader(#[from] LoaderError),
    /// The file system for the firmware.
    #[error("the installation failed")]
    Ext4(#[from] Ext4Error),
    /// Its mount.
    #[error("the installation failed")]
    Mount(#[from] MountError),
    /// The slot.
    #[error("the installation failed")]
    Slot(#[from] SlotError),
    /// The partition table was not written.
    #[error("the installation failed: the disk may be failing, use another")]
    Table(#[source] WriteError),
    /// The partition table cannot be read back.
    #[error("the installation failed: the disk may be failing, use another")]
    TableUnreadable(#[source] ReadError),
    /// The kernel gave no randomness.
    #[error("the installation failed: could not get random bytes for an identity")]
    Random(#[source] Errno),
    /// The observer asked to stop.
    #[error("the installation was stopped before the step {0:?}: install again")]
    Stopped(&'static str),
}

/// Hears of the installation, and may stop it.
pub trait Observer {
    /// Before each step; `false` stops.
    fn step(&mut self, step: &Step) -> bool;
    /// While bytes move; often, and quickly answered.
    fn progress(&mut self, progress: &Progress);
}

/// One step.
#[derive(Clone, Copy)]
pub struct Step {
    /// Short name.
    pub name: &'static str,
    /// What it does, for people.
    pub title: &'static str,
    run: fn(&mut Install<'_>) -> Result<(), InstallError>,
}

/// All steps, in order.
#[rustfmt::skip]
pub const STEPS: [Step; 6] = [
    Step { name: "clear",  title: "Clear the disk",          run: clear },
    Step { name: "format", title: "Make the file system",    run: format },
    Step { name: "copy",   title: "Copy the firmware",       run: copy },
    Step { name: "loader", title: "Write the boot loader",   run: loader },
    Step { name: "verify", title: "Read everything back",    run: verify },
    Step { name: "commit", title: "Make the disk bootable",  run: commit },
];

/// What was installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// On which disk.
    pub disk: String,
    /// Which firmware.
    pub version: Version,
    /// Whether state and data were kept.
    pub kept: bool,
    /// Bytes written.
    pub bytes: u64,
    /// From the first step to the last.
    pub took: Duration,
}

struct Install<'a> {
    plan: &'a Plan,
    firmware: &'a Firmware,
    helpers: &'a Helpers,
    scratch: &'a Path,
    table: Table,
    loader: Loader,
    meter: Meter<'a>,
}

/// Counts bytes and tells the observer.
struct Meter<'a> {
    observer: &'a mut dyn Observer,
    title: &'static str,
    done: u64,
    total: u64,
    began: Option<Instant>,
}

impl Meter<'_> {
    fn moved(&mut self, bytes: u64) {
        let began = *self.began.get_or_insert_with(Instant::now);
        self.done += bytes;
        self.observer.progress(&Progress {
            title: self.title,
            done: self.done,
            total: self.total,
            elapsed: began.elapsed(),
        });
    }
}

/// Installs. `scratch` is a folder for mounting; nothing else may be mounted there.
///
/// # Errors
/// At the first step that fails or is stopped.
pub fn install(
    plan: &Plan,
    firmware: &Firmware,
    helpers: &Helpers,
    scratch: &Path,
    observer: &mut dyn Observer,
) -> Result<Installed, InstallError> {
    let began = Instant::now();
    let loader = Loader::new(firmware, &plan.layout)?;
    let bytes = loader.size() + slot::size(firmware)?;
    let mut install = Install {
        plan,
        firmware,
        helpers,
        scratch,
        table: table(plan).map_err(InstallError::Random)?,
        loader,
        meter: Meter {
            observer,
            title: STEPS[0].title,
            done: 0,
            total: 2 * bytes,
            began: None,
        },
    };
    for step in &STEPS {
        if !install.meter.observer.step(step) {
            return Err(InstallError::Stopped(step.name));
        }
        install.meter.title = step.title;
        (step.run)(&mut install)?;
        debug!(
            "install: {} done after {} ms",
            step.name,
            began.elapsed().as_millis()
        );
    }
    let installed = Installed {
        disk: plan.disk.name.clone(),
        version: firmware.manifest().version,
        kept: plan.mode != Mode::Fresh,
        bytes,
        took: began.elapsed(),
    };
    info!(
        "installed version {} on {} in {} ms, {bytes} bytes",
        installed.version,
        installed.disk,
        installed.took.as_millis()
    );
    Ok(installed)
}

/// The table the disk will have.
fn table(plan: &Plan) -> Result<Table, Errno> {
    Ok(match &plan.mode {
        Mode::Fresh => Table::new(&plan.layout, &Identity::TEMPLATE),
        Mode::Keep(table) => table.clone(),
        Mode::KeepWithNewTable => Table::new(&plan.layout, &random::identity()?),
    })
}

/// A disk that loses everything loses its table first. The partitions are then the kernel's alone.
fn clear(install: &mut Install<'_>) -> Result<(), InstallError> {
    let (disk, layout) = (&install.plan.disk, &install.plan.layout);
    match install.plan.mode {
        Mode::Fresh => Target::clear_all(disk, layout)?,
        Mode::Keep(_) | Mode::KeepWithNewTable => Target::clear_loader(disk, layout)?,
    }
    Ok(Target::open(disk)?.show(&install.table)?)
}

fn format(install: &mut Install<'_>) -> Result<(), InstallError> {
    let boot = install.plan.disk.partition(Part::Boot.number());
    Ok(ext4::make(install.helpers, Kind::Boot, &boot)?)
}

fn copy(install: &mut Install<'_>) -> Result<(), InstallError> {
    let boot = install.plan.disk.partition(Part::Boot.number());
    let mounted = ext4::mount(&boot, install.scratch, Options::Writable)?;
    slot::fill(&mounted, install.firmware, |bytes| install.meter.moved(bytes))?;
    Ok(mounted.unmount()?)
}

fn loader(install: &mut Install<'_>) -> Result<(), InstallError> {
    let mut target = Target::open(&install.plan.disk)?;
    for piece in &install.loader.body {
        target.write(piece.what, piece.offset, &piece.bytes)?;
        install.meter.moved(piece.bytes.len() as u64);
    }
    Ok(())
}

fn verify(install: &mut Install<'_>) -> Result<(), InstallError> {
    let target = Target::open(&install.plan.disk)?;
    target.forget()?;
    for piece in &install.loader.body {
        target.compare(piece.what, piece.offset, &piece.bytes)?;
        install.meter.moved(piece.bytes.len() as u64);
    }
    let boot = install.plan.disk.partition(Part::Boot.number());
    let device = BlockDevice::shared(&boot).map_err(TargetError::from)?;
    device.forget_cache().map_err(|source| TargetError::Write {
        disk: install.plan.disk.name.clone(),
        what: "the firmware",
        source,
    })?;
    drop(device);
    // As GRUB will see it: without replaying the journal.
    let mounted = ext4::mount(&boot, install.scratch, Options::Untouched)?;
    slot::verify(mounted.target(), install.firmware, |bytes| {
        install.meter.moved(bytes);
    })?;
    Ok(mounted.unmount()?)
}

/// Last of all what firmware and BIOS look for: the beginning of the EFI system partition, the partition table, the boot code.
fn commit(install: &mut Install<'_>) -> Result<(), InstallError> {
    let mut target = Target::open(&install.plan.disk)?;
    let head = &install.loader.esp_head;
    // Everything before has to be on the disk before this.
    target.sync("the boot loader")?;
    target.write(head.what, head.offset, &head.bytes)?;
    install.meter.moved(head.bytes.len() as u64);
    // Begins with a sync of its own, long before the boot code.
    write::write(&mut target.device, &install.table, &install.loader.first_block)
        .map_err(InstallError::Table)?;
    target.forget()?;
    target.compare(head.what, head.offset, &head.bytes)?;
    install.meter.moved(head.bytes.len() as u64);
    let found = read::read(&target.device).map_err(InstallError::TableUnreadable)?;
    let blocks = install.table.disk_size() / sps_image::disk::layout::BLOCK;
    let first_block = write::protective_mbr(&install.loader.first_block, blocks);
    if found.table != install.table || found.copies != Copies::Agree || found.first_block != first_block {
        return Err(target.differs("the partition table").into());
    }
    forget_partitions(install.plan);
    Ok(())
}

/// What was written through the whole disk may lie in the kernel's memory of a partition as it was before.
fn forget_partitions(plan: &Plan) {
    for part in [Part::Bios, Part::Esp] {
        let forgotten = BlockDevice::read_only(&plan.disk.partition(part.number()));
        if let Ok(device) = forgotten
            && let Err(error) = device.forget_cache()
        {
            debug!("{}: {error}", device.path().display());
        }
    }
}
