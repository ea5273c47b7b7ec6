//! The network, and where the boot page can be reached through it.

use std::net::Ipv4Addr;
use std::path::PathBuf;

use sps_config::{Interface, Ipv4, Network};
use sps_net::{Ipv4Mode, NetworkSettings, NetworkState, StaticAddress};
use sps_supervisor::{Service, ServiceContext, ServiceError};
use tokio::sync::watch;
use tracing::info;

use super::firewall::Gate;
use super::supervise::spec;
use crate::backend::Settings;

/// Brings the network up behind the packet filter, keeps it, and follows every change of its settings; `state` shows it to the other
/// services.
pub(super) fn service(state: watch::Sender<NetworkState>, settings: &Settings, filter: &Gate) -> Service {
    let (settings, filter) = (settings.clone(), filter.clone());
    Service::new(spec("network"), move |context| {
        run(state.clone(), settings.clone(), filter.clone(), context)
    })
}

async fn run(
    state: watch::Sender<NetworkState>,
    settings: Settings,
    filter: Gate,
    context: ServiceContext,
) -> Result<(), ServiceError> {
    tokio::select! {
        passed = filter.passed() => passed?,
        () = context.shutdown.cancelled() => return Ok(()),
    }
    let mut document = settings.follow();
    let (told, wanted) = watch::channel(translate(&document.borrow_and_update().network));
    let watched = state.subscribe();
    context.ready();
    let follow = async {
        while document.changed().await.is_ok() {
            let next = translate(&document.borrow_and_update().network);
            told.send_if_modified(|now| std::mem::replace(now, next.clone()) != next);
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        ended = sps_net::run_watched(wanted, state, context.shutdown) => Ok(ended?),
        () = announce(watched) => Ok(()),
        () = follow => Ok(()),
    }
}

/// The node document's words in those of the network.
fn translate(network: &Network) -> NetworkSettings {
    let mode = |interface: &Interface| match &interface.ipv4 {
        Ipv4::Dhcp => Ipv4Mode::Dhcp,
        Ipv4::Off => Ipv4Mode::Off,
        Ipv4::Static { address, gateway } => Ipv4Mode::Static(StaticAddress {
            address: address.addr(),
            prefix: address.prefix_len(),
            gateway: *gateway,
        }),
    };
    let interfaces = network.interfaces.iter();
    NetworkSettings {
        hostname: Some(network.host_name.clone()),
        interfaces: interfaces
            .map(|(name, interface)| (name.clone(), mode(interface)))
            .collect(),
        dns: network.dns.clone(),
        domain: network.domain.clone(),
        resolv_conf: Some(PathBuf::from("/etc/resolv.conf")),
        ..NetworkSettings::default()
    }
}

/// Tells the addresses under which a browser finds the appliance, each time they change.
async fn announce(mut state: watch::Receiver<NetworkState>) {
    let mut told: Vec<Ipv4Addr> = Vec::new();
    while state.changed().await.is_ok() {
        let now = state.borrow_and_update().ipv4_addresses();
        for address in now.iter().filter(|address| !told.contains(address)) {
            info!("boot page: https://{address}/");
        }
        told = now;
    }
}
