//! Sessions that a power cut or a crash interrupted: the next start gives them their end.
//!
//! Their audit trails are good up to the last second before that, and say themselves that they were cut.

use std::time::{SystemTime, UNIX_EPOCH};

use sps_bootlog::causes;
use sps_session_record::{Event, TrailFile, Word};
use sps_sessions::{Change, Sessions, SessionsError};
use tracing::{info, warn};

use crate::ground::{Ended, Ground, GroundError};

/// Sessions that are looked at in one go.
const AT_A_TIME: usize = 1000;

/// Ends them; what cannot be ended stays as it is, and is told. Blocking.
pub(crate) fn close(ground: &dyn Ground) {
    let Some(sessions) = ground.sessions() else { return };
    loop {
        let found = match sessions.unfinished(AT_A_TIME) {
            Ok(found) => found,
            Err(error) => return warn!("interrupted sessions are not ended: {}", causes(&error)),
        };
        let mut ended = Vec::new();
        for id in &found {
            match end_of(ground, sessions, id) {
                Ok(one) => ended.push(one),
                Err(error) => warn!(
                    "the interrupted session {id} is not ended: {}",
                    causes(error.as_ref())
                ),
            }
        }
        let closed = ended.len();
        // Together: each by itself would wait for the disk.
        if let Err(error) = ground.close_sessions(ended) {
            return warn!("interrupted sessions are not ended: {}", causes(error.as_ref()));
        }
        if closed > 0 {
            info!("{closed} sessions were interrupted when the appliance stopped; they have their end now");
        }
        if found.len() < AT_A_TIME || closed == 0 {
            return;
        }
    }
}

fn end_of(ground: &dyn Ground, sessions: &Sessions, id: &str) -> Result<Ended, GroundError> {
    let record = sessions.get(id)?.ok_or("it is gone")?;
    let file = record
        .trail
        .map(|trail| (ground.trails().join(&trail.name), trail.name));
    let mut end = record
        .events
        .iter()
        .map(|event| event.at)
        .max()
        .unwrap_or(record.start);
    let mut trail = None;
    if let Some((path, name)) = file
        && let Ok(found) = path.metadata()
    {
        let written = found.modified().unwrap_or(UNIX_EPOCH);
        end = end.max(milliseconds(written));
        trail = Some(TrailFile {
            name,
            size: found.len(),
        });
    }
    tell(sessions, id, end)?;
    Ok(Ended {
        id: id.to_owned(),
        end: end.max(record.start),
        verdict: Word::TERMINATED,
        trail,
    })
}

fn tell(sessions: &Sessions, id: &str, at: i64) -> Result<(), SessionsError> {
    let event = Event {
        at,
        kind: Word::ALERT,
        text: "the appliance stopped while this session went on".into(),
    };
    sessions.update(id, Change::Event(event))
}

fn milliseconds(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
