//! The first boot of a disk: what an image cannot carry is made here.
//!
//! The steps are data, in order; the last one is the commit point: it gives the disk an identity of its own, and with
//! that the disk is no longer fresh. Every step can be done again from any state an interrupted one leaves, so a first boot cut
//! short is done again from the start. Blocking: not for PID 1's threads.

use std::path::Path;

use rustix::io::Errno;
use sps_image::disk::layout::Part;
use thiserror::Error;
use tracing::info;

use crate::drbd::{Drbd, DrbdError};
use crate::ext4::{self, Ext4Error, Kind, MountError, Options};
use crate::helper::Helpers;
use crate::own::{OwnDisk, OwnError};
use crate::random;

/// Why the first boot could not be done.
#[derive(Debug, Error)]
pub enum FirstBootError {
    /// A file system.
    #[error("the first boot could not prepare a file system")]
    Ext4(#[from] Ext4Error),
    /// A mount.
    #[error("the first boot could not mount a file system")]
    Mount(#[from] MountError),
    /// DRBD.
    #[error("the first boot could not prepare the replicated device")]
    Drbd(#[from] DrbdError),
    /// The partition table.
    #[error("the first boot could not give the disk its identity")]
    Identity(#[source] OwnError),
    /// The kernel gave no randomness.
    #[error("could not get random bytes for an identity")]
    Random(#[source] Errno),
    /// Somebody asked to stop between two steps.
    #[error("the first boot was stopped after the step {0:?}; it is done again at the next boot")]
    Stopped(&'static str),
}

/// What the steps work on.
pub struct FirstBoot<'a> {
    /// The fresh disk.
    pub own: &'a mut OwnDisk,
    /// Its replicated device.
    pub drbd: &'a Drbd,
    /// Runs the programs.
    pub helpers: &'a Helpers,
    /// Where `boot` is mounted for a moment.
    pub scratch: &'a Path,
}

/// One step.
#[derive(Clone, Copy)]
pub struct Step {
    /// Short name.
    pub name: &'static str,
    /// What it does, for people.
    pub title: &'static str,
    run: fn(&mut FirstBoot<'_>) -> Result<(), FirstBootError>,
}

/// All steps, in order; the last is the commit point.
#[rustfmt::skip]
pub const STEPS: [Step; 5] = [
    Step { name: "boot",     title: "Give the firmware's file system an identity", run: boot },
    Step { name: "state",    title: "Make the file system for state",              run: state },
    Step { name: "meta",     title: "Make the metadata of replication",            run: meta },
    Step { name: "data",     title: "Make the file system for data",               run: data },
    Step { name: "identity", title: "Give the disk an identity",                   run: identity },
];

/// Does the first boot of a fresh disk; of another disk nothing. `before` hears of each step before it begins and may
/// stop by answering `false`.
///
/// # Errors
/// At the first step that fails or is stopped; the disk stays fresh.
pub fn first_boot(
    work: &mut FirstBoot<'_>,
    mut before: impl FnMut(&Step) -> bool,
) -> Result<(), FirstBootError> {
    if !work.own.is_fresh() {
        return Ok(());
    }
    for step in &STEPS {
        if !before(step) {
            return Err(FirstBootError::Stopped(step.name));
        }
        info!("first boot: {}", step.title);
        (step.run)(work)?;
    }
    Ok(())
}

fn boot(work: &mut FirstBoot<'_>) -> Result<(), FirstBootError> {
    let device = work.own.partition(Part::Boot);
    ext4::check(work.helpers, &device)?;
    let uuid = random::uuid().map_err(FirstBootError::Random)?;
    let mounted = ext4::mount(&device, work.scratch, Options::Writable)?;
    ext4::set_uuid(&mounted, uuid)?;
    Ok(mounted.unmount()?)
}

fn state(work: &mut FirstBoot<'_>) -> Result<(), FirstBootError> {
    let device = work.own.partition(Part::State);
    Ok(ext4::make(work.helpers, Kind::State, &device)?)
}

fn meta(work: &mut FirstBoot<'_>) -> Result<(), FirstBootError> {
    // An attempt in this same boot may have left the device up.
    if work.drbd.status()?.is_some() {
        work.drbd.down()?;
    }
    Ok(work.drbd.create_metadata()?)
}

fn data(work: &mut FirstBoot<'_>) -> Result<(), FirstBootError> {
    work.drbd.up()?;
    work.drbd.promote_new()?;
    ext4::make(work.helpers, Kind::Data, work.drbd.node())?;
    Ok(work.drbd.down()?)
}

/// The commit point.
fn identity(work: &mut FirstBoot<'_>) -> Result<(), FirstBootError> {
    let identity = random::identity().map_err(FirstBootError::Random)?;
    work.own
        .take_identity(&identity)
        .map_err(FirstBootError::Identity)
}
