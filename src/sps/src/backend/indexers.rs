//! Who indexes: shown, hosts added and removed. Blocking throughout.
//!
//! A host's key pair is made here, its certificate comes into the configuration of the cluster and the private key goes to whoever asked, once. A
//! change of hosts is a change of the configuration like every other.

use std::sync::PoisonError;

use serde_json::json;
use sps_admin::{
    ConfigurationEdit, Context, ExternalIndexer, Failure, Given, IndexerConfiguration, IndexerWorker,
    Indexers, OwnIndexer, RefusedIndexer, Reply, Request, Response,
};
use sps_bootlog::causes;
use sps_cluster_config::Place;
use sps_cluster_config::sections::services::IndexerService;
use sps_config::Secret;
use sps_indexer::{Fingerprint, HostReport, HostSettings, Identity, Report};

use super::appliance::{Appliance, done};
use super::{cluster, store};
use crate::indexer::VERSION;

/// Where they stand in the configuration.
const PATH: [&str; 2] = ["local_services", "indexer"];

/// Answers what is asked about them.
pub(super) fn answer(own: &Appliance, request: &Request, context: &Context) -> Reply {
    match request {
        Request::IndexersShow => show(own),
        Request::IndexerAdd { name, address } => add(own, name, address.as_deref(), context),
        Request::IndexerRemove { name } => remove(own, name, context),
        _ => Err(Failure::invalid("this is no question about indexers")),
    }
}

/// What the configuration says, and its revision.
fn configured(own: &Appliance) -> Result<(IndexerService, u64), Failure> {
    let opened = store::opened(own)?;
    let store = opened.configuration.as_ref().ok_or_else(|| {
        Failure::refused("this firmware works on a layout without external indexers: upgrade the data store")
    })?;
    let store = store.lock().unwrap_or_else(PoisonError::into_inner);
    Ok((store.document().local_services.indexer.clone(), store.revision()))
}

fn place(parts: &[&str]) -> String {
    let parts = PATH.iter().chain(parts).map(|part| (*part).to_owned());
    Place::new(parts.collect()).to_string()
}

fn show(own: &Appliance) -> Reply {
    let (service, _) = configured(own)?;
    let opened = store::opened(own)?;
    let indexing = own.indexing_state();
    let waiting = indexing.as_ref().map_or(0, |indexing| indexing.waiting);
    let now = told(&service, opened.hub.report(), (indexing.is_some(), waiting));
    Ok(Response::Indexers(Box::new(now)))
}

fn told(service: &IndexerService, report: Report, (working, waiting): (bool, u64)) -> Indexers {
    let print = |pem: &str| Fingerprint::of_pem(pem).ok().map(|print| print.to_string());
    let hosts = service.hosts.iter().map(|(name, host)| {
        let seen = report.hosts.iter().find(|seen| seen.name == *name);
        let line = seen.map(line).unwrap_or_default();
        ExternalIndexer {
            name: name.clone(),
            fingerprint: print(&host.certificate).unwrap_or_default(),
            ..line
        }
    });
    Indexers {
        enabled: service.enabled,
        port: service.port,
        version: VERSION.to_owned(),
        fingerprint: service
            .credentials
            .as_ref()
            .and_then(|own| print(&own.certificate)),
        waiting,
        hosts: hosts.collect(),
        own: OwnIndexer {
            working,
            session: report.own.session,
            done: report.own.done,
            last_error: report.own.last_error,
        },
        refused: report
            .refused
            .into_iter()
            .map(|refusal| RefusedIndexer {
                time: refusal.time,
                address: refusal.address,
                host: refusal.host,
                reason: refusal.reason,
                times: refusal.times,
            })
            .collect(),
    }
}

fn line(host: &HostReport) -> ExternalIndexer {
    let worker = |worker: &sps_indexer::WorkerReport| IndexerWorker {
        number: worker.number.saturating_add(1),
        session: worker.session.clone(),
        percent: percent(worker.given, worker.size),
    };
    ExternalIndexer {
        host_name: host.host_name.clone(),
        address: host.address.clone(),
        version: host.version.clone(),
        since: host.since,
        workers: host.workers,
        keys: host.keys,
        connected: host.connected.iter().map(worker).collect(),
        done: host.done,
        per_hour: host.per_hour,
        last_error: host.last_error.as_ref().map(|(_, error)| error.clone()),
        last_error_at: host.last_error.as_ref().map(|(at, _)| *at),
        ..ExternalIndexer::default()
    }
}

fn percent(given: u64, size: u64) -> u8 {
    let share = given.saturating_mul(100).checked_div(size).unwrap_or(0);
    u8::try_from(share).unwrap_or(100).min(100)
}

