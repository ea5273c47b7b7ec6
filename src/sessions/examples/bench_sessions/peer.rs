//! The comparison: what one writes in an afternoon. One table with the same columns as text, channels and events as JSON, an index
//! for each column that is searched, ten thousand inserts a transaction, the same cache.

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, params, params_from_iter, types::Value};
use sps_sessions::{Filter, IMPORT_CACHE, MAX_BATCH, Sort};

use crate::figures::{Imports, Peer, Timed, memory};
use crate::made;
use crate::ours::PAGE;

/// How long its import may take: it sinks to a fraction of its first speed.
const PATIENCE: Duration = Duration::from_secs(600);
const TABLE: &str = "
CREATE TABLE session(id TEXT PRIMARY KEY, protocol TEXT, connection TEXT, start INTEGER, end INTEGER, client TEXT, client_port INTEGER,
  server TEXT, server_port INTEGER, target TEXT, gateway_user TEXT, server_user TEXT, verdict TEXT, channels TEXT, events TEXT,
  trail TEXT, trail_size INTEGER, index_state TEXT, index_version INTEGER);
CREATE INDEX start ON session(start); CREATE INDEX protocol ON session(protocol); CREATE INDEX client ON session(client);
CREATE INDEX server ON session(server); CREATE INDEX target ON session(target); CREATE INDEX verdict ON session(verdict);
CREATE INDEX gateway_user ON session(gateway_user); CREATE INDEX server_user ON session(server_user);";

/// Imports and asks the same.
pub(crate) fn measure(folder: &Path, rows: u64) -> Result<Peer, Box<dyn Error>> {
    let file = folder.join("peer.db");
    let db = Connection::open(&file)?;
    let cache = IMPORT_CACHE / 1024;
    db.execute_batch(&format!(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-{cache}; {TABLE}"
    ))?;
    let (import, rows) = import(&db, rows)?;
    let queries = ask(&db, rows)?;
    db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
    drop(db);
    let size = std::fs::metadata(&file)?.len() as f64 / 1e6;
    std::fs::remove_file(file)?;
    Ok(Peer {
        rows,
        import,
        queries,
        size,
    })
}

fn import(db: &Connection, rows: u64) -> Result<(Imports, u64), Box<dyn Error>> {
    let start = Instant::now();
    let mut imports = Imports::new(rows);
    let mut next = 0;
    while next < rows && start.elapsed() < PATIENCE {
        let end = rows.min(next + MAX_BATCH as u64);
        let records: Vec<_> = (next..end).map(made::session).collect();
        let began = Instant::now();
        let transaction = db.unchecked_transaction()?;
        let mut insert = transaction.prepare_cached(
            "INSERT OR IGNORE INTO session VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19)",
        )?;
        for record in &records {
            insert.execute(params![
                record.id,
                record.protocol.as_str(),
                record.connection,
                record.start,
                record.end,
                record.client.address,
                record.client.port,
                record.server.as_ref().map(|server| &server.address),
                record.server.as_ref().map(|server| server.port),
                record.target,
                record.gateway_user,
                record.server_user,
                record.verdict.as_str(),
                serde_json::to_string(&record.channels)?,
                serde_json::to_string(&record.events)?,
                record.trail.as_ref().map(|trail| &trail.name),
                record.trail.as_ref().map(|trail| trail.size as i64),
                record.indexing.state.as_str(),
                record.indexing.version,
            ])?;
        }
        drop(insert);
        transaction.commit()?;
        imports.add(end - next, began.elapsed(), memory()?);
        next = end;
    }
    Ok((imports, next))
}

fn ask(db: &Connection, rows: u64) -> Result<Vec<Timed>, Box<dyn Error>> {
    let mut timed = Vec::new();
    for (name, filter, sort) in crate::queries::all(rows) {
        let mut slowest = Duration::ZERO;
        for variant in 0..crate::queries::VARIANTS {
            let (sql, values) = query(&filter(variant), sort);
            let began = Instant::now();
            let mut statement = db.prepare(&sql)?;
            let mut found = statement.query(params_from_iter(values))?;
            while let Some(row) = found.next()? {
                let _: String = row.get(0)?;
            }
            slowest = slowest.max(began.elapsed());
            if slowest > Duration::from_secs(2) {
                break;
            }
        }
        timed.push(Timed::new(name, slowest));
    }
    Ok(timed)
}

fn query(filter: &Filter, sort: Sort) -> (String, Vec<Value>) {
    let word = |word: &Option<sps_session_record::Word>| word.as_ref().map(|word| word.as_str().to_owned());
    let equal = [
        ("protocol", word(&filter.protocol)),
        ("verdict", word(&filter.verdict)),
        ("gateway_user", filter.gateway_user.clone()),
        ("server_user", filter.server_user.clone()),
        ("target", filter.target.clone()),
    ];
    let mut conditions = vec!["1".to_owned()];
    let mut values: Vec<Value> = Vec::new();
    for (column, value) in equal {
        let Some(value) = value else { continue };
        conditions.push(format!("{column}=?"));
        values.push(value.into());
    }
    for (column, network) in [("client", filter.client), ("server", filter.server)] {
        conditions.extend(network.map(|network| within(column, &network.to_string())));
    }
    if let Some(has) = filter.has_trail {
        conditions.push(format!("trail IS {}NULL", if has { "NOT " } else { "" }));
    }
    if let Some(text) = &filter.text {
        conditions.push("events LIKE ?".to_owned());
        values.push(format!("%{text}%").into());
    }
    if let (Some(from), Some(until)) = (filter.from, filter.until) {
        conditions.push(format!("start>={from} AND start<{until}"));
    }
    let order = if sort.descending { "DESC" } else { "ASC" };
    let conditions = conditions.join(" AND ");
    let sql = format!("SELECT * FROM session WHERE {conditions} ORDER BY start {order} LIMIT {PAGE}");
    (sql, values)
}

/// Networks of whole octets are prefixes of the text.
fn within(column: &str, network: &str) -> String {
    match network.split_once('/') {
        Some((address, "16")) => prefix(column, address, 2),
        Some((address, "24")) => prefix(column, address, 3),
        Some((address, _)) => format!("{column}='{address}'"),
        None => format!("{column}='{network}'"),
    }
}

fn prefix(column: &str, address: &str, octets: usize) -> String {
    let octets: Vec<&str> = address.split('.').take(octets).collect();
    let prefix = octets.join(".");
    format!("{column}>='{prefix}.' AND {column}<'{prefix}/'")
}
