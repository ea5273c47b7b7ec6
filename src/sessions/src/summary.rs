//! Sessions as they are read: one line of a list, and the whole record.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;

use rusqlite::Connection;
use sps_session_record::{Endpoint, FORMAT, Indexing, SessionRecord, TrailFile, Word};

use crate::error::{Damage, Doing as _, Fault, Faulty};
use crate::pack;
use crate::row::Row;
use crate::values::{self, Class};
use crate::write;

/// A session in a list: its record without what happened in it. Times are milliseconds since 1970, UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Its identifier.
    pub id: String,
    /// Protocol.
    pub protocol: Word,
    /// Name of the connection policy.
    pub connection: String,
    /// When it began.
    pub start: i64,
    /// When it ended; none while it goes on, or when nobody knows.
    pub end: Option<i64>,
    /// Where the client was.
    pub client: Endpoint,
    /// Where the server was; none when it never came so far.
    pub server: Option<Endpoint>,
    /// What the user asked for.
    pub target: Option<String>,
    /// The user at the gateway.
    pub gateway_user: Option<String>,
    /// The user at the server.
    pub server_user: Option<String>,
    /// How it ended.
    pub verdict: Word,
    /// How many channels it has.
    pub channels: u32,
    /// How many events it has.
    pub events: u32,
    /// Its audit trail; none when nothing was recorded.
    pub trail: Option<TrailFile>,
    /// How far indexing is.
    pub indexing: Indexing,
}

/// Values that were read for one page.
#[derive(Debug, Default)]
pub(crate) struct Names(HashMap<i64, Vec<u8>>);

impl Names {
    fn bytes(&mut self, db: &Connection, id: i64) -> Faulty<&[u8]> {
        match self.0.entry(id) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(new) => Ok(new.insert(values::bytes_of(db, id)?)),
        }
    }

    fn text(&mut self, db: &Connection, id: i64) -> Faulty<Option<String>> {
        values::text_of(self.bytes(db, id)?)
    }

    fn address(&mut self, db: &Connection, id: i64) -> Faulty<Option<IpAddr>> {
        values::address_of(self.bytes(db, id)?)
    }
}

impl Summary {
    /// The line of the row `key`.
    pub(crate) fn read(db: &Connection, names: &mut Names, key: i64) -> Faulty<Self> {
        let row = Row::read(db, key)?;
        let class = Class::of(names.bytes(db, row.class)?)?;
        let client = names.address(db, row.client)?;
        let client = client.ok_or(Fault::Row(Damage::Missing { what: "client" }))?;
        let end = |address: IpAddr, port| Endpoint {
            address: address.to_string(),
            port,
        };
        Ok(Self {
            id: row.id,
            protocol: class.protocol,
            connection: class.connection,
            start: row.start,
            end: row.end,
            client: end(client, row.client_port),
            server: names
                .address(db, row.server)?
                .map(|address| end(address, row.server_port)),
            target: names.text(db, row.target)?,
            gateway_user: names.text(db, row.gateway_user)?,
            server_user: names.text(db, row.server_user)?,
            verdict: class.verdict,
            channels: row.channels,
            events: row.events,
            trail: row.trail,
            indexing: Indexing {
                state: class.indexing,
                version: row.index_version,
            },
        })
    }

    /// The record, with what happened in the session.
    pub(crate) fn with_pack(self, body: &[u8]) -> Faulty<SessionRecord> {
        let (channels, events) = pack::unpack(body)?;
        Ok(SessionRecord {
            format: FORMAT,
            id: self.id,
            protocol: self.protocol,
            connection: self.connection,
            start: self.start,
            end: self.end,
            client: self.client,
            server: self.server,
            target: self.target,
            gateway_user: self.gateway_user,
            server_user: self.server_user,
            verdict: self.verdict,
            channels,
            events,
            trail: self.trail,
            indexing: self.indexing,
        })
    }
}

/// Identifiers of sessions that were recorded live and have no end.
pub(crate) fn unfinished(db: &Connection, limit: usize) -> Faulty<Vec<String>> {
    let doing = "find sessions without an end";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = db
        .prepare_cached("SELECT id FROM session WHERE end IS NULL AND live=1 LIMIT ?1")
        .doing(doing)?;
    let rows = statement.query_map([limit], |row| row.get(0)).doing(doing)?;
    rows.collect::<Result<_, _>>().doing(doing)
}

/// The whole record of the row `key`.
pub(crate) fn record(db: &Connection, names: &mut Names, key: i64) -> Faulty<SessionRecord> {
    let summary = Summary::read(db, names, key)?;
    summary.with_pack(&write::body_of(db, key)?)
}