/// Adds a host; the first brings the appliance's own pair along.
fn add(own: &Appliance, name: &str, address: Option<&str>, context: &Context) -> Reply {
    let (service, revision) = configured(own)?;
    if service.hosts.contains_key(name) {
        return Err(Failure::invalid(format!(
            "there is an external indexer {name:?} already: remove it first, or choose another name"
        )));
    }
    let failed = |error: &dyn std::error::Error| Failure::failed(causes(error));
    let known = service
        .credentials
        .as_ref()
        .filter(|own| own.private_key.known().is_some());
    let mut edits = Vec::new();
    let certificate = match known {
        Some(own) => own.certificate.clone(),
        None => {
            let made = Identity::make().map_err(|error| failed(&error))?;
            edits.push(set(
                &["credentials"],
                json!({
                    "certificate": made.certificate(),
                    "private_key": {"plain": made.private_key().as_str()},
                }),
            ));
            made.certificate().to_owned()
        }
    };
    let host = Identity::make().map_err(|error| failed(&error))?;
    edits.push(set(&["hosts", name], json!({"certificate": host.certificate()})));
    let settings = HostSettings {
        name: name.to_owned(),
        address: reached(own, address)?,
        port: service.port,
        appliance: Fingerprint::of_pem(&certificate).map_err(|error| failed(&error))?,
        identity: host,
        workers: None,
    };
    let file = settings.text().map_err(|error| failed(&error))?;
    HostSettings::parse(&file).map_err(|error| Failure::invalid(causes(&error)))?;
    change(own, edits, revision, context)?;
    let mut notes = Vec::new();
    if !service.enabled {
        notes.push(
            "external indexers are off: switch them on under Local Services > Indexer service".to_owned(),
        );
    }
    if known.is_none() && !service.hosts.is_empty() {
        notes.push("the appliance has another key pair now: add the other hosts anew".to_owned());
    }
    Ok(Response::IndexerAdded(IndexerConfiguration {
        name: name.to_owned(),
        file: Secret::from(file.to_string()),
        notes,
    }))
}

/// The address a host gets to know.
fn reached(own: &Appliance, given: Option<&str>) -> Result<String, Failure> {
    if let Some(given) = given.map(str::trim).filter(|given| !given.is_empty()) {
        let plain = given
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-:".contains(&byte));
        if !plain || given.len() > 253 {
            return Err(Failure::invalid(format!(
                "{given:?} is no address: give the address or name under which the host reaches the appliance, without a port"
            )));
        }
        return Ok(given.to_owned());
    }
    let first = own.parts.network.borrow().ipv4_addresses().first().copied();
    first.map(|address| address.to_string()).ok_or_else(|| {
        Failure::invalid(
            "the appliance has no IPv4 address now: give the address under which the host reaches it",
        )
    })
}

fn remove(own: &Appliance, name: &str, context: &Context) -> Reply {
    let (service, revision) = configured(own)?;
    if !service.hosts.contains_key(name) {
        return Err(Failure::invalid(format!("there is no external indexer {name:?}")));
    }
    let path = place(&["hosts", name]);
    change(own, vec![ConfigurationEdit::Delete { path }], revision, context)?;
    Ok(done(format!(
        "the external indexer {name} is cut off, and its configuration opens nothing any more"
    )))
}

fn set(parts: &[&str], value: serde_json::Value) -> ConfigurationEdit {
    ConfigurationEdit::Set {
        path: place(parts),
        value: Given::new(value),
    }
}

fn change(
    own: &Appliance,
    edits: Vec<ConfigurationEdit>,
    revision: u64,
    context: &Context,
) -> Result<(), Failure> {
    let request = Request::ConfigurationChange {
        edits,
        expected: Some(revision),
    };
    cluster::answer(own, &request, context).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sps_cluster_config::sections::services::IndexerHost;
    use sps_indexer::WorkerReport;

    #[test]
    fn hosts_that_were_added_are_shown_whether_they_came_or_not() {
        let identity = Identity::make().unwrap();
        let host = IndexerHost {
            certificate: identity.certificate().to_owned(),
        };
        let service = IndexerService {
            hosts: [("came".to_owned(), host.clone()), ("new".to_owned(), host)].into(),
            ..IndexerService::default()
        };
        let report = Report {
            hosts: vec![HostReport {
                name: "came".into(),
                since: Some(7),
                connected: vec![WorkerReport {
                    number: 0,
                    session: Some("ssh-1".into()),
                    given: 30,
                    size: 40,
                }],
                last_error: Some((5, "it was gone".into())),
                ..HostReport::default()
            }],
            ..Report::default()
        };
        let now = told(&service, report, (true, 3));
        assert_eq!(
            (now.port, now.waiting, now.own.working, now.enabled),
            (12_345, 3, true, false)
        );
        let [came, new] = &now.hosts[..] else { panic!() };
        assert_eq!(
            (came.since, new.since, came.fingerprint.len()),
            (Some(7), None, 64)
        );
        assert_eq!((came.connected[0].number, came.connected[0].percent), (1, 75));
        assert_eq!(
            (came.last_error.as_deref(), came.last_error_at),
            (Some("it was gone"), Some(5))
        );
        assert_eq!((percent(5, 0), percent(50, 40)), (0, 100));
        assert_eq!(place(&["hosts", "a/b"]), "local_services/indexer/hosts/a~1b");
    }
}
