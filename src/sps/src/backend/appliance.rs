//! The appliance as a backend: what it knows, and which topic answers which request.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use sps_admin::{
    Backend, Call, Context, Failure, Jobs, Mode, Origin, Parcel, Reply, Request, Response, SessionImport,
    SessionIndexing, Standing, Work,
};
use sps_bootlog::BootLog;
use sps_fetch::Fetcher;
use sps_firmware::Firmware;
use sps_gateway::Live;
use sps_image::keys::Trust;
use sps_image::release::Release;
use sps_net::NetworkState;
use sps_sandbox::Sandbox;
use sps_storage::helper::Helpers;
use sps_supervisor::{ExitKind, Messenger};
use sps_web::BootStatus;
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tracing::warn;

use super::kept_bundles::Making;
use super::licence::Licences;
use super::receiving::{self, Dock};
use super::settings::Settings;
use super::{
    access, cluster, fetching, firmware, installing, kept_bundles, licence, metrics, network, setup, status,
    store, support, testing,
};
use crate::gauges::Gauges;
use crate::node::STATE_FOLDER;
use crate::services::{DataState, Opened};
use crate::space::{Places, Spare};

/// How long a reboot waits for what the slots say.
const LOOKED_WITHIN: Duration = Duration::from_secs(3);

/// How long a change of the node waits for the configuration of the cluster.
const ADOPTED_WITHIN: Duration = Duration::from_secs(10);

/// How long a reboot into another firmware waits for its support bundle.
const KEPT_WITHIN: Duration = Duration::from_secs(30);

/// What the backend is made of.
pub(crate) struct Parts {
    pub(crate) log: BootLog,
    pub(crate) release: Option<Release>,
    pub(crate) trust: Option<Trust>,
    pub(crate) mode: Mode,
    pub(crate) slot: Option<u8>,
    pub(crate) rescue: Option<String>,
    /// One sentence about the firmware that failed, when this boot found that out.
    pub(crate) rolled_back: Option<String>,
    pub(crate) boot: watch::Receiver<BootStatus>,
    pub(crate) network: watch::Receiver<NetworkState>,
    pub(crate) settings: Settings,
    pub(crate) helpers: Helpers,
    /// Runs what is not trusted.
    pub(crate) sandbox: Sandbox,
    pub(crate) firmware: Mutex<Option<Arc<Firmware>>>,
    /// Sessions that go on.
    pub(crate) live: Live,
    /// What is measured.
    pub(crate) gauges: Gauges,
    /// Long operations, for those that end after a restart.
    pub(crate) jobs: Jobs,
    /// Where firmware files arrive.
    pub(crate) dock: Dock,
    pub(crate) licences: Licences,
    /// What fetches firmware files from servers.
    pub(crate) fetcher: Option<Fetcher>,
}

/// The one backend; clones share it.
#[derive(Clone)]
pub(crate) struct Appliance {
    pub(super) parts: Arc<Parts>,
    /// The support bundle that is being made to be kept.
    pub(super) making: Making,
    exit: Arc<OnceLock<Messenger>>,
    /// What `data` is doing.
    data: watch::Sender<DataState>,
    /// Who carries out archive, clean-up and backup policies.
    pub(super) spare: Arc<Spare>,
}

impl Appliance {
    pub(crate) fn new(parts: Parts) -> Self {
        let data = watch::Sender::default();
        let spare = Spare::new(
            parts.settings.clone(),
            Places::Machine(parts.helpers.clone()),
            parts
                .release
                .as_ref()
                .map(|release| release.version.to_string())
                .unwrap_or_default(),
            STATE_FOLDER.into(),
            data.clone(),
        );
        Self {
            parts: Arc::new(parts),
            making: Making::default(),
            exit: Arc::default(),
            data,
            spare: Arc::new(spare),
        }
    }

    /// Where the service of `data` tells what it does.
    pub(crate) fn data(&self) -> watch::Sender<DataState> {
        self.data.clone()
    }

    /// Who carries out archive, clean-up and backup policies.
    pub(crate) fn spare(&self) -> Arc<Spare> {
        self.spare.clone()
    }

    /// How far the import of earlier sessions is; nothing when there was none to import in this start.
    pub(super) fn import_state(&self) -> Option<SessionImport> {
        self.data.borrow().import_state()
    }

    /// How far indexing is; nothing while nothing is indexed.
    pub(super) fn indexing_state(&self) -> Option<SessionIndexing> {
        self.data.borrow().indexing.clone()
    }

    /// The data store, while it can be used.
    pub(super) fn store(&self) -> Option<Arc<Opened>> {
        self.data.borrow().opened.clone()
    }

    /// Sessions that go on.
    pub(crate) fn live(&self) -> Live {
        self.parts.live.clone()
    }

    /// What is measured.
    pub(crate) fn gauges(&self) -> Gauges {
        self.parts.gauges.clone()
    }

