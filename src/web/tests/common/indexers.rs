//! Who indexes for the appliance in memory: a host that works, one that never came, and somebody who was refused.
#![allow(dead_code, reason = "each test binary uses its part")]

use sps_admin::{
    ExternalIndexer, Failure, IndexerConfiguration, IndexerWorker, Indexers, OwnIndexer, RefusedIndexer,
    Reply, Request, Response,
};
use sps_config::Secret;

/// What a host gets.
pub(crate) const FILE: &str = "{\"private_key\": \"of the host\"}";

pub(crate) fn answer(request: &Request) -> Option<Reply> {
    Some(match request {
        Request::IndexersShow => Ok(Response::Indexers(Box::new(indexers()))),
        Request::IndexerAdd { name, .. } if name == "taken" => Err(Failure::invalid(
            "there is an external indexer \"taken\" already: remove it first, or choose another name",
        )),
        Request::IndexerAdd { name, .. } => Ok(Response::IndexerAdded(IndexerConfiguration {
            name: name.clone(),
            file: Secret::from(FILE.to_owned()),
            notes: vec!["external indexers are off".into()],
        })),
        Request::IndexerRemove { name } if name == "indexer-1" => Ok(Response::Done { note: String::new() }),
        Request::IndexerRemove { name } => {
            Err(Failure::invalid(format!("there is no external indexer {name:?}")))
        }
        _ => return None,
    })
}

fn indexers() -> Indexers {
    Indexers {
        enabled: true,
        port: 12_345,
        version: "7.1.0".into(),
        fingerprint: Some("ab".repeat(32)),
        own: OwnIndexer {
            working: true,
            session: Some("ssh-20270115-000009".into()),
            done: 1200,
            last_error: None,
        },
        waiting: 7,
        hosts: vec![
            ExternalIndexer {
                name: "indexer-1".into(),
                fingerprint: "cd".repeat(32),
                host_name: "<b>elsewhere</b>".into(),
                address: "192.0.2.50".into(),
                version: "7.1.2".into(),
                since: Some(1_800_000_000),
                workers: 2,
                keys: 3,
                connected: vec![IndexerWorker {
                    number: 1,
                    session: Some("ssh-20270115-000008".into()),
                    percent: 40,
                }],
                done: 4000,
                per_hour: 120,
                last_error: Some("the connection ended".into()),
                last_error_at: Some(1_799_999_000),
            },
            ExternalIndexer {
                name: "never".into(),
                ..ExternalIndexer::default()
            },
        ],
        refused: vec![RefusedIndexer {
            time: 1_800_000_100,
            address: "192.0.2.51".into(),
            host: Some("old".into()),
            reason: "the indexer is version 7.0.9, older than the appliance's 7.1.0".into(),
            times: 3,
        }],
    }
}
