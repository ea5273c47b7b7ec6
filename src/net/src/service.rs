//! The service: one loop that gives events to the engine and carries its actions out.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use futures_util::StreamExt;
use netlink_packet_core::{NetlinkMessage, NetlinkPayload};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::address::AddressMessage;
use netlink_packet_route::link::LinkMessage;
use rtnetlink::{MulticastGroup, new_multicast_connection};
use rustix::rand::{GetRandomFlags, getrandom};
use sps_net_engine::{
    Action, Engine, Event, FALLBACK_ADDRESS, LinkIndex, LinkInfo, Moment, Report, Severity,
};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tracing::{debug, info, warn};

use crate::error::NetError;
use crate::links::{self, Hardware};
use crate::netlink::{self, Netlink, Object};
use crate::packets::Ports;
use crate::settings::NetworkSettings;
use crate::state::{Facts, NetworkState, assemble};
use crate::{resolv, sysctl, usage};

/// Packets that wait for the engine: more than a healthy network sends in the time of one step, few enough that a
/// flood is dropped early.
const PACKET_QUEUE: usize = 64;
/// How long a machine may take to show its first card before the log says there is none: some drivers finish
/// after PID 1 has started.
const FIRST_CARD: Duration = Duration::from_secs(2);

type Notifications = futures_util::stream::BoxStream<
    'static,
    (NetlinkMessage<RouteNetlinkMessage>, rtnetlink::sys::SocketAddr),
>;

/// Runs the network with settings that stay as they are. See [`run_watched`].
///
/// # Errors
/// As [`run_watched`].
pub async fn run(
    settings: NetworkSettings,
    state: watch::Sender<NetworkState>,
    shutdown: CancellationToken,
) -> Result<(), NetError> {
    let (_constant, settings) = watch::channel(settings);
    run_watched(settings, state, shutdown).await
}

/// Runs the network until `shutdown`: leases are then given back and addresses taken off.
///
/// Each change of `settings` is applied at once; settings that are wrong are refused in the log, and the former ones
/// stay in force. `state` always shows what stands; it changes only when something changed.
///
/// # Errors
/// The first settings are wrong, or netlink cannot be used at all. Everything else is logged and tried again.
pub async fn run_watched(
    mut settings: watch::Receiver<NetworkSettings>,
    state: watch::Sender<NetworkState>,
    shutdown: CancellationToken,
) -> Result<(), NetError> {
    let first = settings.borrow_and_update().clone();
    first.check().map_err(NetError::Settings)?;
    let groups = [MulticastGroup::Link, MulticastGroup::Ipv6Ifaddr];
    let (connection, handle, notifications) = new_multicast_connection(&groups).map_err(NetError::Netlink)?;
    let _connection = AbortOnDropHandle::new(tokio::spawn(connection));
    sysctl::apply(&first.proc_sys_net);
    let (events, packets) = mpsc::channel(PACKET_QUEUE);
    let mut service = Service::new(first, state, Netlink::new(handle), events)?;
    service.begin().await?;
    let sources = Sources {
        notifications: notifications.boxed(),
        packets,
        settings,
    };
    service.work(sources, shutdown).await
}

/// Where events come from.
struct Sources {
    notifications: Notifications,
    packets: mpsc::Receiver<Event>,
    settings: watch::Receiver<NetworkSettings>,
}

struct Service {
    settings: NetworkSettings,
    engine: Engine,
    began: Instant,
    netlink: Netlink,
    ports: BTreeMap<LinkIndex, Ports>,
    facts: Facts,
    events: mpsc::Sender<Event>,
    state: watch::Sender<NetworkState>,
    resolv_text: Option<String>,
}

impl Service {
    fn new(
        settings: NetworkSettings,
        state: watch::Sender<NetworkState>,
        netlink: Netlink,
        events: mpsc::Sender<Event>,
    ) -> Result<Self, NetError> {
        let mut seed = [0; 8];
        // Not a secret: early at boot it must not wait for entropy.
        getrandom(&mut seed, GetRandomFlags::INSECURE).map_err(|error| NetError::Seed(error.into()))?;
        let engine = Engine::new(&settings.engine(), u64::from_ne_bytes(seed));
        Ok(Self {
            settings,
            engine,
            began: Instant::now(),
            netlink,
            ports: BTreeMap::new(),
            facts: Facts::default(),
            events,
            state,
            resolv_text: None,
        })
    }

    fn now(&self) -> Moment {
        self.began.elapsed()
    }

