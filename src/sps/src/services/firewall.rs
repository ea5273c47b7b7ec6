//! The packet filter: in force before the first address, and made anew when what it depends on changes.
//!
//! Without it there is no network: the service that takes addresses waits until [`Gate`] is open, and says so when it waits in vain
//! (`src/net/DECISION-firewall.md`).

use std::time::Duration;

use sps_bootlog::causes;
use sps_config::{Node, RescueSsh};
use sps_net::{Diverted, Facts, NetworkState, Wanted, diversion, firewall, ports, rules};
use sps_supervisor::{Service, ServiceContext, ServiceError};
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tracing::{error, info};

use super::supervise::spec;
use crate::backend::Settings;

/// Longest wait for the packet filter, which takes milliseconds; then the one who waits fails, is told, and tries again.
const IN_FORCE_WITHIN: Duration = Duration::from_secs(30);

/// Whether rules are in force. Clones share it.
#[derive(Clone)]
pub(super) struct Gate(watch::Sender<bool>);

impl Gate {
    /// Closed.
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    /// Waits until rules are in force.
    pub(super) async fn passed(&self) -> Result<(), ServiceError> {
        self.passed_within(IN_FORCE_WITHIN).await
    }

    async fn passed_within(&self, longest: Duration) -> Result<(), ServiceError> {
        let mut open = self.0.subscribe();
        match timeout(longest, open.wait_for(|open| *open)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(
                "the packet filter is not in force: without it no address is taken; see the service firewall"
                    .into(),
            ),
        }
    }
}

/// What the rules depend on.
#[derive(Clone)]
pub(super) struct Inputs {
    /// Whether this start is to mend the appliance.
    pub(super) rescue: bool,
    pub(super) settings: Settings,
    pub(super) network: watch::Sender<NetworkState>,
    pub(super) sessions: watch::Sender<Sessions>,
    /// The port of external indexers, while they may connect.
    pub(super) indexers: watch::Sender<Option<u16>>,
}

/// What connection policies ask of the packet filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sessions {
    /// Ports clients come to.
    pub(super) ports: Vec<u16>,
    /// Connections to other machines that are taken up.
    pub(super) diverted: Vec<Diverted>,
    /// Whether servers may see the client's address.
    pub(super) foreign_source: bool,
}

/// Keeps the packet filter; opens the gate once it is in force.
pub(super) fn service(inputs: &Inputs, gate: &Gate) -> Service {
    let (inputs, gate) = (inputs.clone(), gate.clone());
    Service::new(spec("firewall"), move |context| {
        run(inputs.clone(), gate.clone(), context)
    })
}

async fn run(inputs: Inputs, gate: Gate, context: ServiceContext) -> Result<(), ServiceError> {
    let mut document = inputs.settings.follow();
    let mut network = inputs.network.subscribe();
    let mut sessions = inputs.sessions.subscribe();
    let mut indexers = inputs.indexers.subscribe();
    let mut in_force = None;
    // What an earlier run of this service left is not known.
    let mut led = None;
    loop {
        let Sessions {
            ports: of_sessions,
            diverted,
            foreign_source,
        } = sessions.borrow_and_update().clone();
        let facts = Facts {
            sessions: of_sessions,
            diverted,
            foreign_source,
            indexers: *indexers.borrow_and_update(),
            ..facts(
                inputs.rescue,
                &document.borrow_and_update(),
                &network.borrow_and_update(),
            )
        };
        let wanted = rules(ports::PORTS, &facts);
        if in_force.as_ref() != Some(&wanted) {
            let sent = wanted.clone();
            spawn_blocking(move || firewall::install(&sent)).await??;
            let opened: Vec<&str> = wanted.opened().collect();
            info!("packet filter in force, open: {}", opened.join(", "));
            in_force = Some(wanted);
            gate.0.send_replace(true);
            context.ready();
        }
        lead(&mut led, facts.has_foreign()).await;
        tokio::select! {
            () = context.shutdown.cancelled() => {
                lead(&mut led, false).await;
                return Ok(());
            }
            Ok(()) = document.changed() => {}
            Ok(()) = network.changed() => {}
            Ok(()) = sessions.changed() => {}
            Ok(()) = indexers.changed() => {}
        }
    }
}

/// Leads the packets of transparent connections to the appliance, or no more. A kernel that refuses it takes nothing else away: it is told,
/// and tried again at the next change.
async fn lead(led: &mut Option<bool>, wanted: bool) {
    if *led == Some(wanted) {
        return;
    }
    match diversion::set(wanted).await {
        Ok(()) => {
            if wanted {
                info!("connections that routers send here are taken up");
            }
            *led = Some(wanted);
        }
        Err(error) => error!("{}", causes(&error)),
    }
}

/// The facts of the rules, in the words of the network.
pub(super) fn facts(rescue: bool, node: &Node, network: &NetworkState) -> Facts {
    let interfaces = network.interfaces.iter();
    Facts {
        rescue,
        sealed: node.sealed,
        password: node.administrators.console_password.is_some(),
        rescue_ssh: match &node.rescue.ssh {
            RescueSsh::Management => Wanted::First,
            RescueSsh::All => Wanted::All,
            RescueSsh::Off => Wanted::None,
            RescueSsh::Interfaces(names) => Wanted::Named(names.clone()),
        },
        firmware_ssh: node.firmware.ssh_upload && node.administrators.admin_password.is_some(),
        heartbeat: Wanted::None,
        interfaces: interfaces.map(|interface| interface.name.clone()).collect(),
        ..Facts::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn without_rules_the_gate_stays_closed_and_says_why() {
        let gate = Gate::new();
        let said = gate.passed_within(Duration::ZERO).await.unwrap_err().to_string();
        assert!(said.contains("no address is taken"), "{said}");
        gate.0.send_replace(true);
        assert!(gate.passed().await.is_ok());
    }

    #[test]
    fn the_ports_of_the_table_are_those_that_are_listened_on() {
        assert_eq!(ports::HTTP.number, sps_web::HTTP_PORT);
        assert_eq!(ports::HTTPS.number, sps_web::HTTPS_PORT);
        assert_eq!(ports::INDEXERS.number, sps_indexer::PORT);
        assert_eq!(
            ports::INDEXERS.number,
            sps_cluster_config::sections::services::INDEXER_PORT
        );
    }

    #[test]
    fn ssh_follows_the_node_document() {
        let node = Node {
            administrators: sps_config::Administrators {
                console_password: Some("hash".to_owned().into()),
                ..Default::default()
            },
            ..Node::default()
        };
        let open = |rescue, node: &Node| facts(rescue, node, &NetworkState::default()).ssh().clone();
        assert_eq!(open(true, &node), Wanted::First);
        assert_eq!(open(false, &node), Wanted::None);
        let sealed = Node {
            sealed: true,
            ..node.clone()
        };
        assert_eq!(open(true, &sealed), Wanted::None);
        let mut uploading = node;
        uploading.firmware.ssh_upload = true;
        assert_eq!(open(false, &uploading), Wanted::None, "nobody could log in");
        uploading.administrators.admin_password = Some("hash".to_owned().into());
        assert_eq!(open(false, &uploading), Wanted::All);
    }
}
