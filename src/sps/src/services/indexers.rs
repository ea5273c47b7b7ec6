//! The door for external indexers: open while the configuration says so and names hosts, as long as the data store is there.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use sps_bootlog::causes;
use sps_cluster_config::sections::services::IndexerService;
use sps_indexer::{Fingerprint, Identity, Trust};
use sps_supervisor::{Service, ServiceContext, ServiceError};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::sleep;
use tracing::{info, warn};
use zeroize::Zeroizing;

use super::data::{DataState, Opened};
use super::supervise::spec;

/// After a connection could not be taken, or the port not be opened.
const AGAIN: Duration = Duration::from_secs(5);

/// What it works with.
#[derive(Clone)]
pub(super) struct Inputs {
    pub(super) data: watch::Receiver<DataState>,
    /// What the packet filter lets in for it.
    pub(super) port: watch::Sender<Option<u16>>,
}

/// Takes connections.
pub(super) fn service(inputs: &Inputs) -> Service {
    let inputs = inputs.clone();
    Service::new(spec("indexers"), move |context| run(inputs.clone(), context))
}

async fn run(mut inputs: Inputs, context: ServiceContext) -> Result<(), ServiceError> {
    // Without a data store there is nothing to index, and nothing is wrong with this service.
    context.ready();
    loop {
        let opened = tokio::select! {
            () = context.shutdown.cancelled() => return Ok(()),
            found = inputs.data.wait_for(|state| state.opened.is_some()) => found?.opened.clone(),
        };
        let Some(opened) = opened else { continue };
        let served = serve(&mut inputs, &opened, &context).await;
        inputs.port.send_replace(None);
        opened.hub.close();
        served?;
        if context.shutdown.is_cancelled() {
            return Ok(());
        }
    }
}

/// Serves until the data store goes, or the appliance stops.
async fn serve(
    inputs: &mut Inputs,
    opened: &Arc<Opened>,
    context: &ServiceContext,
) -> Result<(), ServiceError> {
    let mut door: Option<(u16, TcpListener)> = None;
    let mut in_force = None;
    loop {
        let configured = {
            let state = inputs.data.borrow_and_update();
            if !state.opened.as_ref().is_some_and(|now| Arc::ptr_eq(now, opened)) {
                return Ok(());
            }
            state.configured
        };
        let wanted = wanted(opened);
        if in_force.as_ref() != Some(&wanted) {
            let trust = trust(&wanted);
            let port = trust.is_some().then_some(wanted.port);
            opened.hub.set_trust(trust);
            if door.as_ref().map(|(port, _)| *port) != port {
                // The old one first: it may be the same port in another way.
                drop(door.take());
                door = match port {
                    Some(port) => listen(port).await,
                    None => None,
                };
            }
            in_force = (door.is_some() == port.is_some()).then_some(wanted);
            let opened = door.as_ref().map(|(port, _)| *port);
            inputs
                .port
                .send_if_modified(|now| std::mem::replace(now, opened) != opened);
        }
        let changed = inputs.data.wait_for(|state| {
            let same = state.opened.as_ref().is_some_and(|now| Arc::ptr_eq(now, opened));
            !same || state.configured != configured
        });
        let changed = async { changed.await.map(drop) };
        let socket = tokio::select! {
            () = context.shutdown.cancelled() => return Ok(()),
            changed = changed => {
                changed?;
                continue;
            }
            // What could not be opened is tried again.
            () = sleep(AGAIN), if in_force.is_none() => continue,
            socket = next(door.as_ref()) => socket,
        };
        hand_over(opened, socket).await;
    }
}

/// What the configuration says now.
fn wanted(opened: &Opened) -> IndexerService {
    let Some(store) = &opened.configuration else {
        return IndexerService::default();
    };
    let store = store.lock().unwrap_or_else(PoisonError::into_inner);
    let mut wanted = store.document().local_services.indexer.clone();
    // Those are for the appliance's own worker.
    wanted.indexer_keys.clear();
    wanted
}