    /// The firmware slots, while they can be used.
    pub(super) fn firmware(&self) -> Option<Arc<Firmware>> {
        let firmware = self.parts.firmware.lock().unwrap_or_else(PoisonError::into_inner);
        firmware.clone()
    }

    /// Lets go of the firmware slots: the appliance leaves its file systems.
    pub(crate) fn close(&self) {
        drop(
            self.parts
                .firmware
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(),
        );
    }

    /// Where whoever is asked for reboot and power-off will be found.
    pub(crate) fn exit(&self) -> Arc<OnceLock<Messenger>> {
        self.exit.clone()
    }

    /// Whom to ask for reboot and power-off; there is nobody until the supervisor runs.
    pub(crate) fn connect(&self, messenger: Messenger) {
        drop(self.exit.set(messenger));
    }

    /// Leaves the machine without anybody asking.
    pub(crate) fn leave_by_itself(&self, kind: ExitKind, why: &str) {
        if let Some(messenger) = self.exit.get() {
            messenger.exit(kind, why);
        }
    }

    fn leave(&self, kind: ExitKind, what: &str, reason: &str, context: &Context) -> Reply {
        let messenger = self.exit.get();
        let messenger = messenger.ok_or_else(|| Failure::refused("the appliance is still starting"))?;
        let why = if reason.is_empty() {
            String::new()
        } else {
            format!(": {reason}")
        };
        messenger.exit(kind, format!("{what} asked for by {}{why}", context.origin));
        Ok(done(match kind {
            ExitKind::Reboot => "the appliance reboots",
            ExitKind::PowerOff => "the appliance switches itself off",
        }))
    }

    async fn answer(&self, request: Request, context: Context) -> Reply {
        match request {
            Request::Status => self.aside(|own| Ok(status::told(&own))).await,
            Request::Figures { token } => self.aside(move |own| metrics::answer(&own, token.as_ref())).await,
            Request::ConsoleState => Ok(Response::ConsoleState(Box::new(status::console(self)))),
            Request::Log { after, limit } => Ok(Response::Log(status::log(&self.parts.log, after, limit))),
            Request::Login { password } => access::login(self, password).await,
            Request::WebLogin { user, password } => access::web_login(self, &user, password).await,
            Request::Setup { form } => setup::run(self, *form, &context).await,
            Request::Changes { limit } => self.aside(move |own| status::changes(&own, limit)).await,
            Request::PasswordSet { password } => access::set_password(self, password, &context).await,
            Request::Seal => access::seal(self, true, &context).await,
            Request::Unseal => access::seal(self, false, &context).await,
            Request::NetworkShow => Ok(Response::Network(network::show(self))),
            Request::NetworkSet { change } => network::set(self, change, &context).await,
            Request::Reboot { reason } => self.reboot(reason, &context).await,
            Request::Shutdown { reason } => self.leave(ExitKind::PowerOff, "shutdown", &reason, &context),
            Request::FirmwareList
            | Request::FirmwareNotes { .. }
            | Request::FirmwareMedia
            | Request::FirmwareAdd { .. }
            | Request::FirmwareTest { .. }
            | Request::FirmwareActivate { .. }
            | Request::FirmwareDelete { .. }
            | Request::FirmwareRollback
            | Request::FirmwareCommit
            | Request::FirmwareForget { .. } => self.firmware_slots(request, context).await,
            Request::Sticks => self.aside(|_own| Ok(support::sticks())).await,
            Request::SupportBundle { to } => self.aside(move |own| support::write(&own, to, &context)).await,
            Request::BundleKeep => self.aside(|own| kept_bundles::begin(&own)).await,
            Request::BundleList => self.aside(|own| kept_bundles::list(&own)).await,
            Request::BundleRead { key } => {
                self.aside(move |own| kept_bundles::read(&own, key, &context))
                    .await
            }
            Request::BundleDelete { key } => self.aside(move |own| kept_bundles::remove(&own, key)).await,
            Request::NormalBoot => self.normal_boot(&context).await,
            Request::FirmwareSsh { on } => firmware::by_ssh(self, on, &context).await,
            Request::FirmwareFetch { url, sha256 } => fetching::fetch(self, &url, &sha256, &context).await,
            Request::ConfigurationShow { .. }
            | Request::ConfigurationCompare { .. }
            | Request::ConfigurationChange { .. }
            | Request::ConfigurationHistory { .. }
            | Request::ConfigurationDifference { .. }
            | Request::ConfigurationRestore { .. }
            | Request::ConfigurationExport { .. }
            | Request::ConfigurationImport { .. } => {
                self.aside(move |own| cluster::answer(&own, &request, &context))
                    .await
            }
            Request::LicenceShow => Ok(licence::show(self)),
            Request::LicenceSet { file } => self.aside(move |own| licence::set(&own, &file)).await,
            Request::InstallDisks
            | Request::InstallPlan { .. }
            | Request::InstallRun { .. }
            | Request::PasswordReset { .. } => {
                self.aside(move |own| installing::answer(&own, request, &context))
                    .await
            }
            // The data store and what is recorded in it.
            request => {
                self.aside(move |own| store::answer(&own, &request, &context))
                    .await
            }
        }
    }

