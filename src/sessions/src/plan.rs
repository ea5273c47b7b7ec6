//! From a filter to lists that are walked and conditions that are looked at on the way.

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, params};

use crate::error::{Doing as _, Faulty};
use crate::filter::{Filter, Network, Sort};
use crate::key;
use crate::lists::{List, Source, Stop, Union, Walk};
use crate::pack;
use crate::values::{self, Class, Field};
use crate::write;

/// Most lists walked side by side, some 400 bytes each: a network with more addresses than that has many sessions, and they are
/// looked for among all.
const MOST_LISTS: usize = 4096;
/// Sessions of several lists that are read and sorted beforehand: 16 bytes each, some 5 ms.
const FEW: usize = 20_000;
/// Sessions of classes that are read beforehand although each posting tells its class: some 1 ms, and a long walk is saved when they
/// are rare.
const RARE: usize = 4000;

/// What is looked for.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Sessions must be in every one; at least one.
    pub(crate) sources: Vec<Source>,
    /// Classes, of which a session must have one.
    classes: Option<HashSet<i64>>,
    /// Addresses a session must have; its row must be read for it.
    addresses: Vec<Condition>,
    /// Text in an event, in lower case; its pack must be read for it.
    needle: Option<String>,
}

/// A condition on an address, and what is known of addresses by their number.
#[derive(Debug)]
struct Condition {
    sql: &'static str,
    network: Network,
    known: HashMap<i64, bool>,
}

/// The numbers of rows between which the filter's times lie.
pub(crate) fn keys(filter: &Filter) -> (i64, i64) {
    let low = match filter.until {
        None => 0,
        Some(i64::MIN) => i64::MAX,
        Some(until) => key::first(until - 1),
    };
    let high = filter.from.map_or(i64::MAX, key::last);
    (low, high)
}

impl Plan {
    /// The plan for a filter; none when nothing can match. A list sorted by values is walked many times from its beginning: lists
    /// side by side are not, for those.
    pub(crate) fn new(walk: &Walk<'_>, filter: &Filter, sort: Sort) -> Faulty<Option<Self>> {
        let once = sort.by.field().is_none();
        let mut plan = Self {
            sources: Vec::new(),
            classes: None,
            addresses: Vec::new(),
            needle: filter.text.as_ref().map(|text| text.to_ascii_lowercase()),
        };
        let texts = [
            (Field::GatewayUser, &filter.gateway_user),
            (Field::ServerUser, &filter.server_user),
            (Field::Target, &filter.target),
        ];
        for (field, text) in texts {
            let Some(text) = text else { continue };
            let found = values::find(walk.db, field, &values::text_bytes(Some(text)))?;
            let Some(list) = found else { return Ok(None) };
            plan.sources.push(Source::List(List::new(Some(list))));
        }
        let classes = classes(walk.db, filter)?;
        if classes.as_ref().is_some_and(Vec::is_empty) {
            return Ok(None);
        }
        let ends = [
            (
                Field::Client,
                filter.client,
                "SELECT client FROM session WHERE key=?1",
            ),
            (
                Field::Server,
                filter.server,
                "SELECT server FROM session WHERE key=?1",
            ),
        ];
        let mut many = Vec::new();
        for (field, network, sql) in ends {
            let Some(network) = network else { continue };
            let Some(lists) = addresses(walk.db, field, network)? else {
                plan.condition(sql, network);
                continue;
            };
            match lists[..] {
                [] => return Ok(None),
                [list] => plan.sources.push(Source::List(List::new(Some(list)))),
                _ => many.push((lists, sql, network)),
            }
        }
        plan.add_networks(walk, many, once)?;
        plan.add_classes(walk, classes, once)?;
        if plan.sources.is_empty() && once {
            plan.sources.push(Source::List(List::new(None)));
        }
        if let Some(among) = &filter.among {
            if among.is_empty() {
                return Ok(None);
            }
            plan.sources.push(Source::Among(among.clone()));
        }
        Ok(Some(plan))
    }

    fn condition(&mut self, sql: &'static str, network: Network) {
        self.addresses.push(Condition {
            sql,
            network,
            known: HashMap::new(),
        });
    }