    /// Loopback up, leftovers off, every interface told to the engine.
    async fn begin(&mut self) -> Result<(), NetError> {
        if let Err(error) = self.netlink.bring_loopback_up().await {
            warn!("loopback interface could not be brought up: {error}");
        }
        let links = self
            .netlink
            .links()
            .await
            .map_err(|error| NetError::List(Box::new(error)))?;
        let managed: Vec<_> = links
            .iter()
            .filter_map(links::managed)
            .map(|link| link.index)
            .collect();
        self.clear_leftovers(&managed).await;
        for link in &links {
            self.on_link(link).await;
        }
        Ok(())
    }

    /// Addresses of a former run of this service, before a restart.
    async fn clear_leftovers(&mut self, managed: &[LinkIndex]) {
        let addresses = match self.netlink.addresses().await {
            Ok(addresses) => addresses,
            Err(error) => return warn!("addresses could not be listed: {error}"),
        };
        for message in addresses {
            self.on_address(&message, true);
            if let Some(address) =
                netlink::local_v4(&message).filter(|_| managed.contains(&message.header.index))
            {
                debug!("removing {address}, left on interface {}", message.header.index);
                if let Err(error) = self.netlink.remove(message).await {
                    warn!("leftover address {address} could not be removed: {error}");
                }
            }
        }
    }

    async fn work(&mut self, mut sources: Sources, shutdown: CancellationToken) -> Result<(), NetError> {
        let mut first_card = Some(self.began + FIRST_CARD);
        loop {
            self.publish();
            let deadline = self.engine.deadline().map(|at| self.began + at);
            tokio::select! {
                () = shutdown.cancelled() => {
                    self.step(Event::Shutdown).await;
                    self.publish();
                    return Ok(());
                }
                message = sources.notifications.next() => {
                    let (message, _) = message.ok_or(NetError::NetlinkEnded)?;
                    self.on_notification(message).await?;
                }
                Some(event) = sources.packets.recv() => self.step(event).await,
                settings = changed(&mut sources.settings) => self.on_settings(settings).await,
                () = until(deadline) => self.step(Event::Time).await,
                () = until(first_card) => {
                    first_card = None;
                    self.step(Event::Listed).await;
                }
            }
        }
    }

    async fn on_settings(&mut self, settings: NetworkSettings) {
        if let Err(error) = settings.check() {
            return warn!("network settings refused, the former ones stay in force: {error}");
        }
        if settings == self.settings {
            return;
        }
        self.settings = settings;
        // Another file may be meant.
        self.resolv_text = None;
        self.step(Event::Settings(self.settings.engine())).await;
    }

