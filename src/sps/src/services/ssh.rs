//! SSH in rescue: the menu, the commands and the logs for somebody who is not at the machine. Never a shell.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use sps_admin::cli::{Files as BundleFiles, Streams, run_line};
use sps_admin::{Call, Local, Operations, Origin, Request, Response, Updates};
use sps_bootlog::BootLog;
use sps_config::{Node, RescueSsh, Secret};
use sps_console::{Sessions, serve_guest};
use sps_net::{NetworkState, ports};
use sps_ssh_server::{Access, Answer, FileView, Files, HostKey, Inbox, Login, MenuStream, Output, SshServer};
use sps_supervisor::{Service, ServiceContext, ServiceError};
use sps_trail_store::cli::Follower;
use tokio::io::split;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio_util::io::SyncIoBridge;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use zeroize::Zeroizing;

use super::firewall;
use super::inbox::FirmwareInbox;
use super::supervise::spec;
use crate::backend::Settings;
use crate::node;

/// The one who may log in, with the console password.
const USER: &str = "admin";
/// Exit status of a command that could not be run.
const BROKEN: u32 = 70;

/// What the service works with.
#[derive(Clone)]
pub(super) struct Rescue {
    pub(super) operations: Operations,
    pub(super) settings: Settings,
    pub(super) network: watch::Receiver<NetworkState>,
    pub(super) log: BootLog,
    pub(super) inbox: FirmwareInbox,
}

/// Serves SSH as long as the settings allow it.
pub(super) fn service(rescue: &Rescue) -> Service {
    let rescue = rescue.clone();
    Service::new(spec("ssh"), move |context| rescue.clone().run(context))
}

impl Rescue {
    async fn run(mut self, context: ServiceContext) -> Result<(), ServiceError> {
        context.ready();
        let node = self.settings.node();
        let why_not = if node.sealed {
            Some("the appliance is sealed")
        } else if node.administrators.console_password.is_none() {
            Some("no console password is set")
        } else if node.rescue.ssh == RescueSsh::Off {
            Some("it is switched off")
        } else {
            None
        };
        if let Some(why_not) = why_not {
            info!("no SSH in rescue: {why_not}");
            context.shutdown.cancelled().await;
            return Ok(());
        }
        let key = match &node.keys.ssh_host {
            Some(kept) => HostKey::from_openssh(kept.expose())?,
            None => HostKey::generate()?,
        };
        info!("SSH host key: {}", key.fingerprint());
        loop {
            let addresses = addresses(true, &node, &self.network.borrow_and_update());
            let stop = context.shutdown.child_token();
            let serving = serve(
                Arc::new(self.clone()),
                &addresses,
                &key,
                "SSH in rescue",
                stop.clone(),
            );
            tokio::select! {
                served = serving => served?,
                () = self.changed(&node, &addresses) => stop.cancel(),
            }
            if context.shutdown.is_cancelled() {
                return Ok(());
            }
        }
    }

    /// Returns when the addresses to listen on are others.
    async fn changed(&self, node: &Node, before: &[SocketAddr]) {
        let mut network = self.network.clone();
        let others = network
            .wait_for(|state| addresses(true, node, state) != before)
            .await
            .is_ok();
        if !others {
            std::future::pending::<()>().await;
        }
    }

    fn sessions(&self, login: &Login) -> Sessions {
        let (operations, origin, runtime) = (self.operations.clone(), origin(login), Handle::current());
        Arc::new(move |_: &str| Box::new(Local::new(operations.clone(), origin.clone(), runtime.clone())))
    }
}

/// Serves until `stop`; without an address there is nothing to do but wait. `what` it is, for the log.
pub(super) async fn serve(
    access: Arc<dyn Access>,
    addresses: &[SocketAddr],
    key: &HostKey,
    what: &str,
    stop: CancellationToken,
) -> Result<(), ServiceError> {
    if addresses.is_empty() {
        stop.cancelled().await;
        return Ok(());
    }
    let server = SshServer::bind(addresses, key, access).await?;
    for address in addresses {
        info!("{what}: {USER}@{}", address.ip());
    }
    server.run(stop).await;
    Ok(())
}

/// Who comes by SSH.
pub(super) fn origin(login: &Login) -> Origin {
    Origin::Ssh {
        user: login.user.clone(),
        address: login.from.ip().to_string(),
    }
}