/// Who may connect by it; nobody while it is off, and when nobody could.
fn trust(wanted: &IndexerService) -> Option<Trust> {
    if !wanted.enabled || wanted.hosts.is_empty() {
        return None;
    }
    let credentials = wanted.credentials.as_ref();
    let known = credentials.and_then(|own| Some((own, own.private_key.known()?)));
    let Some((own, key)) = known else {
        warn!(
            "external indexers cannot connect: the appliance's private key for them is not known; add a host anew (Indexer > Worker status)"
        );
        return None;
    };
    let mut hosts = BTreeMap::new();
    for (name, host) in &wanted.hosts {
        match Fingerprint::of_pem(&host.certificate) {
            Ok(print) => drop(hosts.insert(print, name.clone())),
            Err(error) => warn!("the external indexer {name} cannot connect: {}", causes(&error)),
        }
    }
    let key = Zeroizing::new(key.expose().to_owned());
    match Trust::new(&Identity::new(own.certificate.clone(), key), hosts) {
        Ok(trust) => Some(trust),
        Err(error) => {
            warn!(
                "external indexers cannot connect: {}; see Local Services > Indexer service > Credentials",
                causes(&error)
            );
            None
        }
    }
}

/// Both families by one socket; the earlier one alone where the kernel has no other.
async fn listen(port: u16) -> Option<(u16, TcpListener)> {
    let both = TcpListener::bind((Ipv6Addr::UNSPECIFIED, port)).await;
    let listener = match both {
        Ok(listener) => Ok(listener),
        Err(_) => TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await,
    };
    match listener {
        Ok(listener) => {
            info!("external indexers are taken on port {port}");
            Some((port, listener))
        }
        Err(error) => {
            warn!("external indexers cannot connect: could not listen on port {port}: {error}");
            None
        }
    }
}

/// The next connection; never, while the door is closed.
async fn next(door: Option<&(u16, TcpListener)>) -> std::io::Result<(TcpStream, std::net::SocketAddr)> {
    match door {
        Some((_, listener)) => listener.accept().await,
        None => std::future::pending().await,
    }
}

async fn hand_over(opened: &Opened, socket: std::io::Result<(TcpStream, std::net::SocketAddr)>) {
    let taken = socket.and_then(|(socket, peer)| {
        let socket = socket.into_std()?;
        socket.set_nonblocking(false)?;
        Ok((socket, peer))
    });
    match taken {
        Ok((socket, peer)) => opened.hub.take(socket, peer),
        Err(error) => {
            warn!("an external indexer could not be taken: {error}");
            sleep(AGAIN).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sps_cluster_config::Protected;
    use sps_cluster_config::sections::certificates::Credential;
    use sps_cluster_config::sections::services::IndexerHost;
    use sps_config::Secret;

    #[test]
    fn the_door_is_closed_but_while_it_is_on_with_hosts_and_a_key() {
        let (own, host) = (Identity::make().unwrap(), Identity::make().unwrap());
        let key = Secret::from(own.private_key().to_string());
        let on = IndexerService {
            enabled: true,
            credentials: Some(Credential {
                certificate: own.certificate().to_owned(),
                private_key: key.into(),
            }),
            hosts: [(
                "one".to_owned(),
                IndexerHost {
                    certificate: host.certificate().to_owned(),
                },
            )]
            .into(),
            ..IndexerService::default()
        };
        assert!(trust(&on).is_some());
        assert!(trust(&IndexerService::default()).is_none());
        let but = |change: fn(&mut IndexerService)| {
            let mut wanted = on.clone();
            change(&mut wanted);
            trust(&wanted).is_none()
        };
        assert!(but(|wanted| wanted.enabled = false));
        assert!(but(|wanted| wanted.hosts.clear()));
        assert!(but(|wanted| wanted.credentials = None));
        assert!(but(
            |wanted| wanted.credentials.as_mut().unwrap().private_key = Protected::LeftOut
        ));
        // A certificate of another key.
        assert!(but(|wanted| {
            wanted.credentials.as_mut().unwrap().certificate = Identity::make().unwrap().certificate().into();
        }));
    }
}