    /// Networks with several addresses: read beforehand when they have few sessions; else walked side by side when nothing else
    /// leads the walk, or looked at on the way.
    fn add_networks(
        &mut self,
        walk: &Walk<'_>,
        many: Vec<(Vec<i64>, &'static str, Network)>,
        once: bool,
    ) -> Faulty<()> {
        let mut dense = Vec::new();
        for (lists, sql, network) in many {
            match Union::collect(&lists, walk, FEW)? {
                Some(stops) => self.sources.push(Source::Fixed(stops)),
                None => dense.push((lists, sql, network)),
            }
        }
        for (lists, sql, network) in dense {
            if self.sources.is_empty() && once {
                self.sources.push(Source::Union(Union::new(&lists)));
            } else {
                self.condition(sql, network);
            }
        }
        Ok(())
    }

    /// Classes lead the walk when nothing else does, or when they are rare and a look at each row is the alternative.
    fn add_classes(&mut self, walk: &Walk<'_>, classes: Option<Vec<i64>>, once: bool) -> Faulty<()> {
        let Some(lists) = classes else { return Ok(()) };
        let alone = self.sources.is_empty();
        let rows_are_read = !self.addresses.is_empty() || self.needle.is_some();
        let walked = matches!(self.sources[..], [Source::Union(_)]);
        if lists.len() <= MOST_LISTS && (alone || rows_are_read || walked) {
            if let Some(stops) = Union::collect(&lists, walk, FEW)? {
                self.sources.push(Source::Fixed(stops));
                return Ok(());
            }
            if alone && once {
                self.sources.push(Source::Union(Union::new(&lists)));
                return Ok(());
            }
        }
        if lists.len() <= MOST_LISTS
            && let Some(stops) = Union::collect(&lists, walk, RARE)?
        {
            self.sources.push(Source::Fixed(stops));
            return Ok(());
        }
        self.classes = Some(lists.into_iter().collect());
        Ok(())
    }

    /// Goes back to the beginning of every list.
    pub(crate) fn restart(&mut self) {
        self.sources.iter_mut().for_each(Source::restart);
    }

    /// Whether the session at `stop`, which is in every source, is looked for.
    pub(crate) fn wants(&mut self, walk: &Walk<'_>, stop: Stop) -> Faulty<bool> {
        let (at, class) = stop;
        if self
            .classes
            .as_ref()
            .is_some_and(|classes| !classes.contains(&class))
        {
            return Ok(false);
        }
        let key = walk.key(at);
        for condition in &mut self.addresses {
            if !condition.holds(walk.db, key)? {
                return Ok(false);
            }
        }
        match &self.needle {
            Some(needle) => Ok(pack::holds(&write::body_of(walk.db, key)?, needle)?),
            None => Ok(true),
        }
    }
}

impl Condition {
    fn holds(&mut self, db: &Connection, key: i64) -> Faulty<bool> {
        let value: i64 = db
            .prepare_cached(self.sql)
            .and_then(|mut found| found.query_row([key], |row| row.get(0)))
            .doing("read an address of a session")?;
        if let Some(known) = self.known.get(&value) {
            return Ok(*known);
        }
        let address = values::address_of(&values::bytes_of(db, value)?)?;
        let holds = address.is_some_and(|address| self.network.contains(address));
        self.known.insert(value, holds);
        Ok(holds)
    }
}

/// The classes a filter is about; none when it is about all.
fn classes(db: &Connection, filter: &Filter) -> Faulty<Option<Vec<i64>>> {
    let of_class = filter.protocol.is_some()
        || filter.connection.is_some()
        || filter.verdict.is_some()
        || filter.indexing.is_some()
        || filter.has_trail.is_some();
    if !of_class {
        return Ok(None);
    }
    let what = "read the classes";
    let mut found = Vec::new();
    let mut all = db
        .prepare_cached("SELECT id, bytes FROM value WHERE field=?1")
        .doing(what)?;
    let mut rows = all.query([Field::Class.number()]).doing(what)?;
    while let Some(row) = rows.next().doing(what)? {
        let bytes: Vec<u8> = row.get(1).doing(what)?;
        if has_class(filter, &Class::of(&bytes)?) {
            found.push(row.get(0).doing(what)?);
        }
    }
    Ok(Some(found))
}

fn has_class(filter: &Filter, class: &Class) -> bool {
    filter
        .protocol
        .as_ref()
        .is_none_or(|wanted| *wanted == class.protocol)
        && filter
            .connection
            .as_ref()
            .is_none_or(|wanted| *wanted == class.connection)
        && filter
            .verdict
            .as_ref()
            .is_none_or(|wanted| *wanted == class.verdict)
        && filter
            .indexing
            .as_ref()
            .is_none_or(|wanted| *wanted == class.indexing)
        && filter.has_trail.is_none_or(|wanted| wanted == class.has_trail)
}

/// The lists of a network's addresses; none when they are too many.
fn addresses(db: &Connection, field: Field, network: Network) -> Faulty<Option<Vec<i64>>> {
    let (first, last) = network.ends();
    let (first, last) = (
        values::address_bytes(Some(first)),
        values::address_bytes(Some(last)),
    );
    let limit = MOST_LISTS as i64 + 1;
    let found = db
        .prepare_cached("SELECT id FROM value WHERE field=?1 AND bytes BETWEEN ?2 AND ?3 LIMIT ?4")
        .and_then(|mut found| {
            let rows = found.query_map(params![field.number(), first, last, limit], |row| row.get(0))?;
            rows.collect::<rusqlite::Result<Vec<i64>>>()
        })
        .doing("read the addresses of a network")?;
    Ok((found.len() <= MOST_LISTS).then_some(found))
}
