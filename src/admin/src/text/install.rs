//! Disks and plans in words.

use super::{bytes, clean, table};
use crate::install::{Disk, DiskContent, InstallPlan};

/// The disks with what is on them.
#[must_use]
pub fn disks(disks: &[Disk]) -> String {
    if disks.is_empty() {
        return "No disk found: check its controller and cable, or add a disk to the virtual machine.\n"
            .into();
    }
    let rows: Vec<_> = disks
        .iter()
        .map(|disk| {
            [
                disk.name.clone(),
                disk.model.clone(),
                bytes(disk.bytes),
                content(&disk.content),
            ]
        })
        .collect();
    let mut text = table(["DISK", "MODEL", "SIZE", "CONTENT"], &rows);
    for disk in disks {
        if let Some(why) = &disk.refused {
            text += &clean(&format!("{}: not possible: {why}", disk.name));
            text.push('\n');
        }
    }
    text
}

/// What is on a disk.
#[must_use]
pub fn content(content: &DiskContent) -> String {
    match content {
        DiskContent::Blank => "nothing known".into(),
        DiskContent::Appliance {
            host_name, version, ..
        } => {
            let named = host_name
                .as_ref()
                .map(|name| format!(" {name}"))
                .unwrap_or_default();
            let version = version
                .as_ref()
                .map(|version| format!(", firmware {version}"))
                .unwrap_or_default();
            clean(&format!("appliance{named}{version}"))
        }
        DiskContent::Damaged { can_keep: true } => "appliance, its partition table is damaged".into(),
        DiskContent::Damaged { can_keep: false } => "a damaged partition table".into(),
        DiskContent::Other { summary } => clean(summary),
    }
}

/// What installing would do.
#[must_use]
pub fn plan(plan: &InstallPlan) -> String {
    let disk = &plan.disk;
    let on_it = content(&disk.content);
    let mut text = clean(&format!(
        "{} ({}, {}): {on_it}",
        disk.name,
        disk.model,
        bytes(disk.bytes)
    ));
    text += &format!("\nFirmware {} will be installed:\n", clean(&plan.version));
    for step in &plan.steps {
        text += &format!(
            "  - {}{}\n",
            clean(&step.what),
            if step.destroys {
                " (erases what is there)"
            } else {
                ""
            }
        );
    }
    text
}
