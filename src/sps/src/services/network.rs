//! The network, and where the boot page can be reached through it.

use std::net::Ipv4Addr;
use std::path::PathBuf;

use sps_net::{NetworkSettings, NetworkState};
use sps_supervisor::{Service, ServiceContext, ServiceError};
use tokio::sync::watch;
use tracing::info;

use super::supervise::{HOST_NAME, spec};

/// Brings the network up and keeps it; `state` shows it to the other services.
pub(super) fn service(state: watch::Sender<NetworkState>) -> Service {
    Service::new(spec("network"), move |context| run(state.clone(), context))
}

async fn run(state: watch::Sender<NetworkState>, context: ServiceContext) -> Result<(), ServiceError> {
    let settings = NetworkSettings {
        hostname: Some(HOST_NAME.into()),
        resolv_conf: Some(PathBuf::from("/etc/resolv.conf")),
        ..NetworkSettings::default()
    };
    let watched = state.subscribe();
    context.ready();
    tokio::select! {
        ended = sps_net::run(settings, state, context.shutdown) => Ok(ended?),
        () = announce(watched) => Ok(()),
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
