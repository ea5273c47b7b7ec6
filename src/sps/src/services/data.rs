//! `data`: brought up aside of everything else, so that a disk that hangs stops nothing but its users. Then the tree of this
//! firmware is found on it, or made: the reorganization is a part of getting `data`, not of booting.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use sps_admin::{SessionImport, SessionIndexing};
use sps_bootlog::causes;
use sps_cluster_config::NodeKey;
use sps_config::Secret;
use sps_datastore::{Carried, Catalogue, Content, ContentError, Prepared, Report, Steps, Store};
use sps_datastore_engine::{Arrangement, Form, Kind, LATEST, TreeName, arranged, layout};
use sps_firmware::Firmware;
use sps_firmware_engine::{Build, Reaction};
use sps_gateway::IndexKeys;
use sps_index::Index;
use sps_indexer::{Hub, Queue};
use sps_session_record::SessionRecord;
use sps_sessions::Sessions;
use sps_storage::data::Data;
use sps_storage::drbd::Drbd;
use sps_storage::helper::Helpers;
use sps_store_forms::{Damaged, Forms, Importing, Live, Opening};
use sps_supervisor::{ExitKind, Messenger, Service, ServiceContext, ServiceError};
use sps_supervisor_engine::{Limits, ServiceSpec};
use sps_web::Progress;
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tracing::{error, info, warn};

use super::cluster_configuration;
use super::supervise::spec;
use crate::backend::Settings;
use crate::indexer::VERSION;
use crate::node::{Node, now, take_over};

/// Where it is mounted.
pub(crate) const FOLDER: &str = "/data";
/// Time from one sign of life of the disk to the next while `data` is brought up (`DEADLINES.storage_progress`).
const SILENCE: Duration = sps_firmware_engine::DEADLINES.storage_progress;
/// Longest wait for the session database to be closed: less than a service has to stop.
const CLOSED_WITHIN: Duration = Duration::from_secs(3);
/// How often the log says how far a reorganization is.
const TELL_EVERY: Duration = Duration::from_secs(5);

/// What `data` is doing, for whoever shows or needs it.
#[derive(Clone, Debug, Default)]
pub(crate) struct DataState {
    /// How far the reorganization is, while there is one.
    pub(crate) progress: Option<Progress>,
    /// When it last got further.
    pub(crate) advanced: Option<Instant>,
    /// How far the import of earlier sessions is, once it was begun.
    pub(crate) importing: Option<Importing>,
    /// Since when it goes on, and how much was done then.
    pub(crate) importing_since: Option<(Instant, u64)>,
    /// How far indexing is, while there is any.
    pub(crate) indexing: Option<SessionIndexing>,
    /// Somebody wants the import to rest.
    pub(crate) import_paused: bool,
    /// Revision of the configuration of the cluster that was set last since the start.
    pub(crate) configured: u64,
    /// What people should know of the store.
    pub(crate) problems: Vec<String>,
    /// The store, once it may be used.
    pub(crate) opened: Option<Arc<Opened>>,
}

impl DataState {
    /// How far the import of earlier sessions is; nothing when there was none to import in this start.
    pub(crate) fn import_state(&self) -> Option<SessionImport> {
        let now = self.importing?;
        let since = self
            .importing_since
            .filter(|_| !now.finished && !self.import_paused);
        let rate = since.and_then(|(since, before)| {
            let seconds = since.elapsed().as_secs();
            now.done.saturating_sub(before).checked_div(seconds)
        });
        let left = now.total.saturating_sub(now.done);
        Some(SessionImport {
            done: now.done,
            total: now.total,
            aside: now.aside,
            paused: self.import_paused,
            finished: now.finished,
            rate,
            seconds_left: rate.and_then(|rate| left.checked_div(rate)),
        })
    }

    /// The long step that is under way: a reorganization, or the import that follows it.
    pub(crate) fn long_step(&self) -> Option<Progress> {
        let import = || self.import_state().filter(|import| !import.finished);
        self.progress.clone().or_else(|| {
            let import = import()?;
            #[expect(clippy::cast_precision_loss, reason = "a rate to be shown")]
            let rate = import.rate.map(|rate| rate as f64);
            Some(Progress {
                what: "Importing earlier sessions into the session database".into(),
                done: import.done,
                total: import.total,
                unit: "sessions".into(),
                rate,
                seconds_left: import.seconds_left,
            })
        })
    }
}