    /// What is asked about the firmware slots.
    async fn firmware_slots(&self, request: Request, context: Context) -> Reply {
        match request {
            Request::FirmwareList => self.aside(|own| firmware::list(&own)).await,
            Request::FirmwareNotes { slot } => self.aside(move |own| firmware::notes(&own, slot)).await,
            Request::FirmwareMedia => self.aside(|_own| firmware::media()).await,
            Request::FirmwareAdd { source } => {
                self.aside(move |own| firmware::add(&own, source, &context)).await
            }
            Request::FirmwareTest { slot, confirmed } => {
                self.aside(move |own| testing::test(&own, slot, confirmed, &context))
                    .await
            }
            Request::FirmwareActivate { slot } => self.aside(move |own| firmware::activate(&own, slot)).await,
            Request::FirmwareDelete { slot } => {
                self.aside(move |own| firmware::change(&own, slot, Firmware::delete))
                    .await
            }
            Request::FirmwareRollback => {
                self.aside(|own| firmware::change_all(&own, Firmware::rollback))
                    .await
            }
            Request::FirmwareCommit => {
                self.aside(|own| firmware::change_all(&own, Firmware::commit))
                    .await
            }
            Request::FirmwareForget { digest } => {
                self.aside(move |own| firmware::forget(&own, &digest)).await
            }
            _ => Err(Failure::invalid("this is no question about firmware slots")),
        }
    }

    /// A reboot is a job that ends when what is to run is healthy.
    async fn reboot(&self, reason: String, context: &Context) -> Reply {
        let own = self.clone();
        let looked = spawn_blocking(move || firmware::expected(&own));
        // A disk that does not answer keeps nobody from rebooting.
        if let Ok(Ok(Some(expected))) = timeout(LOOKED_WITHIN, looked).await {
            if expected.other_firmware {
                let own = self.clone();
                let kept = spawn_blocking(move || kept_bundles::keep_before_upgrade(&own));
                if timeout(KEPT_WITHIN, kept).await.is_err() {
                    warn!("no support bundle is kept before this upgrade: the disk is too slow");
                }
            }
            let call = Call {
                origin: context.origin.clone(),
                message: reason.clone(),
                request: Request::Reboot {
                    reason: reason.clone(),
                },
            };
            let _ends_after_the_restart = self.parts.jobs.expect(&call, &expected);
        }
        self.leave(ExitKind::Reboot, "reboot", &reason, context)
    }

    async fn normal_boot(&self, context: &Context) -> Reply {
        self.aside(|own| firmware::change_all(&own, Firmware::normal_boot))
            .await?;
        self.leave(ExitKind::Reboot, "reboot", "normal boot", context)
    }

    /// Lets the configuration of the cluster know what was set at this node itself.
    pub(super) async fn adopt_aside(&self, context: &Context) {
        let own = self.clone();
        let (who, message) = (context.origin.to_string(), context.message.clone());
        let adopted = spawn_blocking(move || cluster::adopt(&own, &who, &message));
        // A `data` that does not answer keeps nobody from setting a password.
        if timeout(ADOPTED_WITHIN, adopted).await.is_err() {
            warn!("the configuration of the cluster does not know what was set: the disk is too slow");
        }
    }

    /// Work that touches disks, on a thread where it may wait.
    async fn aside(&self, work: impl FnOnce(Self) -> Reply + Send + 'static) -> Reply {
        let own = self.clone();
        let ended = spawn_blocking(move || work(own)).await;
        ended.unwrap_or_else(|_| Err(Failure::failed("it ended unexpectedly; the log says more")))
    }
}

impl Backend for Appliance {
    fn standing(&self) -> Standing {
        let node = self.parts.settings.node();
        Standing {
            mode: self.parts.mode,
            sealed: node.sealed,
            password_set: node.administrators.console_password.is_some(),
            set_up: node.administrators.admin_password.is_some(),
        }
    }

    fn receive(&self, origin: &Origin, announced: Option<u64>) -> Result<Box<dyn Parcel>, Failure> {
        receiving::receive(self, origin, announced)
    }

    fn perform<'a>(&'a self, request: Request, context: Context) -> Work<'a> {
        Box::pin(self.answer(request, context))
    }
}

/// An answer in one sentence.
pub(super) fn done(note: impl Into<String>) -> Response {
    Response::Done { note: note.into() }
}

/// A folder of this boot alone.
pub(super) fn scratch(name: &str) -> PathBuf {
    PathBuf::from("/run/sps").join(name)
}
