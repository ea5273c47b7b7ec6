//! Writing sessions.

use rusqlite::{Transaction, TransactionBehavior, params};
use sps_session_record::SessionRecord;

use crate::Metadb;
use crate::error::MetadbError;

impl Metadb {
    /// Adds sessions in one transaction; those that are there stay as they are. When this returns they survive a power cut.
    ///
    /// # Errors
    /// None of them was written.
    pub fn insert<'a>(
        &mut self,
        records: impl IntoIterator<Item = &'a SessionRecord>,
    ) -> Result<(), MetadbError> {
        let failed = MetadbError::write(&self.folder);
        let write = || -> rusqlite::Result<()> {
            let transaction = Transaction::new(&mut self.connection, TransactionBehavior::Immediate)?;
            for record in records {
                insert_one(&transaction, record)?;
            }
            transaction.commit()
        };
        write().map_err(failed)
    }
}

fn insert_one(transaction: &Transaction<'_>, record: &SessionRecord) -> rusqlite::Result<()> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO sessions(session_id, protocol, connection, started, ended, client_address, client_port, server_address,
            server_port, target, gateway_user, server_user, verdict, trail, trail_size, index_state, index_version)
         VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)
         ON CONFLICT(session_id) DO NOTHING",
    )?;
    let server = record.server.as_ref();
    let trail = record.trail.as_ref();
    let new = statement.execute(params![
        record.id,
        record.protocol.as_str(),
        record.connection,
        record.start,
        record.end,
        record.client.address,
        record.client.port,
        server.map(|end| end.address.as_str()),
        server.map(|end| end.port),
        record.target,
        record.gateway_user,
        record.server_user,
        record.verdict.as_str(),
        trail.map(|trail| trail.name.as_str()),
        trail.map(|trail| i64::try_from(trail.size).unwrap_or(i64::MAX)),
        record.indexing.state.as_str(),
        record.indexing.version,
    ])?;
    if new == 0 {
        return Ok(());
    }
    let session = transaction.last_insert_rowid();
    let mut statement = transaction.prepare_cached("INSERT INTO channels VALUES(?1, ?2, ?3, ?4, ?5, ?6)")?;
    for (number, channel) in (0_i64..).zip(&record.channels) {
        let (kind, verdict) = (channel.kind.as_str(), channel.verdict.as_str());
        statement.execute(params![
            session,
            number,
            kind,
            channel.start,
            channel.end,
            verdict
        ])?;
    }
    let mut statement = transaction.prepare_cached("INSERT INTO events VALUES(?1, ?2, ?3, ?4, ?5)")?;
    for (number, event) in (0_i64..).zip(&record.events) {
        statement.execute(params![
            session,
            number,
            event.at,
            event.kind.as_str(),
            event.text
        ])?;
    }
    Ok(())
}