/// The data store, open.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) store: Store,
    pub(crate) tree: TreeName,
    pub(crate) path: PathBuf,
    /// Number of its layout.
    pub(crate) layout: u32,
    /// The session database; nothing in a tree of an earlier layout.
    pub(crate) sessions: Option<Arc<Sessions>>,
    /// The configuration of the cluster; nothing in a tree of an earlier layout.
    pub(crate) configuration: Option<Mutex<sps_cluster_config::Store>>,
    /// Sessions that ended, for whoever indexes them.
    pub(crate) queue: Arc<Queue>,
    /// Where external indexers get theirs.
    pub(crate) hub: Arc<Hub>,
    /// The index of content, while somebody works with it.
    pub(crate) content: Mutex<Option<Arc<Index>>>,
    /// Keys by which encrypted sessions are indexed, once somebody asked for them.
    pub(crate) index_keys: OnceLock<IndexKeys>,
}

impl Opened {
    /// The sessions of this tree.
    pub(crate) fn catalogue(&self) -> Result<Box<dyn Catalogue>, ContentError> {
        let folder = self.place(Kind::SessionDatabase);
        match &self.sessions {
            Some(sessions) => Forms::recorded(&folder, sessions.clone()),
            None => Forms.catalogue(&folder, self.layout),
        }
    }

    /// Where things of a kind lie in this tree.
    pub(crate) fn place(&self, kind: Kind) -> PathBuf {
        let place = layout(self.layout).and_then(|layout| layout.place(kind));
        place.map_or_else(|| self.path.clone(), |place| self.path.join(place.path))
    }

    /// Where the trail of a session lies below the place of trails.
    pub(crate) fn trail_name(&self, id: &str) -> Result<String, ContentError> {
        let place = layout(self.layout).and_then(|layout| layout.place(Kind::Trails));
        let to = match place.map(|place| place.form) {
            Some(Form::Folder(to)) => to,
            _ => Arrangement::Free,
        };
        let name = arranged(format!("{id}.zat").as_bytes(), Arrangement::Free, to);
        Ok(String::from_utf8(name)?)
    }

    /// Keys by which encrypted sessions are indexed.
    pub(crate) fn index_keys(&self) -> Result<&IndexKeys, ContentError> {
        if let Some(keys) = self.index_keys.get() {
            return Ok(keys);
        }
        let store = self.configuration.as_ref().ok_or("there is no configuration")?;
        let key = {
            let store = store.lock().unwrap_or_else(PoisonError::into_inner);
            let cluster = store.key().ok_or("the cluster key is not on this node")?;
            cluster.derive("keys of sessions that are to be indexed")?
        };
        let keys = IndexKeys::open(&self.place(Kind::HostKeys), &key)?;
        Ok(self.index_keys.get_or_init(|| keys))
    }

