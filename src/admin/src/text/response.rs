//! Any response in words.

use super::{
    active_sessions, backups, bytes, clean, configuration, configuration_changes, date, disks, findings,
    imported, indexers, licence, media, network, plan, revisions, session, session_content, session_page,
    sessions, slots, space, status, store, table, test,
};
use crate::changes::Change;
use crate::firmware::Slots;
use crate::response::Response;
use crate::support::{BundleWritten, Stick};

/// The response as lines of text; may be empty.
#[must_use]
pub fn response(response: &Response) -> String {
    match response {
        Response::Done { note } if note.is_empty() => String::new(),
        Response::Done { note } => clean(note) + "\n",
        Response::Status(now) => status(now),
        Response::Figures(now) => now
            .protocols
            .iter()
            .map(|one| format!("{} {} sessions\n", clean(&one.protocol), one.open))
            .collect(),
        Response::ConsoleState(state) => clean(&state.firmware.to_string()) + "\n",
        Response::Log(log) => log.lines.iter().map(|line| clean(line) + "\n").collect(),
        Response::Login { accepted, .. } => {
            format!("{}\n", if *accepted { "accepted" } else { "wrong password" })
        }
        Response::Changes(found) => changes(found),
        Response::Notes(notes) => format!(
            "{}\n{}\n{}\n",
            clean(&notes.version),
            clean(&notes.upgrade_notes),
            clean(&notes.upgrade_news)
        ),
        Response::Slots(now) => slots(now),
        Response::Slot(slot) => slots(&Slots {
            slots: vec![slot.clone()],
            ..Slots::default()
        }),
        Response::Tested(found) => test(found),
        Response::Media(found) => media(found),
        Response::Network(now) => network(now),
        Response::Bundle(written) => bundle(written),
        Response::Sticks(found) => sticks(found),
        Response::Disks(found) => disks(found),
        Response::Plan(steps) => plan(steps),
        Response::Bundles(kept) => kept.iter().map(|kept| clean(&kept.name) + "\n").collect(),
        Response::CoreFiles(files) => files.iter().map(|file| clean(&file.name) + "\n").collect(),
        Response::Licence(now) => licence(now),
        Response::Store(now) => store(now),
        Response::StoreChecked(found) => findings(found),
        Response::Space(now) => space(now),
        Response::Backups(found) => backups(found),
        Response::Sessions(found) => sessions(found),
        Response::SessionPage(found) => session_page(found),
        Response::SessionContent(found) => session_content(found),
        Response::ActiveSessions(found) => active_sessions(found),
        Response::Indexers(now) => indexers(now),
        // To be written to a file as it is.
        Response::IndexerAdded(added) => added.file.expose().to_owned(),
        Response::Session(record) => session(record),
        Response::Configuration(part) => configuration(part),
        Response::ConfigurationChanges(changes) => configuration_changes(changes),
        Response::Revisions(found) => revisions(found),
        Response::Exported(export) => clean(&export.name) + "\n",
        Response::Imported(import) => imported(import),
    }
}

fn changes(found: &[Change]) -> String {
    let row = |change: &Change| {
        [
            date(change.time),
            change.who.clone(),
            change.what.clone(),
            change.message.clone(),
            change.outcome.clone(),
        ]
    };
    let rows: Vec<_> = found.iter().map(row).collect();
    table(["WHEN", "WHO", "WHAT", "WHY", "OUTCOME"], &rows)
}

fn bundle(written: &BundleWritten) -> String {
    let mut text = clean(&format!("{}, {}", written.name, bytes(written.bytes))) + "\n";
    for place in &written.places {
        text += &format!("  {}\n", clean(place));
    }
    for missing in &written.missing {
        text += &format!("  not in it: {}\n", clean(missing));
    }
    text
}

fn sticks(sticks: &[Stick]) -> String {
    if sticks.is_empty() {
        return "No stick found: plug one in that has a FAT file system.\n".into();
    }
    let row = |stick: &Stick| [stick.device.clone(), bytes(stick.bytes), stick.model.clone()];
    let rows: Vec<_> = sticks.iter().map(row).collect();
    let mut text = table(["STICK", "SIZE", "MODEL"], &rows);
    for stick in sticks {
        if let Some(problem) = &stick.problem {
            text += &clean(&format!("{} cannot be written to: {problem}", stick.device));
            text.push('\n');
        }
    }
    text
}
