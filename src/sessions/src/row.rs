//! The row of a session and its postings.

use std::net::IpAddr;

use rusqlite::{Connection, OptionalExtension as _, Row as SqlRow};
use sps_session_record::{Endpoint, SessionRecord, TrailFile};

use crate::error::{Damage, Doing as _, Fault, Faulty};
use crate::key::Digits;
use crate::values::{self, Class, Field, Known};

/// Where a row comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The importer.
    Imported = 0,
    /// The appliance wrote it while it was recorded.
    Live = 1,
}

/// A row as it lies in the file: texts by their numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) key: i64,
    pub(crate) id: String,
    pub(crate) start: i64,
    pub(crate) end: Option<i64>,
    pub(crate) class: i64,
    pub(crate) gateway_user: i64,
    pub(crate) server_user: i64,
    pub(crate) target: i64,
    pub(crate) client: i64,
    pub(crate) client_port: u16,
    pub(crate) server: i64,
    pub(crate) server_port: u16,
    pub(crate) index_version: u32,
    pub(crate) trail: Option<TrailFile>,
    pub(crate) channels: u32,
    pub(crate) events: u32,
    /// Bytes of its channels and events.
    pub(crate) size: u32,
    pub(crate) live: bool,
}

const READ: &str = "SELECT key, id, start, end, class, gateway_user, server_user, target, client, client_port, server, \
     server_port, index_version, trail, trail_size, channels, events, size, live FROM session WHERE key=?1";

/// A posting: list, key, class.
pub(crate) type Posting = (i64, i64, i64);

impl Row {
    /// The row of a record, its values numbered; the key is the first place it may have.
    pub(crate) fn of(
        db: &Connection,
        known: &mut Known,
        record: &SessionRecord,
        origin: Origin,
    ) -> Faulty<Self> {
        let text = |text: &Option<String>| values::text_bytes(text.as_deref());
        let mut number = |field, bytes| known.number(db, field, bytes);
        let server = record.server.as_ref();
        Ok(Self {
            key: Digits::of(&record.id).key(record.start, 0),
            id: record.id.clone(),
            start: record.start,
            end: record.end,
            class: number(Field::Class, class_of(record).bytes())?,
            gateway_user: number(Field::GatewayUser, text(&record.gateway_user))?,
            server_user: number(Field::ServerUser, text(&record.server_user))?,
            target: number(Field::Target, text(&record.target))?,
            client: number(Field::Client, values::address_bytes(address(&record.client)))?,
            client_port: record.client.port,
            server: number(Field::Server, values::address_bytes(server.and_then(address)))?,
            server_port: server.map_or(0, |server| server.port),
            index_version: record.indexing.version,
            trail: record.trail.clone(),
            channels: small(record.channels.len()),
            events: small(record.events.len()),
            size: 0,
            live: origin == Origin::Live,
        })
    }

    /// The lists it stands in.
    pub(crate) fn lists(&self) -> [i64; 6] {
        let Self {
            class,
            gateway_user,
            server_user,
            target,
            client,
            server,
            ..
        } = *self;
        [class, gateway_user, server_user, target, client, server]
    }

    fn parse(row: &SqlRow<'_>) -> rusqlite::Result<Self> {
        let trail: Option<String> = row.get(13)?;
        let size: i64 = row.get(14)?;
        Ok(Self {
            key: row.get(0)?,
            id: row.get(1)?,
            start: row.get(2)?,
            end: row.get(3)?,
            class: row.get(4)?,
            gateway_user: row.get(5)?,
            server_user: row.get(6)?,
            target: row.get(7)?,
            client: row.get(8)?,
            client_port: row.get(9)?,
            server: row.get(10)?,
            server_port: row.get(11)?,
            index_version: row.get(12)?,
            trail: trail.map(|name| TrailFile {
                name,
                size: size.cast_unsigned(),
            }),
            channels: row.get(15)?,
            events: row.get(16)?,
            size: row.get(17)?,
            live: row.get(18)?,
        })
    }

    /// The row of this key.
    pub(crate) fn read(db: &Connection, key: i64) -> Faulty<Self> {
        db.prepare_cached(READ)
            .and_then(|mut found| found.query_row([key], Self::parse).optional())
            .doing("read a session")?
            .ok_or(Fault::Row(Damage::Missing { what: "row" }))
    }
}

fn small(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// The class of a record.
pub(crate) fn class_of(record: &SessionRecord) -> Class {
    Class {
        protocol: record.protocol.clone(),
        connection: record.connection.clone(),
        verdict: record.verdict.clone(),
        indexing: record.indexing.state.clone(),
        has_trail: record.trail.is_some(),
    }
}

/// The address of an end; a checked record has one.
pub(crate) fn address(end: &Endpoint) -> Option<IpAddr> {
    end.address.parse().ok()
}