/// Where to listen: where the packet filter lets SSH in.
pub(super) fn addresses(rescue: bool, node: &Node, network: &NetworkState) -> Vec<SocketAddr> {
    let facts = firewall::facts(rescue, node, network);
    let mut interfaces: Vec<_> = network.interfaces.iter().collect();
    interfaces.sort_by(|a, b| a.name.cmp(&b.name));
    let chosen = interfaces
        .into_iter()
        .filter(|interface| facts.ssh().includes(&interface.name, &facts.interfaces));
    let all = chosen.flat_map(|interface| &interface.addresses);
    let reachable = all.filter(|address| address.address.is_ipv4() && !address.address.is_loopback());
    reachable
        .map(|address| SocketAddr::new(address.address, ports::SSH.number))
        .collect()
}

impl Access for Rescue {
    fn banner(&self) -> String {
        "This appliance is in rescue. Log in as admin with the console password.\r\n".into()
    }

    fn password(&self, user: &str, password: Zeroizing<String>, from: SocketAddr) -> Answer<bool> {
        let known = user == USER;
        let login = Login {
            user: USER.into(),
            from,
        };
        let call = Call {
            origin: origin(&login),
            message: String::new(),
            request: Request::Login {
                password: Secret::from(password.as_str().to_owned()),
            },
        };
        let operations = self.operations.clone();
        Box::pin(async move {
            let (updates, _nobody_listens) = Updates::channel();
            let reply = operations.perform(call, updates).await;
            matches!(reply, Ok(Response::Login { accepted: true, .. })) && known
        })
    }

    fn menu(&self, login: Login, terminal: MenuStream) -> Answer<()> {
        let sessions = self.sessions(&login);
        let (keys, output) = split(terminal);
        let (keys, output) = (SyncIoBridge::new(keys), SyncIoBridge::new(output));
        Box::pin(async move {
            let name = format!("ssh {}", login.from.ip());
            let visit = spawn_blocking(move || serve_guest(&name, keys, output, &sessions));
            match visit.await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => warn!("{}", sps_bootlog::causes(&error)),
                Err(panic) => warn!("the menu of {} ended: {panic}", login.from),
            }
        })
    }

    fn command(&self, login: Login, line: String, output: Output) -> Answer<u32> {
        let sessions = self.sessions(&login);
        let mut output = SyncIoBridge::new(output);
        Box::pin(async move {
            let ran = spawn_blocking(move || {
                let (mut out, mut err) = (Vec::new(), Vec::new());
                let mut session = sessions("ssh");
                let mut follower = Follower::default();
                let status = run_line(
                    &line,
                    session.as_mut(),
                    &mut Streams {
                        out: &mut output,
                        err: &mut err,
                        terminal: false,
                        files: BundleFiles::OutputOnly,
                        player: Some(&mut |piece, out| follower.show(piece, out)),
                    },
                )?;
                out.append(&mut err);
                output.write_all(&out)?;
                output.flush()?;
                std::io::Result::Ok(u32::from(status))
            });
            ran.await.ok().and_then(Result::ok).unwrap_or(BROKEN)
        })
    }

    fn files(&self) -> Arc<dyn Files> {
        Arc::new(Logs {
            log: self.log.clone(),
            folder: node::logs(),
        })
    }

    fn inbox(&self) -> Option<Arc<dyn Inbox>> {
        Some(Arc::new(self.inbox.clone()))
    }
}

/// The log of this boot, and those kept of earlier ones.
struct Logs {
    log: BootLog,
    folder: PathBuf,
}

impl Logs {
    fn this_boot(&self) -> Vec<u8> {
        let lines: Vec<String> = self
            .log
            .after(0)
            .entries
            .iter()
            .map(ToString::to_string)
            .collect();
        format!("{}\n", lines.join("\n")).into_bytes()
    }
}

/// The log of this boot, from memory.
const THIS_BOOT: &str = "this-boot.log";

impl Files for Logs {
    fn list(&self) -> Vec<FileView> {
        let mut files = vec![FileView {
            path: THIS_BOOT.into(),
            size: self.this_boot().len() as u64,
            modified: u32::try_from(node::now()).unwrap_or(u32::MAX),
        }];
        for log in sps_boot_history::logs(&self.folder).unwrap_or_default() {
            files.push(FileView {
                path: format!("boots/{}", log.name()),
                size: std::fs::metadata(&log.path).map_or(0, |about| about.len()),
                modified: 0,
            });
        }
        files
    }

    fn read(&self, path: &str, offset: u64, length: u32) -> Option<Vec<u8>> {
        if path == THIS_BOOT {
            let all = self.this_boot();
            let start = usize::try_from(offset).unwrap_or(usize::MAX).min(all.len());
            let end = start.saturating_add(length as usize).min(all.len());
            return Some(all[start..end].to_vec());
        }
        let name = path.strip_prefix("boots/")?;
        let logs = sps_boot_history::logs(&self.folder).ok()?;
        let log = logs.into_iter().find(|log| log.name() == name)?;
        sps_boot_history::read(&log.path, offset, length).ok()
    }
}
