//! The data store in words.

use super::space::used;
use super::{WIDTH, bytes, clean, date, indented, pairs, wrap};
use crate::store::{MadeFrom, SessionImport, SessionIndexing, StoreFindings, StoreStatus};

/// The data store.
#[must_use]
pub fn store(status: &StoreStatus) -> String {
    let layout = format!("{} (since {})", status.layout, status.layout_version);
    let free = format!("{} of {}", bytes(status.free), bytes(status.total));
    let others = if status.others.is_empty() {
        "none".to_owned()
    } else {
        status.others.join(", ")
    };
    let import = status.import.as_ref().map_or_else(|| "-".to_owned(), import);
    let made = status.made.as_ref().map_or_else(|| "empty".to_owned(), made);
    let notes = status.made.as_ref().map_or(&[][..], |made| &made.notes);
    let mut rows = vec![
        ("Earlier sessions", import),
        (
            "Index of content",
            status.indexing.as_ref().map_or_else(|| "-".to_owned(), indexing),
        ),
        ("Layout", layout),
        ("Tree", status.tree.clone()),
        ("Made from", made),
        ("Free", free),
        ("Kept for earlier firmware", others),
    ];
    rows.extend(status.space.as_ref().map(|space| ("Used", used(space))));
    let told = pairs(&rows);
    let notes: Vec<String> = notes.iter().map(|note| clean(note)).collect();
    told + &indented(&notes)
}

fn made(made: &MadeFrom) -> String {
    format!(
        "layout {} ({}): {} files, {} copied, begun {}",
        made.layout,
        made.layout_version,
        made.files,
        bytes(made.bytes),
        date(made.begun)
    )
}

fn import(now: &SessionImport) -> String {
    let state = match (now.finished, now.paused) {
        (true, _) => "all imported",
        (false, true) => "paused",
        (false, false) => "being imported",
    };
    let aside = match now.aside {
        0 => String::new(),
        aside => format!(", {aside} put aside"),
    };
    format!("{state}: {} of {}{aside}", now.done, now.total)
}

fn indexing(now: &SessionIndexing) -> String {
    let again = match now.again_until {
        None => String::new(),
        Some(_) => format!(
            ", earlier sessions are indexed anew: {} of {}",
            now.again_done, now.again_total
        ),
    };
    format!("{} sessions wait{again}; version {}", now.waiting, now.version)
}

/// What a check found.
#[must_use]
pub fn findings(found: &StoreFindings) -> String {
    let mut told: String = found
        .told
        .iter()
        .flat_map(|finding| wrap(finding, WIDTH))
        .map(|line| line + "\n")
        .collect();
    if found.more > 0 {
        told += &format!("and {} more\n", found.more);
    }
    format!("{told}{}\n", clean(&found.summary()))
}
