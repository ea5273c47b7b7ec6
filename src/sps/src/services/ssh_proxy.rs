//! The SSH proxy: there as long as the data store is, on the ports its connection policies name.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use sps_bootlog::{BootLog, causes, uptime};
use sps_gateway::{Gateway, GatewayError, Live, Surroundings, memory};
use sps_net::{Diverted, NetworkState};
use sps_proxy_engine::{Own, diverted, shows_clients};
use sps_proxy_ssh::{Access as _, Departure, Leaving, Limits, Listening, SshProxy};
use sps_supervisor::{ExitKind, Service, ServiceContext, ServiceError};
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::task::AbortOnDropHandle;
use tracing::{info, warn};

use super::data::{DataState, Opened};
use super::firewall::Sessions;
use super::supervise::spec;
use super::timestamps::Carrying;
use crate::gauges::Gauges;
use crate::space::Room;

/// Between two looks at the memory: a flood lets some hundred in meanwhile, for which the admission reckons.
const MEMORY_EVERY: Duration = Duration::from_millis(500);

/// The same while memory is short: transfers take it by hundreds of megabytes a second.
const MEMORY_WHEN_SHORT: Duration = Duration::from_millis(100);
/// The same between two demands that the allocator gives back what it keeps, while memory is short.
const GIVE_BACK_EVERY: Duration = Duration::from_secs(2);

/// What it works with.
#[derive(Clone)]
pub(super) struct Inputs {
    pub(super) data: watch::Receiver<DataState>,
    pub(super) network: watch::Receiver<NetworkState>,
    pub(super) room: watch::Receiver<Room>,
    pub(super) live: Live,
    pub(super) gauges: Gauges,
    pub(super) log: BootLog,
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
    let proxy = Arc::new(SshProxy::new(
        gateway.clone(),
        Limits::default(),
        inputs.gauges.ssh.clone(),
    ));
    inputs.gauges.serve(&proxy, gateway);
    let watching = AbortOnDropHandle::new(tokio::spawn(watch_memory(proxy.clone())));
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
        let options = gateway.policies().ssh.options.clone();
        proxy.limit(Limits::from(&options));
        inputs.log.verbosity().set(options.verbosity);
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
    // Whoever comes meanwhile hears why not, so the ports stay open.
    leave(&proxy, gateway, context).await;
    drop(listening);
    inputs.sessions.send_replace(Sessions::default());
    drop(watching);
    proxy.shut_down().await;
    Ok(())
}

/// Sessions end in order: after the grace that the options give them when the appliance stops, at once when the data store goes.
async fn leave(proxy: &SshProxy, gateway: &Gateway, context: &ServiceContext) {
    let options = gateway.policies().ssh.options.clone();
    let grace = Duration::from_secs(options.restart_grace_seconds.into());
    let (leaving, grace) = match context.leaving() {
        Some(ExitKind::Reboot) => (Leaving::Restart, grace),
        Some(ExitKind::PowerOff) => (Leaving::PowerOff, grace),
        None => (Leaving::Pause, Duration::ZERO),
    };
    let (before, _) = proxy.open();
    if before > 0 {
        info!(
            "{before} SSH sessions are open: they have {} s to end",
            grace.as_secs()
        );
    }
    let mut told = before;
    let departure = Departure {
        leaving,
        grace,
        tells: options.restart_message,
    };
    let departing = proxy.leave(departure, |state| {
        context.alive();
        if state.open != told {
            told = state.open;
            info!("{told} of {before} SSH sessions are still open");
        }
    });
    departing.await;
    let (left, _) = proxy.open();
    match (before, left) {
        (0, _) => {}
        (_, 0) => info!("all SSH sessions have ended, and their recordings are closed"),
        (_, left) => warn!("{left} SSH sessions did not end in time and are cut"),
    }
}

/// Tells the proxy how much memory there is, and what it ended gives back.
async fn watch_memory(proxy: Arc<SshProxy>) {
    let mut look = interval(MEMORY_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut given_back = uptime();
    loop {
        if proxy.is_short() {
            sleep(MEMORY_WHEN_SHORT).await;
        } else {
            look.tick().await;
        }
        let Some(memory) = memory() else { continue };
        let _ended = proxy.measured(memory, uptime());
        // Sessions that have gone leave their memory with the allocator, where no measurement sees it.
        if proxy.is_short() && uptime().saturating_sub(given_back) >= GIVE_BACK_EVERY {
            // Another thread: it takes the allocator's locks for milliseconds.
            drop(spawn_blocking(sps_sys::memory::give_back).await);
            given_back = uptime();
        }
    }
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
