//! The numbers of values: each user, address, target and class has one, and its list of postings goes by it.

use std::collections::HashMap;
use std::net::IpAddr;

use rusqlite::{Connection, OptionalExtension as _};
use sps_session_record::Word;

use crate::error::{Damage, Doing as _, Fault, Faulty};

/// Most numbers the writer remembers, some 100 bytes each; beyond that it begins anew.
const REMEMBERED: usize = 65_536;

/// What a value is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Field {
    /// Protocol, connection policy, verdict, state of the index and whether there is a trail, together.
    Class = 0,
    /// User at the gateway.
    GatewayUser = 1,
    /// User at the server.
    ServerUser = 2,
    /// Target.
    Target = 3,
    /// Address of the client.
    Client = 4,
    /// Address of the server.
    Server = 5,
}

impl Field {
    /// Its number in the file.
    pub(crate) fn number(self) -> i64 {
        self as i64
    }
}

/// A text that may be missing, as the bytes of a value: missing ones come first in a sorted list.
pub(crate) fn text_bytes(text: Option<&str>) -> Vec<u8> {
    text.map_or(vec![0], |text| [&[1], text.as_bytes()].concat())
}

/// An address that may be missing, as the bytes of a value: missing, IPv4, IPv6, each in order.
pub(crate) fn address_bytes(address: Option<IpAddr>) -> Vec<u8> {
    match address {
        None => vec![0],
        Some(IpAddr::V4(v4)) => [&[4][..], &v4.octets()].concat(),
        Some(IpAddr::V6(v6)) => [&[6][..], &v6.octets()].concat(),
    }
}

/// The text of a value.
pub(crate) fn text_of(bytes: &[u8]) -> Faulty<Option<String>> {
    match bytes.split_first() {
        Some((0, [])) => Ok(None),
        Some((1, text)) => match std::str::from_utf8(text) {
            Ok(text) => Ok(Some(text.to_owned())),
            Err(_) => Err(missing("readable name")),
        },
        _ => Err(missing("readable name")),
    }
}

/// The address of a value.
pub(crate) fn address_of(bytes: &[u8]) -> Faulty<Option<IpAddr>> {
    match bytes.split_first() {
        Some((0, [])) => Ok(None),
        Some((4, octets)) => <[u8; 4]>::try_from(octets)
            .map(|octets| Some(octets.into()))
            .map_err(|_| missing("readable address")),
        Some((6, octets)) => <[u8; 16]>::try_from(octets)
            .map(|octets| Some(octets.into()))
            .map_err(|_| missing("readable address")),
        _ => Err(missing("readable address")),
    }
}

/// What many sessions have in common: every posting carries the number of its session's class, so that a search for these needs no
/// look at the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Class {
    pub(crate) protocol: Word,
    pub(crate) connection: String,
    pub(crate) verdict: Word,
    pub(crate) indexing: Word,
    pub(crate) has_trail: bool,
}

impl Class {
    /// Three words and a digit with spaces between, which words cannot have, then the policy's name.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let Self {
            protocol,
            connection,
            verdict,
            indexing,
            has_trail,
        } = self;
        let trail = u8::from(*has_trail);
        format!("{protocol} {verdict} {indexing} {trail} {connection}").into_bytes()
    }

    pub(crate) fn of(bytes: &[u8]) -> Faulty<Self> {
        let read = || {
            let mut parts = std::str::from_utf8(bytes).ok()?.splitn(5, ' ');
            Some(Self {
                protocol: parts.next()?.try_into().ok()?,
                verdict: parts.next()?.try_into().ok()?,
                indexing: parts.next()?.try_into().ok()?,
                has_trail: parts.next()? == "1",
                connection: parts.next()?.to_owned(),
            })
        };
        read().ok_or_else(|| missing("readable class"))
    }
}

fn missing(what: &'static str) -> Fault {
    Fault::Row(Damage::Missing { what })
}

/// The number of a value, when it has one.
pub(crate) fn find(db: &Connection, field: Field, bytes: &[u8]) -> Faulty<Option<i64>> {
    db.prepare_cached("SELECT id FROM value WHERE field=?1 AND bytes=?2")
        .and_then(|mut found| {
            found
                .query_row((field.number(), bytes), |row| row.get(0))
                .optional()
        })
        .doing("look for a value")
}

/// The bytes of the value `id`.
pub(crate) fn bytes_of(db: &Connection, id: i64) -> Faulty<Vec<u8>> {
    db.prepare_cached("SELECT bytes FROM value WHERE id=?1")
        .and_then(|mut found| found.query_row([id], |row| row.get(0)).optional())
        .doing("read a value")?
        .ok_or_else(|| missing("value"))
}

/// Numbers that the writer remembers. Forget them when a transaction that gave some was not committed.
#[derive(Debug, Default)]
pub(crate) struct Known(HashMap<(Field, Vec<u8>), i64>);

impl Known {
    /// The number of a value, which gets one when it has none.
    pub(crate) fn number(&mut self, db: &Connection, field: Field, bytes: Vec<u8>) -> Faulty<i64> {
        let wanted = (field, bytes);
        if let Some(id) = self.0.get(&wanted) {
            return Ok(*id);
        }
        let (_, bytes) = &wanted;
        let id = match find(db, field, bytes)? {
            Some(id) => id,
            None => give(db, field, bytes)?,
        };
        if self.0.len() >= REMEMBERED {
            self.0.clear();
        }
        self.0.insert(wanted, id);
        Ok(id)
    }

    /// Forgets all.
    pub(crate) fn forget(&mut self) {
        self.0.clear();
    }
}

fn give(db: &Connection, field: Field, bytes: &[u8]) -> Faulty<i64> {
    db.prepare_cached("INSERT INTO value(field, bytes) VALUES(?1, ?2)")
        .and_then(|mut made| made.insert((field.number(), bytes)))
        .doing("write a value")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_back() {
        for text in [None, Some(""), Some("alice")] {
            assert_eq!(text_of(&text_bytes(text)).unwrap().as_deref(), text);
        }
        for address in [
            None,
            Some("192.0.2.7".parse().unwrap()),
            Some("2001:db8::1".parse().unwrap()),
        ] {
            assert_eq!(address_of(&address_bytes(address)).unwrap(), address);
        }
        let class = Class {
            protocol: Word::SSH,
            connection: "a b  c".into(),
            verdict: Word::ACCEPT,
            indexing: Word::NOT_INDEXED,
            has_trail: true,
        };
        assert_eq!(Class::of(&class.bytes()).unwrap(), class);
    }

    #[test]
    fn damaged_values_are_errors() {
        for bytes in [&[][..], &[9], &[1, 0xff], &[0, 0]] {
            assert!(text_of(bytes).is_err(), "{bytes:?}");
        }
        for bytes in [&[][..], &[4, 1], &[6, 1, 2]] {
            assert!(address_of(bytes).is_err(), "{bytes:?}");
        }
        for bytes in [&b""[..], b"ssh accept", b"\xff a b 1 c"] {
            assert!(Class::of(bytes).is_err(), "{bytes:?}");
        }
    }
}
