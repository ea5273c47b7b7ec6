//! Slots and media in words.

use super::{bytes, clean, date, table};
use crate::firmware::{Medium, Slot, SlotState, Slots};

/// Digits of a digest that tell firmware apart for people.
const DIGEST: usize = 12;

/// The slots, what failed, and when the running firmware is committed.
#[must_use]
pub fn slots(slots: &Slots) -> String {
    let rows: Vec<_> = slots.slots.iter().map(row).collect();
    let mut text = table(["SLOT", "STATE", "VERSION", "SIZE", "DIGEST", "BOOT"], &rows);
    for slot in &slots.slots {
        if let SlotState::Failed { reason } = &slot.state {
            text += &clean(&format!("slot {} failed: {reason}", slot.number));
            text.push('\n');
        }
    }
    for failed in &slots.failed {
        let line = format!(
            "refused: {} {}: {}",
            short(&failed.digest),
            failed.version,
            failed.reason
        );
        text += &clean(&line);
        text.push('\n');
    }
    if let Some(at) = slots.commit_at {
        text += &format!(
            "The running firmware is committed at {} unless it fails.\n",
            date(at)
        );
    }
    if slots.ssh_upload {
        text += "Firmware may be sent by SSH: sftp or scp to admin, folder firmware.\n";
    }
    text
}

fn row(slot: &Slot) -> [String; 6] {
    let boot = match (slot.current, slot.after_reboot) {
        (true, true) => "current, after reboot",
        (true, false) => "current",
        (false, true) => "after reboot",
        (false, false) => "",
    };
    let or_dash = |text: Option<&str>| text.unwrap_or("-").to_owned();
    [
        slot.number.to_string(),
        slot.state.to_string(),
        or_dash(slot.version.as_deref()),
        if slot.bytes == 0 {
            "-".into()
        } else {
            bytes(slot.bytes)
        },
        or_dash(slot.digest.as_deref().map(short)),
        boot.to_owned(),
    ]
}

fn short(digest: &str) -> &str {
    digest.get(..DIGEST).unwrap_or(digest)
}

/// Firmware files on media.
#[must_use]
pub fn media(media: &[Medium]) -> String {
    let rows: Vec<_> = media
        .iter()
        .filter(|medium| medium.problem.is_none())
        .map(|medium| {
            let version = medium.version.clone().unwrap_or_else(|| "-".into());
            [
                medium.source.to_string(),
                version,
                bytes(medium.bytes),
                medium.title.clone(),
            ]
        })
        .collect();
    let mut text = match rows.as_slice() {
        [] => "No firmware file found on any medium.\n".into(),
        rows => table(["SOURCE", "VERSION", "SIZE", "MEDIUM"], rows),
    };
    for problem in media.iter().filter_map(|medium| medium.problem.as_ref()) {
        text += &(clean(problem) + "\n");
    }
    text
}