    async fn on_notification(
        &mut self,
        message: NetlinkMessage<RouteNetlinkMessage>,
    ) -> Result<(), NetError> {
        match message.payload {
            NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewLink(link)) => self.on_link(&link).await,
            NetlinkPayload::InnerMessage(RouteNetlinkMessage::DelLink(link)) => {
                self.on_gone(link.header.index).await;
            }
            NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewAddress(address)) => {
                self.on_address(&address, true);
            }
            NetlinkPayload::InnerMessage(RouteNetlinkMessage::DelAddress(address)) => {
                self.on_address(&address, false);
            }
            NetlinkPayload::Overrun(_) => self.list_again().await?,
            _ => {}
        }
        Ok(())
    }

    /// Notifications were lost: look at everything.
    async fn list_again(&mut self) -> Result<(), NetError> {
        warn!("kernel dropped network notifications; listing interfaces again");
        let links = self
            .netlink
            .links()
            .await
            .map_err(|error| NetError::List(Box::new(error)))?;
        let present: Vec<_> = links.iter().map(|link| link.header.index).collect();
        let gone: Vec<_> = self
            .ports
            .keys()
            .copied()
            .filter(|index| !present.contains(index))
            .collect();
        for index in gone {
            self.on_gone(index).await;
        }
        for link in &links {
            self.on_link(link).await;
        }
        Ok(())
    }

    async fn on_link(&mut self, message: &LinkMessage) {
        let index = message.header.index;
        match links::managed(message) {
            Some(link) => {
                let link = self.with_hardware(link);
                if !self.ports.contains_key(&index) && !self.open_ports(&link) {
                    return;
                }
                self.step(Event::Link(link)).await;
            }
            // It became a member of a bond or bridge.
            None if self.ports.contains_key(&index)
                && message.header.interface_family == Default::default() =>
            {
                self.on_gone(index).await;
            }
            None => {}
        }
    }

    fn with_hardware(&mut self, link: LinkInfo) -> LinkInfo {
        let class = &self.settings.sys_class_net;
        let hardware = self
            .facts
            .hardware
            .entry(link.index)
            .or_insert_with(|| Hardware::read(class, &link.name));
        let speed = if link.carrier {
            links::speed(class, &link.name)
        } else {
            None
        };
        LinkInfo {
            bus: hardware.bus.clone(),
            speed,
            ..link
        }
    }

    fn open_ports(&mut self, link: &LinkInfo) -> bool {
        sysctl::apply_to(&self.settings.proc_sys_net, &link.name);
        match Ports::open(link, &self.events) {
            Ok(ports) => {
                self.ports.insert(link.index, ports);
                true
            }
            Err(error) => {
                warn!(
                    "{}: packet sockets could not be opened, interface left alone: {error}",
                    link.name
                );
                false
            }
        }
    }

    async fn on_gone(&mut self, index: LinkIndex) {
        if self.ports.remove(&index).is_some() {
            self.facts.hardware.remove(&index);
            self.facts.link_local.remove(&index);
            self.step(Event::LinkGone(index)).await;
        }
    }

    fn on_address(&mut self, message: &AddressMessage, present: bool) {
        let Some(address) = netlink::link_local(message) else {
            return;
        };
        let known = self.facts.link_local.entry(message.header.index).or_default();
        known.retain(|other| *other != address);
        if present {
            known.push(address);
        }
    }

    /// Gives one event to the engine and does what it says, and what follows from that.
    async fn step(&mut self, event: Event) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            let now = self.now();
            for action in self.engine.step(event, now) {
                if let Action::AskFallbackUse = action {
                    events.push_back(fallback_use());
                } else {
                    self.act(action).await;
                }
            }
        }
    }

    async fn act(&mut self, action: Action) {
        match action {
            Action::BringUp(index) => {
                if let Err(error) = self.netlink.bring_up(index).await {
                    warn!("kernel refused interface {index} up: {error}");
                }
            }
            Action::SendDhcp(index, message, to) => {
                let hostname = self.settings.hostname.as_deref();
                if let Some(ports) = self.ports.get_mut(&index) {
                    sent("DHCP message", ports.send_dhcp(&message, to, hostname));
                }
            }
            Action::SendArp(index, packet) => {
                if let Some(ports) = self.ports.get(&index) {
                    sent("ARP packet", ports.send_arp(&packet));
                }
            }
            Action::Install(index, new) => told(self.netlink.install(index, &new).await),
            Action::RemoveRoutes(index, old) => told(self.netlink.remove_routes(index, &old).await),
            Action::Withdraw(index, old) => {
                told(self.netlink.withdraw(index, &old).await);
                if let Some(ports) = self.ports.get_mut(&index) {
                    ports.forget(old.address);
                }
            }
            Action::AskFallbackUse => {}
            Action::Report(report) => say(&report),
        }
    }

    fn publish(&mut self) {
        let new = assemble(self.engine.view(), &self.facts);
        self.write_resolv_conf(&new);
        self.state.send_if_modified(|state| {
            let changed = *state != new;
            *state = new;
            changed
        });
    }

    fn write_resolv_conf(&mut self, state: &NetworkState) {
        let Some(path) = &self.settings.resolv_conf else {
            return;
        };
        let text = resolv::text(&self.settings, state);
        if self.resolv_text.as_ref() == Some(&text) {
            return;
        }
        if let Err(error) = resolv::write(path, &text) {
            warn!("name servers could not be written to {}: {error}", path.display());
        }
        self.resolv_text = Some(text);
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// When it cannot be told, the address counts as in use: nobody is cut off.
fn fallback_use() -> Event {
    let in_use = usage::connection_to(FALLBACK_ADDRESS).unwrap_or_else(|error| {
        warn!("open connections could not be listed: {error}");
        true
    });
    Event::FallbackUse { in_use }
}

/// Settings that are new; never, once nobody is left to change them.
async fn changed(settings: &mut watch::Receiver<NetworkSettings>) -> NetworkSettings {
    match settings.changed().await {
        Ok(()) => settings.borrow_and_update().clone(),
        Err(_) => std::future::pending().await,
    }
}

fn told(refused: Vec<(Object, rtnetlink::Error)>) {
    for (what, error) in refused {
        warn!("kernel refused {what}: {error}");
    }
}

fn sent(what: &str, result: std::io::Result<()>) {
    if let Err(error) = result {
        debug!("{what} not sent: {error}");
    }
}

fn say(report: &Report) {
    match report.severity() {
        Severity::Info => info!("{report}"),
        Severity::Warning => warn!("{report}"),
    }
}
