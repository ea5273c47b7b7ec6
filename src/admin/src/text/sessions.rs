//! Sessions in words.

use sps_session_record::{Channel, Endpoint, Event, SessionRecord};

use super::{bytes, clean, clock, date, duration, pairs, table};
use crate::active::ActiveSession;
use crate::search::{ContentHit, SessionPage};
use crate::store::{SessionLine, Sessions};

/// Events shown of one session; the others are counted.
const EVENTS: usize = 1000;

/// Sessions.
#[must_use]
pub fn sessions(found: &Sessions) -> String {
    let shown = found.sessions.len();
    format!("{}{shown} of {} sessions\n", lines(&found.sessions), found.total)
}

/// A page of what a search found.
#[must_use]
pub fn session_page(found: &SessionPage) -> String {
    let more = if found.more { "more than " } else { "" };
    let mut told = format!(
        "{}{} of {more}{} sessions\n",
        lines(&found.sessions),
        found.sessions.len(),
        found.matching
    );
    if found.cut {
        told += "The search took too long and is not finished: go on with the place below.\n";
    }
    if let Some(next) = &found.next {
        told += &format!("The next page: --after {}\n", clean(next));
    }
    if let Some(until) = found.incomplete_until {
        let until = date(seconds(until));
        told += &format!("Incomplete until {until}: earlier sessions are still being imported.\n");
    }
    if found.content_cut {
        told += "Not all sessions with this content were found in time: ask for less at once.\n";
    }
    if let Some(until) = found.content_incomplete_until {
        // Before any is done there is no time yet.
        let until = match seconds(until) {
            far if until == i64::MAX || far > u64::from(u32::MAX) => "now".to_owned(),
            until => date(until),
        };
        told +=
            &format!("Incomplete until {until}: the content of earlier sessions is still being indexed.\n");
    }
    told
}

/// Sessions that go on.
#[must_use]
pub fn active_sessions(found: &[ActiveSession]) -> String {
    let row = |session: &ActiveSession| {
        [
            date(session.start),
            session.user.clone(),
            session.client.clone(),
            session.server_user.clone(),
            session.server.clone(),
            session.id.clone(),
        ]
    };
    let rows: Vec<_> = found.iter().map(row).collect();
    let headings = ["SINCE", "USER", "FROM", "AS", "TO", "SESSION"];
    let mut told = table(headings, &rows);
    for session in found {
        for question in &session.questions {
            let line = format!(
                "{} waits for agreement number {}: {} {}",
                session.id, question.number, question.kind, question.detail
            );
            told += &(clean(&line) + "\n");
        }
    }
    told + &format!("{} sessions go on\n", found.len())
}

fn lines(sessions: &[SessionLine]) -> String {
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
    let rows: Vec<_> = sessions.iter().map(row).collect();
    let headings = ["BEGAN", "PROTOCOL", "USER", "FROM", "TO", "VERDICT", "SESSION"];
    let moved = sessions.iter().filter(|session| !session.moved.is_empty());
    let moved: String = moved
        .map(|session| clean(&format!("{}: audit trail {}", session.id, session.moved)) + "\n")
        .collect();
    let hits = sessions.iter().filter(|session| !session.hits.is_empty());
    let hits: String = hits
        .map(|session| format!("{}:\n{}", clean(&session.id), content_lines(&session.hits)))
        .collect();
    table(headings, &rows) + &moved + &hits
}

/// Places of a session where its content shows what was looked for.
#[must_use]
pub fn session_content(found: &[ContentHit]) -> String {
    content_lines(found) + &format!("{} places\n", found.len())
}

/// What was looked for stands between brackets.
fn content_lines(found: &[ContentHit]) -> String {
    let line = |hit: &ContentHit| {
        let text: String = hit
            .pieces()
            .iter()
            .map(|(marked, piece)| {
                if *marked {
                    format!("[{piece}]")
                } else {
                    (*piece).to_owned()
                }
            })
            .collect();
        format!("  {} {}: {}\n", clock(hit.at / 1000), hit.source, clean(&text))
    };
    found.iter().map(line).collect()
}

/// One session with what happened in it.
#[must_use]
pub fn session(record: &SessionRecord) -> String {
    let known = |text: Option<&String>| text.cloned().unwrap_or_else(|| "-".into());
    let end = match record.end {
        Some(end) => format!(
            "{} (after {})",
            date(seconds(end)),
            duration(seconds(end - record.start))
        ),
        None => "-".into(),
    };
    let trail = record.trail.as_ref().map_or_else(
        || "none".to_owned(),
        |trail| format!("{} ({})", trail.name, bytes(trail.size)),
    );
    let facts = pairs(&[
        ("Session", record.id.clone()),
        ("Protocol", record.protocol.to_string()),
        ("Connection policy", record.connection.clone()),
        ("Began", date(seconds(record.start))),
        ("Ended", end),
        ("Client", endpoint(&record.client)),
        (
            "Server",
            record.server.as_ref().map_or_else(|| "-".into(), endpoint),
        ),
        ("Target", known(record.target.as_ref())),
        ("User at the gateway", known(record.gateway_user.as_ref())),
        ("User at the server", known(record.server_user.as_ref())),
        ("Verdict", record.verdict.to_string()),
        ("Audit trail", trail),
        ("Index", record.indexing.state.to_string()),
    ]);
    format!(
        "{facts}\n{}\n{}",
        channels(&record.channels),
        events(&record.events)
    )
}

fn channels(channels: &[Channel]) -> String {
    let row = |channel: &Channel| {
        let end = channel.end.map_or_else(|| "-".into(), |end| date(seconds(end)));
        [
            date(seconds(channel.start)),
            end,
            channel.kind.to_string(),
            channel.verdict.to_string(),
        ]
    };
    let rows: Vec<_> = channels.iter().map(row).collect();
    table(["OPENED", "CLOSED", "CHANNEL", "VERDICT"], &rows)
}

fn events(events: &[Event]) -> String {
    let row = |event: &Event| {
        [
            date(seconds(event.at)),
            event.kind.to_string(),
            event.text.clone(),
        ]
    };
    let rows: Vec<_> = events.iter().take(EVENTS).map(row).collect();
    let mut told = table(["WHEN", "EVENT", "WHAT"], &rows);
    if events.len() > EVENTS {
        told += &format!("and {} more\n", events.len() - EVENTS);
    }
    told
}

fn endpoint(end: &Endpoint) -> String {
    if end.address.contains(':') {
        format!("[{}]:{}", end.address, end.port)
    } else {
        format!("{}:{}", end.address, end.port)
    }
}

fn seconds(milliseconds: i64) -> u64 {
    u64::try_from(milliseconds / 1000).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_says_where_its_trail_is() {
        let session = SessionLine {
            id: "ssh-1".into(),
            moved: "archived at 2027-01-15 08:00:00 UTC to disk backup".into(),
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
