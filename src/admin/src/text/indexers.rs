//! Who indexes, in words.

use super::{clean, date, pairs, table};
use crate::indexers::{ExternalIndexer, Indexers, OwnIndexer};

/// Everybody who indexes.
#[must_use]
pub fn indexers(now: &Indexers) -> String {
    let external = match (now.enabled, now.hosts.is_empty()) {
        (false, _) => "off (Local Services > Indexer)".to_owned(),
        (true, true) => "on, no host is added yet".to_owned(),
        (true, false) => format!("on, port {}", now.port),
    };
    let mut text = pairs(&[
        ("External indexers", external),
        ("Version of the appliance", now.version.clone()),
        ("Sessions that wait", now.waiting.to_string()),
        (
            "Fingerprint",
            now.fingerprint.clone().unwrap_or_else(|| "-".into()),
        ),
    ]);
    text.push('\n');
    let mut rows = vec![own(&now.own)];
    rows.extend(now.hosts.iter().map(host));
    text += &table(
        [
            "INDEXER",
            "VERSION",
            "FROM",
            "CONNECTED SINCE",
            "WORKERS",
            "READS",
            "DONE",
            "AN HOUR",
        ],
        &rows,
    );
    let own = now
        .own
        .last_error
        .iter()
        .map(|error| format!("the appliance: {error}"));
    let hosts = now.hosts.iter().filter_map(|host| {
        let (error, at) = (host.last_error.as_ref()?, host.last_error_at.unwrap_or_default());
        Some(format!("{} ({}): {error}", host.name, date(at)))
    });
    let refused = now.refused.iter().map(|refused| {
        let who = refused
            .host
            .as_ref()
            .map_or_else(String::new, |host| format!("{host} at "));
        let times = if refused.times > 1 {
            format!(", {} times", refused.times)
        } else {
            String::new()
        };
        let when = date(refused.time);
        format!(
            "refused: {who}{} ({when}{times}): {}",
            refused.address, refused.reason
        )
    });
    for line in own.chain(hosts).chain(refused) {
        text += &(clean(&line) + "\n");
    }
    text
}

fn own(own: &OwnIndexer) -> [String; 8] {
    let since = if own.working { "-" } else { "not working" };
    [
        "the appliance".into(),
        String::new(),
        String::new(),
        since.into(),
        "1".into(),
        own.session.clone().unwrap_or_default(),
        own.done.to_string(),
        String::new(),
    ]
}

fn host(host: &ExternalIndexer) -> [String; 8] {
    let reads = host.connected.iter().filter_map(|worker| {
        let session = worker.session.as_ref()?;
        Some(format!("{session} {} %", worker.percent))
    });
    [
        host.name.clone(),
        host.version.clone(),
        host.address.clone(),
        host.since.map_or_else(|| "not connected".into(), date),
        format!("{} of {}", host.connected.len(), host.workers),
        reads.collect::<Vec<_>>().join(", "),
        host.done.to_string(),
        host.per_hour.to_string(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indexers::{IndexerWorker, RefusedIndexer};

    #[test]
    fn who_indexes_is_told_and_who_may_not() {
        let now = Indexers {
            enabled: true,
            port: 12_345,
            version: "7.1.0".into(),
            fingerprint: Some("ab".repeat(32)),
            own: OwnIndexer {
                working: true,
                session: Some("ssh-7".into()),
                done: 12,
                last_error: None,
            },
            waiting: 3,
            hosts: vec![
                ExternalIndexer {
                    name: "indexer-1".into(),
                    address: "192.0.2.50".into(),
                    version: "7.1.2".into(),
                    since: Some(1_800_000_000),
                    workers: 4,
                    connected: vec![
                        IndexerWorker {
                            number: 1,
                            session: Some("ssh-8".into()),
                            percent: 40,
                        },
                        IndexerWorker::default(),
                    ],
                    done: 40,
                    per_hour: 20,
                    last_error: Some("the connection ended".into()),
                    last_error_at: Some(1_799_999_000),
                    ..ExternalIndexer::default()
                },
                ExternalIndexer {
                    name: "new".into(),
                    ..ExternalIndexer::default()
                },
            ],
            refused: vec![RefusedIndexer {
                time: 1_800_000_100,
                address: "192.0.2.51".into(),
                host: Some("old".into()),
                reason: "older\u{1b}".into(),
                times: 3,
            }],
        };
        insta::assert_snapshot!(indexers(&now) + "\n" + &indexers(&Indexers::default()));
    }
}