    /// The index of content, while it can be used.
    pub(crate) fn content(&self) -> Option<Arc<Index>> {
        self.content
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// It can be used, or not any more.
    pub(crate) fn put_content(&self, index: Option<Arc<Index>>) {
        *self.content.lock().unwrap_or_else(PoisonError::into_inner) = index;
    }

    /// Keeps a session that has ended, whose trail is in its place: when this returns, the firmware behind this one would find
    /// it too.
    pub(crate) fn keep_session(&self, record: &SessionRecord) -> Result<(), ContentError> {
        if self.store.has_other_trees(self.tree)? {
            self.store.carry_out(self.tree, record)?;
        }
        self.catalogue()?.insert(record)
    }
}

/// What the service works with.
#[derive(Clone)]
pub(super) struct Inputs {
    helpers: Helpers,
    drbd: Drbd,
    firmware: Option<Arc<Firmware>>,
    exit: Arc<OnceLock<Messenger>>,
    state: watch::Sender<DataState>,
    settings: Settings,
    /// Held while a thread works on the store: one that hangs is left behind, and a second one must not begin beside it.
    busy: Arc<Mutex<()>>,
}

impl Inputs {
    pub(super) fn new(
        node: &Node,
        firmware: Option<Arc<Firmware>>,
        exit: Arc<OnceLock<Messenger>>,
        state: watch::Sender<DataState>,
        settings: Settings,
    ) -> Self {
        Self {
            helpers: node.helpers.clone(),
            drbd: node.drbd.clone(),
            firmware,
            exit,
            state,
            settings,
            busy: Arc::default(),
        }
    }
}

/// Mounts `data`, finds the tree of this firmware, and unmounts when the appliance stops.
pub(super) fn service(inputs: &Inputs) -> Service {
    let inputs = inputs.clone();
    let spec = ServiceSpec {
        limits: Limits {
            ready_within: SILENCE,
            ..Limits::default()
        },
        ..spec("data")
    };
    Service::new(spec, move |context| run(inputs.clone(), Arc::new(context)))
}

async fn run(inputs: Inputs, context: Arc<ServiceContext>) -> Result<(), ServiceError> {
    let (work, life) = (inputs.clone(), context.clone());
    let node_key = inputs.node_key().await?;
    let brought = spawn_blocking(move || work.bring_up(&node_key, &life)).await?;
    let data = match brought {
        Ok(data) => data,
        // The appliance stops, and that stopped it.
        Err(_) if context.shutdown.is_cancelled() => return Ok(()),
        Err(problem) => {
            let told = problem.to_string();
            spawn_blocking(move || inputs.give_up(&told)).await?;
            return Err(problem);
        }
    };
    context.ready();
    context.shutdown.cancelled().await;
    let opened = inputs.state.send_replace(DataState::default()).opened;
    spawn_blocking(move || {
        if let Some(sessions) = opened.as_ref().and_then(|opened| opened.sessions.as_ref())
            && let Err(error) = sessions.close(CLOSED_WITHIN)
        {
            warn!("{}", causes(&error));
        }
        drop(opened);
        data.stop()
    })
    .await??;
    Ok(())
}

impl Inputs {
    /// The key of this node that wraps the cluster's; made at the first start.
    async fn node_key(&self) -> Result<Secret, ServiceError> {
        if let Some(key) = self.settings.node().keys.node {
            return Ok(key);
        }
        let key = NodeKey::generate()?.to_base64();
        let made = key.clone();
        let keep = self
            .settings
            .change_by_itself("first boot", "key of this node made", |node| {
                node.keys.node = Some(made);
            });
        keep.await.map_err(|failure| failure.to_string())?;
        Ok(key)
    }

    fn bring_up(&self, node_key: &Secret, context: &ServiceContext) -> Result<Data, ServiceError> {
        let _only = match self.busy.try_lock() {
            Ok(only) => only,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => {
                return Err("the disk has not answered an earlier try yet".into());
            }
        };
        let data = Data::start(&self.helpers, &self.drbd, Path::new(FOLDER))?;
        info!("data is mounted");
        let Some(build) = self.firmware.as_ref().and_then(|firmware| firmware.running()) else {
            return Ok(data);
        };
        match self.open_store(build, node_key, context) {
            Ok((opened, problems)) => {
                self.state.send_modify(|state| {
                    state.progress = None;
                    state.problems = problems;
                    state.opened = Some(Arc::new(opened));
                });
                Ok(data)
            }
            Err(problem) => {
                self.state.send_modify(|state| state.progress = None);
                if let Err(error) = data.stop() {
                    warn!("{}", causes(&error));
                }
                Err(causes(problem.as_ref()).into())
            }
        }
    }

    fn open_store(
        &self,
        build: &Build,
        node_key: &Secret,
        context: &ServiceContext,
    ) -> Result<(Opened, Vec<String>), ServiceError> {
        let digest = build.digest.to_string();
        let store = Store::open(Path::new(FOLDER), &digest, build.data_layout, &Steps::default())?;
        let mut teller = Teller::new(self, context);
        let prepared = store.prepare(&Forms, now(), &mut |report| teller.tell(report))?;
        tell_made(&prepared);
        let configuration = (build.data_layout == sps_cluster_config::LAYOUT)
            .then(|| cluster_configuration::open(&prepared.path, node_key))
            .transpose()?;
        if let Some(configuration) = &configuration {
            let (document, revision) = (configuration.document(), configuration.revision());
            for note in take_over(&self.settings, document, revision) {
                info!("{note}");
            }
        }
        let queue: Arc<Queue> = Arc::default();
        let mut opened = Opened {
            store,
            tree: prepared.tree,
            path: prepared.path,
            layout: build.data_layout,
            sessions: None,
            configuration: configuration.map(Mutex::new),
            hub: Arc::new(Hub::new(VERSION, queue.clone())),
            queue,
            content: Mutex::default(),
            index_keys: OnceLock::new(),
        };
        let mut problems = Vec::new();
        if opened.layout == LATEST {
            let opening = Opening::of(&opened.place(Kind::SessionDatabase), now());
            let opening = opening.map_err(|error| causes(error.as_ref()))?;
            problems.extend(opening.damaged.iter().map(damaged_words));
            opened.sessions = Some(Arc::new(opening.sessions));
        }
        let carried = match &opened.sessions {
            Some(sessions) => opened.store.carry_in(opened.tree, &Live(sessions.clone())),
            None => opened.store.carry_in(opened.tree, &Forms),
        };
        tell_carried(&carried?);
        problems.iter().for_each(|problem| warn!("{problem}"));
        Ok((opened, problems))
    }

