//! Firmware by SSH on an appliance that does its work: an inbox for `sftp` and `scp`, and nothing else, as long as the setting
//! `firmware.ssh_upload` is on. In rescue the service `ssh` has the same inbox.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use sps_access::LockOut;
use sps_admin::{Call, Operations, Request, Response, Updates, WEB_USER};
use sps_bootlog::uptime;
use sps_config::{Node, Secret};
use sps_net::NetworkState;
use sps_ssh_server::{Access, Answer, FileView, Files, HostKey, Inbox, Login, MenuStream, Output};
use sps_supervisor::{Service, ServiceContext, ServiceError};
use tokio::io::AsyncWriteExt as _;
use tokio::sync::watch;
use zeroize::Zeroizing;

use super::inbox::FirmwareInbox;
use super::ssh::{addresses, origin, serve};
use super::supervise::spec;
use crate::backend::Settings;

/// What somebody is told who wants more than there is.
const NOTHING_ELSE: &str =
    "nothing is here but the folder firmware: copy a firmware file into it with sftp or scp";

/// What the service works with.
#[derive(Clone)]
pub(super) struct FirmwareBySsh {
    pub(super) operations: Operations,
    pub(super) settings: Settings,
    pub(super) network: watch::Receiver<NetworkState>,
    pub(super) inbox: FirmwareInbox,
    /// What guessing costs.
    pub(super) lock_out: Arc<Mutex<LockOut>>,
}

/// Serves as long as the settings allow it.
pub(super) fn service(own: &FirmwareBySsh) -> Service {
    let own = own.clone();
    Service::new(spec("ssh-firmware"), move |context| own.clone().run(context))
}

impl FirmwareBySsh {
    async fn run(self, context: ServiceContext) -> Result<(), ServiceError> {
        context.ready();
        let (mut document, mut network) = (self.settings.follow(), self.network.clone());
        loop {
            let now = addresses(false, &document.borrow_and_update(), &network.borrow_and_update());
            let stop = context.shutdown.child_token();
            let serving = async {
                if now.is_empty() {
                    stop.cancelled().await;
                    return Ok(());
                }
                let key = self.host_key().await?;
                let access = Arc::new(self.clone());
                serve(access, &now, &key, "firmware by SSH", stop.clone()).await
            };
            tokio::select! {
                served = serving => served?,
                () = changed(&mut document, &mut network, &now) => stop.cancel(),
            }
            if context.shutdown.is_cancelled() {
                return Ok(());
            }
        }
    }

    /// The host key that is kept; the first time one is made, so that clients know the appliance again.
    async fn host_key(&self) -> Result<HostKey, ServiceError> {
        if let Some(kept) = self.settings.node().keys.ssh_host {
            return Ok(HostKey::from_openssh(kept.expose())?);
        }
        let key = HostKey::generate()?;
        let text = Secret::from(key.to_openssh()?.to_string());
        let keep = move |node: &mut Node| node.keys.ssh_host = Some(text);
        self.settings
            .change_by_itself("ssh-firmware", "SSH host key made", keep)
            .await?;
        Ok(key)
    }

    fn lock_out(&self) -> std::sync::MutexGuard<'_, LockOut> {
        self.lock_out.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it is the password of the web user, asked as seldom as guessing on the web.
    async fn judge(self, user: String, password: Zeroizing<String>, from: SocketAddr) -> bool {
        if !self.lock_out().wait(&user, from.ip(), uptime()).is_zero() {
            return false;
        }
        let login = Login {
            user: WEB_USER.into(),
            from,
        };
        let call = Call {
            origin: origin(&login),
            message: String::new(),
            request: Request::WebLogin {
                user: user.clone(),
                password: Secret::from(password.to_string()),
            },
        };
        let (updates, _nobody_listens) = Updates::channel();
        let reply = self.operations.perform(call, updates).await;
        let accepted = matches!(reply, Ok(Response::Login { accepted: true, .. }));
        self.lock_out().judged(&user, from.ip(), accepted, uptime());
        accepted
    }
}

/// Returns when the addresses to listen on are others.
async fn changed(
    document: &mut watch::Receiver<Node>,
    network: &mut watch::Receiver<NetworkState>,
    before: &[SocketAddr],
) {
    loop {
        let told = tokio::select! {
            told = document.changed() => told,
            told = network.changed() => told,
        };
        if told.is_err() {
            std::future::pending::<()>().await;
        }
        if addresses(false, &document.borrow_and_update(), &network.borrow_and_update()) != before {
            return;
        }
    }
}

impl Access for FirmwareBySsh {
    fn banner(&self) -> String {
        "Firmware is taken here from admin, in the folder firmware.\r\n".into()
    }

    fn password(&self, user: &str, password: Zeroizing<String>, from: SocketAddr) -> Answer<bool> {
        Box::pin(self.clone().judge(user.to_owned(), password, from))
    }

    fn menu(&self, _login: Login, mut terminal: MenuStream) -> Answer<()> {
        Box::pin(async move {
            let _gone = terminal.write_all(format!("{NOTHING_ELSE}\r\n").as_bytes()).await;
        })
    }

    fn command(&self, _login: Login, _line: String, mut output: Output) -> Answer<u32> {
        Box::pin(async move {
            let _gone = output.write_all(format!("{NOTHING_ELSE}\n").as_bytes()).await;
            1
        })
    }

    fn files(&self) -> Arc<dyn Files> {
        Arc::new(Nothing)
    }

    fn inbox(&self) -> Option<Arc<dyn Inbox>> {
        Some(Arc::new(self.inbox.clone()))
    }
}

/// No file to read.
struct Nothing;

impl Files for Nothing {
    fn list(&self) -> Vec<FileView> {
        Vec::new()
    }

    fn read(&self, _path: &str, _offset: u64, _length: u32) -> Option<Vec<u8>> {
        None
    }
}

#[cfg(test)]
mod tests;
