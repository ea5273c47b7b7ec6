//! The SSH proxy: there as long as the data store is, on the ports its connection policies name.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use sps_bootlog::causes;
use sps_gateway::{Gateway, GatewayError, Live, Surroundings};
use sps_net::{Diverted, NetworkState};
use sps_proxy_engine::{Own, diverted, shows_clients};
use sps_proxy_ssh::{Access as _, Limits, Listening, SshProxy};
use sps_supervisor::{Service, ServiceContext, ServiceError};
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tracing::{info, warn};

use super::data::{DataState, Opened};
use super::firewall::Sessions;
use super::supervise::spec;
use super::timestamps::Carrying;
use crate::space::Room;

/// What it works with.
#[derive(Clone)]
pub(super) struct Inputs {
    pub(super) data: watch::Receiver<DataState>,
    pub(super) network: watch::Receiver<NetworkState>,
    pub(super) room: watch::Receiver<Room>,
    pub(super) live: Live,
    /// What the packet filter lets in for it.
    pub(super) sessions: watch::Sender<Sessions>,
}

/// Serves connections.
pub(super) fn service(inputs: &Inputs) -> Service {
    let inputs = inputs.clone();
    Service::new(spec("ssh-proxy"), move |context| run(inputs.clone(), context))
}

async fn run(mut inputs: Inputs, context: ServiceContext) -> Result<(), ServiceError> {
    // Without a data store there is nothing to serve, and nothing is wrong with this service.
    context.ready();
    loop {
        let opened = tokio::select! {
            () = context.shutdown.cancelled() => return Ok(()),
            found = inputs.data.wait_for(|state| state.opened.is_some()) => found?.opened.clone(),
        };
        let Some(opened) = opened else { continue };
        match gateway(&inputs, opened.clone()).await? {
            Ok(gateway) => {
                serve(&mut inputs, &gateway, &opened, &context).await?;
                if context.shutdown.is_cancelled() {
                    return Ok(());
                }
            }
            Err(error) => {
                warn!("no SSH sessions are taken: {}", causes(&error));
                tokio::select! {
                    () = context.shutdown.cancelled() => return Ok(()),
                    changed = inputs.data.changed() => changed?,
                }
            }
        }
    }
}

async fn gateway(
    inputs: &Inputs,
    opened: Arc<Opened>,
) -> Result<Result<Arc<Gateway>, GatewayError>, ServiceError> {
    let (network, mut room, live) = (inputs.network.clone(), inputs.room.clone(), inputs.live.clone());
    let is_full = |room: &Room| room.full_since.is_some();
    let (tell, full) = watch::channel(is_full(&room.borrow_and_update()));
    tokio::spawn(async move {
        // Until the gateway is gone, or nobody looks after the disk.
        loop {
            tokio::select! {
                () = tell.closed() => return,
                changed = room.changed() => if changed.is_err() { return },
            }
            let now = is_full(&room.borrow_and_update());
            tell.send_if_modified(|full| std::mem::replace(full, now) != now);
        }
    });
    let carrier = Arc::new(Carrying::new(inputs.network.clone()));
    let is_own = Box::new(move |address| {
        let network = network.borrow();
        let own = network
            .interfaces
            .iter()
            .flat_map(|interface| &interface.addresses);
        Own::new(own.map(|own| own.address)).holds(address)
    });
    let surroundings = Surroundings {
        full,
        live,
        is_own,
        carrier,
    };
    let gateway = spawn_blocking(move || Gateway::open(opened, surroundings)).await?;
    Ok(gateway.map(Arc::new))
}

/// Serves until the data store goes, or the appliance stops.
async fn serve(
    inputs: &mut Inputs,
    gateway: &Arc<Gateway>,
    opened: &Arc<Opened>,
    context: &ServiceContext,
) -> Result<(), ServiceError> {
    let proxy = SshProxy::new(gateway.clone(), Limits::default());
    let mut listening = BTreeMap::new();
    loop {
        let configured = {
            let state = inputs.data.borrow_and_update();
            if !state.opened.as_ref().is_some_and(|now| Arc::ptr_eq(now, opened)) {
                break;
            }
            state.configured
        };
        let own = gateway.clone();
        spawn_blocking(move || own.refresh()).await?;
        let sessions = let_in(gateway);
        let ports = &sessions.ports;
        listening.retain(|port, _| ports.contains(port));
        for port in ports {
            if !listening.contains_key(port) {
                listening.insert(*port, listen(&proxy, *port));
            }
        }
        inputs
            .sessions
            .send_if_modified(|open| std::mem::replace(open, sessions.clone()) != sessions);
        let changed = inputs.data.wait_for(|state| {
            let same = state.opened.as_ref().is_some_and(|now| Arc::ptr_eq(now, opened));
            !same || state.configured != configured
        });
        tokio::select! {
            () = context.shutdown.cancelled() => break,
            changed = changed => drop(changed?),
        }
    }
    drop(listening);
    inputs.sessions.send_replace(Sessions::default());
    proxy.shut_down().await;
    Ok(())
}

/// What the packet filter lets in by the policies as they are now.
fn let_in(gateway: &Gateway) -> Sessions {
    let policies = gateway.policies();
    let connections = &policies.ssh.connections;
    let networks = diverted(connections).into_iter();
    Sessions {
        ports: gateway.ports(),
        diverted: networks.map(|(to, port)| Diverted { to, port }).collect(),
        foreign_source: shows_clients(connections),
    }
}

/// Both families; one that cannot be had is told.
fn listen(proxy: &SshProxy, port: u16) -> Vec<Listening> {
    let any: [IpAddr; 2] = [Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()];
    let mut listening = Vec::new();
    for address in any {
        match proxy.listen(SocketAddr::new(address, port)) {
            Ok(one) => listening.push(one),
            Err(error) => warn!("{}", causes(&error)),
        }
    }
    if !listening.is_empty() {
        info!("SSH sessions are taken on port {port}");
    }
    listening
}