    /// A firmware on trial that cannot use the data store goes back at once; another one stays and can be mended.
    fn give_up(&self, problem: &str) {
        let Some(firmware) = &self.firmware else { return };
        if firmware.after_storage_failure() != Reaction::Reboot {
            return;
        }
        error!("the data store cannot be used: {problem}");
        if let Err(error) = firmware.problem(problem, now()) {
            warn!("{}", causes(&error));
        }
        if let Some(messenger) = self.exit.get() {
            messenger.exit(
                ExitKind::Reboot,
                "the firmware on trial cannot use the data store",
            );
        }
    }
}

/// That a session database was put aside, in a sentence.
fn damaged_words(damaged: &Damaged) -> String {
    format!(
        "the session database was damaged and put aside as {}; what can be read of it comes into the new one: {}",
        damaged.folder, damaged.why
    )
}

fn tell_made(prepared: &Prepared) {
    let tree = prepared.tree;
    let Some(made) = &prepared.made else {
        info!("the data store uses {tree}");
        return;
    };
    for note in &made.notes {
        info!("reorganization: {note}");
    }
    info!(
        "the data store was reorganized: {} files, {} bytes copied; it uses {tree}",
        made.files, made.bytes
    );
}

fn tell_carried(carried: &Carried) {
    if carried.sessions > 0 {
        info!("{} sessions of other firmware were taken over", carried.sessions);
    }
    for problem in &carried.problems {
        warn!("a session of other firmware cannot be taken over: {problem}");
    }
}

/// Tells everybody how far a reorganization is.
struct Teller<'a> {
    inputs: &'a Inputs,
    context: &'a ServiceContext,
    what: &'static str,
    told: Option<Instant>,
    /// Files and seconds left, as told last.
    done: (u64, Option<u64>),
    given_back: bool,
}

impl<'a> Teller<'a> {
    const fn new(inputs: &'a Inputs, context: &'a ServiceContext) -> Self {
        Self {
            inputs,
            context,
            what: "",
            told: None,
            done: (0, None),
            given_back: false,
        }
    }

    fn tell(&mut self, report: &Report) -> bool {
        let progress = shown(report);
        let left = report.progress.left.map(|left| left.as_secs());
        if report.advanced || (report.progress.done, left) != self.done {
            self.done = (report.progress.done, left);
            self.context.alive();
            self.inputs.state.send_modify(|state| {
                state.advanced = Some(Instant::now());
                state.progress = Some(progress.clone());
            });
        }
        if report.what != self.what || self.told.is_none_or(|told| told.elapsed() >= TELL_EVERY) {
            (self.what, self.told) = (report.what, Some(Instant::now()));
            info!("{}", words(&progress));
        }
        if report.advanced && !std::mem::replace(&mut self.given_back, true) {
            self.give_back();
        }
        !self.context.shutdown.is_cancelled()
    }

    /// A start that got further does not count against the firmware.
    fn give_back(&self) {
        if let Some(firmware) = &self.inputs.firmware
            && let Err(error) = firmware.advanced()
        {
            warn!("{}", causes(&error));
        }
    }
}

fn shown(report: &Report) -> Progress {
    Progress {
        what: format!("Reorganizing the data store: {}", report.what),
        done: report.progress.done,
        total: report.progress.total,
        unit: "files".into(),
        rate: report.progress.rate,
        seconds_left: report.progress.left.map(|left| left.as_secs()),
    }
}

fn words(progress: &Progress) -> String {
    let Progress {
        what, done, total, ..
    } = progress;
    let rate = progress.rate.map(|rate| format!(", {rate:.0} a second"));
    let left = progress.seconds_left.map(|left| format!(", {left} s left"));
    format!(
        "{what}: {done} of {total} files{}{}",
        rate.unwrap_or_default(),
        left.unwrap_or_default()
    )
}
