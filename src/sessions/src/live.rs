//! Sessions while they are recorded.

use rusqlite::{Connection, params};
use sps_session_record::{
    Channel, Endpoint, Event, Indexing, MAX_CHANNELS, MAX_EVENTS, MAX_NAME, MAX_SIZE, MAX_TEXT, RecordError,
    SessionRecord, TrailFile, Word,
};

use crate::error::{Doing as _, Faulty};
use crate::pack;
use crate::row::{self, Origin, Row};
use crate::values::{self, Class, Field, Known};
use crate::write::{self, Pending};

/// Something new about a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The user at the gateway is known.
    GatewayUser(String),
    /// The user at the server is known.
    ServerUser(String),
    /// Target and server are known.
    Server {
        /// The name that was asked for.
        target: Option<String>,
        /// Where it is.
        server: Endpoint,
    },
    /// A channel was opened.
    ChannelOpened(Channel),
    /// A channel was closed.
    ChannelClosed {
        /// Its number in the session, counted from 0 in the order of opening.
        channel: u32,
        /// When, milliseconds since 1970.
        end: i64,
    },
    /// Something happened.
    Event(Event),
    /// Its trail has this name and size.
    Trail(TrailFile),
    /// Indexing went on.
    Indexing(Indexing),
    /// It ended.
    Closed {
        /// When, milliseconds since 1970.
        end: i64,
        /// How.
        verdict: Word,
        /// Its trail; none when nothing was recorded.
        trail: Option<TrailFile>,
    },
}

/// What the writer has to do for a session.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Begin(Box<SessionRecord>),
    Change { id: String, change: Change },
}

impl Step {
    /// The session it is about.
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::Begin(record) => &record.id,
            Self::Change { id, .. } => id,
        }
    }
}

impl Change {
    /// Whether it keeps a record within its bounds.
    pub(crate) fn check(&self) -> Result<(), RecordError> {
        let name = |field, text: Option<&String>| {
            let fits = text.is_none_or(|text| text.len() <= MAX_NAME);
            refuse(!fits, field, "is too long")
        };
        match self {
            Self::GatewayUser(text) => name("gateway_user", Some(text)),
            Self::ServerUser(text) => name("server_user", Some(text)),
            Self::Server { target, server } => {
                name("target", target.as_ref())?;
                refuse(row::address(server).is_none(), "server", "has no address")
            }
            Self::Event(event) => refuse(
                event.text.len() > MAX_TEXT,
                "events",
                "hold a text that is too long",
            ),
            Self::Trail(trail)
            | Self::Closed {
                trail: Some(trail), ..
            } => name("trail", Some(&trail.name)),
            Self::ChannelOpened(_) | Self::ChannelClosed { .. } | Self::Indexing(_) | Self::Closed { .. } => {
                Ok(())
            }
        }
    }
}

fn refuse(when: bool, field: &'static str, problem: &'static str) -> Result<(), RecordError> {
    if when {
        Err(RecordError::Field { field, problem })
    } else {
        Ok(())
    }
}

/// Carries out one step within the transaction of the writer.
pub(crate) fn apply(db: &Connection, known: &mut Known, step: &Step) -> Faulty<()> {
    match step {
        Step::Begin(record) => begin(db, known, record),
        Step::Change { id, change } => match write::key_of(db, id)? {
            Some(key) => update(db, known, key, change),
            None => {
                tracing::warn!(session = %id, "a change of a session that the session database does not have");
                Ok(())
            }
        },
    }
}

/// A session that was imported gives way; one that was begun stays as it is.
fn begin(db: &Connection, known: &mut Known, record: &SessionRecord) -> Faulty<()> {
    if let Some(key) = write::key_of(db, &record.id)? {
        if Row::read(db, key)?.live {
            tracing::warn!(session = %record.id, "a session was begun twice");
            return Ok(());
        }
        write::remove(db, key)?;
        known.forget();
    }
    let mut pending = Pending::default();
    if !write::insert(db, known, record, Origin::Live, &mut pending)? {
        tracing::warn!(session = %record.id, "more sessions began in one millisecond than can be told apart");
    }
    pending.write(db)
}

