//! Whether a disk may be installed on, and how. Pure.

use sps_image::disk::layout::{BLOCK, DiskTooSmall, Layout, Part};
use sps_image::disk::table::Table;
use thiserror::Error;

use super::survey::Survey;
use crate::disks::{ApplianceDisk, Content, Disk, Use};

/// Why a disk may not be installed on.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Refusal {
    /// It is what the appliance runs from, or what told it to install.
    #[error("{0} is the medium this installation runs from: choose another disk")]
    Medium(String),
    /// It is an optical drive, or holds nothing that could be written.
    #[error("{0} cannot be written: choose a disk")]
    NoDisk(String),
    /// The kernel refuses writes.
    #[error("{0} is write-protected: remove the protection or choose another disk")]
    ReadOnly(String),
    /// Something uses it.
    #[error("{name} is in use ({by}): choose another disk")]
    InUse {
        /// The disk.
        name: String,
        /// What uses it.
        by: Use,
    },
    /// Its blocks are too large.
    #[error(
        "{name} has blocks of {bytes} bytes; the boot loader needs {BLOCK}: choose another disk or its 512-byte format"
    )]
    Blocks {
        /// The disk.
        name: String,
        /// Bytes of a block.
        bytes: u64,
    },
    /// It is too small.
    #[error("{name} is too small")]
    TooSmall {
        /// The disk.
        name: String,
        /// How much.
        #[source]
        source: DiskTooSmall,
    },
    /// There is nothing on it that could be kept.
    #[error("{0} holds no appliance whose state and data could be kept: install without keeping")]
    NothingToKeep(String),
    /// Its partitions lie elsewhere.
    #[error("{name} has its partition {} elsewhere: install without keeping", part.number())]
    OtherLayout {
        /// The disk.
        name: String,
        /// The first partition that lies elsewhere.
        part: Part,
    },
    /// The name was not typed, or not as it is.
    #[error("to confirm, type the disk's name: {0}")]
    NotConfirmed(String),
    /// An order does not allow to erase an appliance.
    #[error(
        "{name} holds {content}: set `keep = true` to keep state and data, or `erase = true` to lose them"
    )]
    WouldErase {
        /// The disk.
        name: String,
        /// What is on it.
        content: String,
    },
}

/// How the person agreed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Consent {
    /// This was typed when the disk's name was asked for.
    Typed(String),
    /// An order for an unattended installation says whether an appliance's state and data may be erased.
    Order {
        /// They may.
        erase: bool,
    },
}

/// What happens to state and data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The disk becomes a fresh one.
    Fresh,
    /// State and data stay, and this table with them.
    Keep(Table),
    /// State and data stay; the table is lost and is made anew.
    KeepWithNewTable,
}

/// What will be done.
#[derive(Clone, Debug)]
pub struct Plan {
    /// To this disk.
    pub disk: Disk,
    /// With the partitions here.
    pub layout: Layout,
    /// With state and data.
    pub mode: Mode,
}

/// Whether a disk can be installed on at all, and how. `media` are the names of disks that must stay as they are.
///
/// # Errors
/// Says why not.
pub fn plan(survey: &Survey, media: &[String], keep: bool) -> Result<Plan, Refusal> {
    let disk = &survey.disk;
    let name = || disk.name.clone();
    if media.contains(&disk.name) {
        return Err(Refusal::Medium(name()));
    }
    if disk.optical || matches!(survey.content, Content::NoMedium | Content::Unreadable(_)) {
        return Err(Refusal::NoDisk(name()));
    }
    if disk.read_only {
        return Err(Refusal::ReadOnly(name()));
    }
    if let Some(by) = disk.in_use.clone() {
        return Err(Refusal::InUse { name: name(), by });
    }
    if disk.logical_block != BLOCK {
        return Err(Refusal::Blocks {
            name: name(),
            bytes: disk.logical_block,
        });
    }
    let layout = Layout::for_size(disk.bytes).map_err(|source| Refusal::TooSmall { name: name(), source })?;
    let mode = if keep {
        mode_to_keep(survey, &layout)?
    } else {
        Mode::Fresh
    };
    Ok(Plan {
        disk: disk.clone(),
        layout,
        mode,
    })
}

/// With both copies of the table lost, state and data are still where every appliance has them.
fn mode_to_keep(survey: &Survey, layout: &Layout) -> Result<Mode, Refusal> {
    let name = || survey.disk.name.clone();
    match (&survey.content, &survey.table) {
        (Content::Appliance(ApplianceDisk { fresh: false, .. }), Some(table)) => {
            let elsewhere = Part::ALL
                .into_iter()
                .find(|part| !lies_there(table, layout, *part));
            match elsewhere {
                Some(part) => Err(Refusal::OtherLayout { name: name(), part }),
                None => Ok(Mode::Keep(table.clone())),
            }
        }
        (Content::DamagedTable, None) if survey.has_state => Ok(Mode::KeepWithNewTable),
        _ => Err(Refusal::NothingToKeep(name())),
    }
}

/// Whether a partition lies where the layout has it; the last one may be smaller than it could be.
fn lies_there(table: &Table, layout: &Layout, part: Part) -> bool {
    let wanted = layout.extent(part);
    table.entry(part).is_ok_and(|entry| {
        let found = entry.extent();
        found.offset == wanted.offset && (found.size == wanted.size || part == Part::Data)
    })
}

/// Whether the person agreed to what the plan does to this disk.
///
/// # Errors
/// When not; says what would be agreement.
pub fn agree(plan: &Plan, survey: &Survey, consent: &Consent) -> Result<(), Refusal> {
    let name = || plan.disk.name.clone();
    let loses = plan.mode == Mode::Fresh && holds_data(survey);
    match consent {
        Consent::Typed(text) if text.trim() == plan.disk.name => Ok(()),
        Consent::Typed(_) => Err(Refusal::NotConfirmed(name())),
        Consent::Order { erase: false } if loses => Err(Refusal::WouldErase {
            name: name(),
            content: survey.content.to_string(),
        }),
        Consent::Order { .. } => Ok(()),
    }
}

fn holds_data(survey: &Survey) -> bool {
    match &survey.content {
        Content::Appliance(appliance) => !appliance.fresh,
        Content::DamagedTable => survey.has_state,
        _ => false,
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
