//! The data store and sessions in words.

use super::{bytes, date, pairs, table};
use crate::store::{SessionLine, Sessions, StoreStatus};

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
    pairs(&[
        ("Layout", layout),
        ("Tree", status.tree.clone()),
        ("Free", free),
        ("Kept for earlier firmware", others),
    ])
}

/// Sessions.
#[must_use]
pub fn sessions(found: &Sessions) -> String {
    let row = |session: &SessionLine| {
        [
            date(session.start),
            session.protocol.clone(),
            session.user.clone(),
            session.client.clone(),
            session.server.clone(),
            session.verdict.clone(),
            session.id.clone(),
        ]
    };
    let rows: Vec<_> = found.sessions.iter().map(row).collect();
    let headings = ["BEGAN", "PROTOCOL", "USER", "FROM", "TO", "VERDICT", "SESSION"];
    format!(
        "{}{} of {} sessions\n",
        table(headings, &rows),
        rows.len(),
        found.total
    )
}
