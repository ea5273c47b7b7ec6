//! Slots and media in words.

use super::{bytes, clean, date, table, wrap};
use crate::firmware::{Medium, Slot, SlotState, Slots};
use crate::testing::Test;

/// Digits of a digest that tell firmware apart for people.
const DIGEST: usize = 12;

/// Width of a finding beside the word that weighs it: both fit on a line of 80.
const FINDING: usize = 69;

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
    for slot in &slots.slots {
        if let Some(found) = &slot.test {
            let outdated = found.outdated.as_ref();
            let outdated = outdated.map_or_else(String::new, |changed| format!("; outdated: {changed}"));
            let line = format!("slot {} was tested: {}{outdated}", slot.number, found.summary());
            text += &(clean(&line) + "\n");
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

/// What a Test found, a paragraph each.
#[must_use]
pub fn test(test: &Test) -> String {
    let mut text = clean(&format!("Firmware {}: {}", test.version, test.summary())) + "\n";
    for finding in &test.findings {
        let problem = format!("{}: {}", finding.setting, finding.problem);
        let lines = [problem, finding.mend.clone()];
        let lines = lines.iter().flat_map(|line| wrap(&clean(line), FINDING));
        for (number, line) in lines.enumerate() {
            let word = if number == 0 { finding.severity.word() } else { "" };
            text += &format!("{word:<9} {line}\n");
        }
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