fn update(db: &Connection, known: &mut Known, key: i64, change: &Change) -> Faulty<()> {
    let before = Row::read(db, key)?;
    let mut after = before.clone();
    let mut number = |field, bytes| known.number(db, field, bytes);
    match change {
        Change::GatewayUser(name) => {
            after.gateway_user = number(Field::GatewayUser, values::text_bytes(Some(name)))?;
        }
        Change::ServerUser(name) => {
            after.server_user = number(Field::ServerUser, values::text_bytes(Some(name)))?;
        }
        Change::Server { target, server } => {
            after.target = number(Field::Target, values::text_bytes(target.as_deref()))?;
            after.server = number(Field::Server, values::address_bytes(row::address(server)))?;
            after.server_port = server.port;
        }
        Change::ChannelOpened(_) | Change::ChannelClosed { .. } | Change::Event(_) => {
            append(db, &mut after, change)?;
        }
        Change::Trail(trail) => {
            after.trail = Some(trail.clone());
            reclass(db, known, &mut after, |_| {})?;
        }
        Change::Indexing(indexing) => {
            after.index_version = indexing.version;
            reclass(db, known, &mut after, |class| {
                class.indexing = indexing.state.clone();
            })?;
        }
        Change::Closed { end, verdict, trail } => {
            after.end = Some(*end);
            after.trail.clone_from(trail);
            reclass(db, known, &mut after, |class| class.verdict = verdict.clone())?;
            put_together(db, key)?;
        }
    }
    after.live = true;
    write::change(db, &before, &after)
}

/// Gives the row the class it has after `edit`.
fn reclass(db: &Connection, known: &mut Known, row: &mut Row, edit: impl FnOnce(&mut Class)) -> Faulty<()> {
    let mut class = Class::of(&values::bytes_of(db, row.class)?)?;
    class.has_trail = row.trail.is_some();
    edit(&mut class);
    row.class = known.number(db, Field::Class, class.bytes())?;
    Ok(())
}

/// Appends to channels and events what is within the bounds of a record.
fn append(db: &Connection, row: &mut Row, change: &Change) -> Faulty<()> {
    let mut body = Vec::new();
    match change {
        Change::ChannelOpened(channel) => {
            pack::opened(&mut body, channel);
            row.channels += 1;
        }
        Change::ChannelClosed { channel, end } => pack::closed(&mut body, u64::from(*channel), *end),
        Change::Event(event) => {
            pack::event(&mut body, event);
            row.events += 1;
        }
        Change::GatewayUser(_)
        | Change::ServerUser(_)
        | Change::Server { .. }
        | Change::Trail(_)
        | Change::Indexing(_)
        | Change::Closed { .. } => return Ok(()),
    }
    let opened = !matches!(change, Change::ChannelClosed { channel, .. } if *channel >= row.channels);
    let size = row.size as usize + body.len();
    let fits =
        row.channels as usize <= MAX_CHANNELS && row.events as usize <= MAX_EVENTS && size <= MAX_SIZE / 2;
    if !opened || !fits {
        *row = Row::read(db, row.key)?;
        tracing::warn!(session = %row.id, "a channel or an event has no place in the record of its session");
        return Ok(());
    }
    row.size = u32::try_from(size).unwrap_or(u32::MAX);
    db.prepare_cached("INSERT INTO more(key, body) VALUES(?1, ?2)")
        .and_then(|mut insert| insert.execute(params![row.key, body]))
        .doing("write channels and events")?;
    Ok(())
}

/// Makes one pack of those that were appended.
fn put_together(db: &Connection, key: i64) -> Faulty<()> {
    let body = write::body_of(db, key)?;
    if body.is_empty() {
        return Ok(());
    }
    db.prepare_cached("REPLACE INTO detail(key, body) VALUES(?1, ?2)")
        .and_then(|mut replace| replace.execute(params![key, body]))
        .doing("write channels and events")?;
    db.prepare_cached("DELETE FROM more WHERE key=?1")
        .and_then(|mut delete| delete.execute([key]))
        .doing("write channels and events")?;
    Ok(())
}
