//! The data store and sessions in words.

use super::space::used;
use super::{bytes, clean, date, pairs, table};
use crate::store::{SessionImport, SessionLine, Sessions, StoreStatus};

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
    let mut rows = vec![
        ("Earlier sessions", import),
        ("Layout", layout),
        ("Tree", status.tree.clone()),
        ("Free", free),
        ("Kept for earlier firmware", others),
    ];
    rows.extend(status.space.as_ref().map(|space| ("Used", used(space))));
    pairs(&rows)
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
    let moved = found.sessions.iter().filter(|session| !session.trail.is_empty());
    let moved: String = moved
        .map(|session| clean(&format!("{}: audit trail {}", session.id, session.trail)) + "\n")
        .collect();
    format!(
        "{}{moved}{} of {} sessions\n",
        table(headings, &rows),
        rows.len(),
        found.total
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_says_where_its_trail_is() {
        let session = SessionLine {
            id: "ssh-1".into(),
            trail: "archived at 2027-01-15 08:00:00 UTC to disk backup".into(),
            ..SessionLine::default()
        };
        let told = sessions(&Sessions {
            total: 2,
            sessions: vec![session, SessionLine::default()],
        });
        let lines: Vec<&str> = told.lines().skip(3).collect();
        assert_eq!(
            lines,
            [
                "ssh-1: audit trail archived at 2027-01-15 08:00:00 UTC to disk backup",
                "2 of 2 sessions"
            ]
        );
    }
}
