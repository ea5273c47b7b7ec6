//! An appliance in memory: slots, a password, a configuration. Answers what a real one answers, at once, and remembers what it
//! was asked.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use sps_admin::{
    ActionLog, Arrived, Backend, Change, Confirmed, Context, CoreFile, Failure, Finding, FirmwareIdentity,
    FirmwareSource, InterfaceStatus, Jobs, KeptBundle, KeptState, Licence, LicenceFile, LicensedFeature,
    Licensing, NetworkStatus, Notes, Operations, Origin, Parcel, Progress, Reply, Request, Response,
    Rollback, Severity, Slot, SlotState, Slots, Space, Standing, Status, StoreStatus, Test, Work,
};
use sps_session_record::SessionRecord;
use sps_web::{Administration, Gate};
use tokio::sync::Semaphore;

use super::store;
#[path = "cluster.rs"]
mod cluster;

use cluster::Cluster;

/// The one password that fits; hashing is the real appliance's business.
pub(crate) const PASSWORD: &str = "correct horse";

/// Content of every support bundle.
pub(crate) const BUNDLE: &[u8] = b"a bundle";

/// What it knows.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) set_up: bool,
    pub(crate) slots: Vec<Slot>,
    pub(crate) changes: Vec<Change>,
    pub(crate) asked: Vec<Request>,
    pub(crate) received: Option<Vec<u8>>,
    pub(crate) arriving: bool,
    pub(crate) rollback: Option<Rollback>,
    pub(crate) network: sps_config::Network,
    pub(crate) bundles: Vec<KeptBundle>,
    /// Passwords are judged when there is a permit.
    pub(crate) hold: Option<Arc<Semaphore>>,
    /// Passwords being judged now, and the most at any moment.
    pub(crate) judging: (usize, usize),
    /// The licence file that was taken.
    pub(crate) licence: Option<LicenceFile>,
    /// Fetching waits until it is called off.
    pub(crate) hang: bool,
    pub(crate) ssh_upload: bool,
    /// When the running firmware is kept for good, while it is on trial.
    pub(crate) commit_at: Option<u64>,
    /// The data store.
    pub(crate) store: StoreStatus,
    /// Recorded sessions, the newest first.
    pub(crate) sessions: Vec<SessionRecord>,
    /// Room, and what makes some.
    pub(crate) space: Space,
    /// Core files.
    pub(crate) cores: Vec<CoreFile>,
    /// Sessions before that are not imported yet.
    pub(crate) incomplete_until: Option<i64>,
    /// What adding a firmware says.
    pub(crate) refuse: Option<String>,
    /// The configuration of the cluster, once somebody asks.
    pub(crate) cluster: Option<Arc<Cluster>>,
    pub(crate) sealed: bool,
}

impl State {
    fn begin_bundle(&mut self) -> KeptBundle {
        let last = self.bundles.last().map_or(1_800_000_000, |bundle| bundle.key);
        let begun = KeptBundle {
            key: last + 1,
            name: "debug_info-gate.tar.zst".into(),
            bytes: 0,
            state: KeptState::InProgress,
        };
        self.bundles.push(begun.clone());
        begun
    }

    /// What is in progress at one look is finished at the next.
    fn look_at_bundles(&mut self) -> Vec<KeptBundle> {
        let seen = self.bundles.clone();
        for bundle in &mut self.bundles {
            bundle.state = KeptState::Finished;
            bundle.bytes = BUNDLE.len() as u64;
        }
        seen
    }
}

/// Handle; clones share one appliance.
#[derive(Clone, Default)]
pub(crate) struct Appliance {
    pub(crate) state: Arc<Mutex<State>>,
}

impl Appliance {
    /// Set up, with firmware in two slots of three.
    pub(crate) fn ready() -> Self {
        let own = Self::default();
        let mut state = own.state.lock().unwrap();
        state.set_up = true;
        state.slots = vec![
            slot(1, Some("0.1.0"), SlotState::Committed),
            slot(2, Some("0.2.0"), SlotState::Staged),
            slot(3, None, SlotState::Empty),
        ];
        state.slots[0].current = true;
        state.slots[0].after_reboot = true;
        drop(state);
        own
    }

    /// The same that nobody has set up.
    pub(crate) fn untouched() -> Self {
        let own = Self::ready();
        own.state.lock().unwrap().set_up = false;
        own
    }

    pub(crate) fn administration(&self, gate: Gate) -> Administration {
        Administration {
            operations: Operations::new(Arc::new(self.clone()), ActionLog::without_file()),
            jobs: Jobs::default(),
            sessions: tokio::sync::watch::channel(0).1,
            gate,
            zone: Arc::new(|| "Europe/Vienna".into()),
            host_name: Arc::new(|| "gate-01".into()),
        }
    }

    /// The configuration of the cluster.
    pub(crate) fn cluster(&self) -> Arc<Cluster> {
        let mut state = self.state.lock().unwrap();
        state
            .cluster
            .get_or_insert_with(|| Arc::new(Cluster::new()))
            .clone()
    }

    fn configuration(&self, request: &Request, context: &Context) -> Reply {
        let sealed = self.state.lock().unwrap().sealed;
        self.cluster().answer(request, context, sealed)
    }

    async fn judge(&self) {
        let hold = {
            let mut state = self.state.lock().unwrap();
            state.judging.0 += 1;
            state.judging.1 = state.judging.1.max(state.judging.0);
            state.hold.clone()
        };
        if let Some(hold) = hold {
            hold.acquire().await.unwrap().forget();
        }
        self.state.lock().unwrap().judging.0 -= 1;
    }

    /// A file has arrived that is kept elsewhere.
    pub(crate) fn arrived(&self) {
        self.state.lock().unwrap().received = Some(Vec::new());
    }

    pub(crate) fn asked(&self) -> Vec<Request> {
        self.state.lock().unwrap().asked.clone()
    }

    async fn fetch(&self, request: &Request, context: &Context) -> Reply {
        let hang = {
            let mut state = self.state.lock().unwrap();
            state.asked.push(request.clone());
            state.hang
        };
        context.updates.progress(Progress::of_bytes(
            "fetching the firmware",
            1_000_000,
            31_000_000,
            Duration::from_secs(1),
        ));
        if hang {
            let who = context.updates.until_called_off().await;
            return Err(Failure::called_off(&who));
        }
        self.state.lock().unwrap().received = Some(b"fetched".to_vec());
        Ok(done())
    }

    fn answer(&self, request: &Request, context: &Context) -> Reply {
        let mut state = self.state.lock().unwrap();
        state.asked.push(request.clone());
        match request {
            Request::WebLogin { user, password } => Ok(Response::Login {
                accepted: user == "admin" && password.expose() == PASSWORD,
                wait: 0,
            }),
            Request::Setup { form } if form.host_name.is_empty() => {
                Err(Failure::invalid("network.host_name: \"\" is no host name"))
            }
            Request::Setup { form } => {
                state.set_up = true;
                state.licence.clone_from(&form.licence);
                Ok(done())
            }
            Request::NetworkShow => Ok(Response::Network(network(&state))),
            Request::NetworkSet { change } => {
                state.network = change.apply(&state.network);
                Ok(Response::Network(network(&state)))
            }
            Request::Status => Ok(Response::Status(Box::new(status(&state)))),
            Request::Changes { .. } => Ok(Response::Changes(state.changes.clone())),
            Request::FirmwareNotes { slot } => notes(&state, *slot),
            Request::FirmwareAdd {
                source: FirmwareSource::Received | FirmwareSource::Fetched { .. },
            } => add(&mut state, context),
            Request::FirmwareTest { slot, confirmed } => test(&mut state, *slot, *confirmed),
            Request::FirmwareActivate { slot } => activate(&mut state, *slot),
            Request::FirmwareDelete { slot } => {
                let place = state.slots.iter_mut().find(|known| known.number == *slot);
                let place = place.ok_or_else(|| Failure::invalid("there is no such slot"))?;
                if place.current {
                    return Err(Failure::refused("slot 1 is running: it is not touched"));
                }
                *place = self::slot(*slot, None, SlotState::Empty);
                Ok(slots(&state))
            }
            Request::FirmwareList | Request::FirmwareRollback | Request::FirmwareCommit => Ok(slots(&state)),
            Request::FirmwareSsh { on } => {
                state.ssh_upload = *on;
                Ok(done())
            }
            Request::LicenceShow => Ok(licensing(&state)),
            Request::LicenceSet { file } if file.text().starts_with("sps-licence-1") => {
                state.licence = Some(file.clone());
                Ok(licensing(&state))
            }
            Request::LicenceSet { .. } => Err(Failure::invalid(
                "the licence was not taken; the one before stays: this is no licence file",
            )),
            Request::Reboot { .. } | Request::Shutdown { .. } => Ok(done()),
            Request::BundleKeep => Ok(Response::Bundles(vec![state.begin_bundle()])),
            Request::BundleList => Ok(Response::Bundles(state.look_at_bundles())),
            Request::BundleRead { .. } => Ok(done()),
            Request::BundleDelete { key } => {
                state.bundles.retain(|bundle| bundle.key != *key);
                Ok(done())
            }
            _ => store::answer(&mut state, request),
        }
    }
}

impl Backend for Appliance {
    fn standing(&self) -> Standing {
        Standing {
            set_up: self.state.lock().unwrap().set_up,
            ..Standing::default()
        }
    }

    fn receive(&self, origin: &Origin, announced: Option<u64>) -> Result<Box<dyn Parcel>, Failure> {
        let mut state = self.state.lock().unwrap();
        if state.arriving {
            return Err(Failure::new(
                sps_admin::FailureKind::Busy,
                format!("a firmware file of {origin} is arriving"),
            ));
        }
        if announced.is_some_and(|size| size > 1 << 31) {
            return Err(Failure::refused("a file of that many bytes is no firmware"));
        }
        state.arriving = true;
        state.received = None;
        Ok(Box::new(Arriving {
            state: self.state.clone(),
            bytes: Vec::new(),
        }))
    }

    fn perform<'a>(&'a self, request: Request, context: Context) -> Work<'a> {
        Box::pin(async move {
            if let Request::WebLogin { .. } = request {
                self.judge().await;
            }
            if let Request::BundleRead { .. } = request {
                // More than one piece.
                for half in BUNDLE.chunks(4) {
                    let _gone = context.updates.data(half.to_vec()).await;
                }
            }
            store::send(&request, &context).await;
            match &request {
                Request::FirmwareFetch { .. } => self.fetch(&request, &context).await,
                Request::ConfigurationShow { .. }
                | Request::ConfigurationCompare { .. }
                | Request::ConfigurationChange { .. }
                | Request::ConfigurationHistory { .. }
                | Request::ConfigurationDifference { .. }
                | Request::ConfigurationRestore { .. }
                | Request::ConfigurationExport { .. }
                | Request::ConfigurationImport { .. } => self.configuration(&request, &context),
                _ => self.answer(&request, &context),
            }
        })
    }
}

struct Arriving {
    state: Arc<Mutex<State>>,
    bytes: Vec<u8>,
}

impl Parcel for Arriving {
    fn write(&mut self, piece: &[u8]) -> Result<(), Failure> {
        self.bytes.extend_from_slice(piece);
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<Arrived, Failure> {
        let bytes = std::mem::take(&mut self.bytes);
        let arrived = Arrived {
            bytes: bytes.len() as u64,
            sha256: "of the test".into(),
        };
        self.state.lock().unwrap().received = Some(bytes);
        Ok(arrived)
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        self.state.lock().unwrap().arriving = false;
    }
}

fn add(state: &mut State, context: &Context) -> Reply {
    context.updates.progress(Progress {
        what: "verifying the firmware".into(),
        done: 5,
        total: 10,
        unit: "bytes".into(),
        ..Progress::default()
    });
    state
        .received
        .as_ref()
        .ok_or_else(|| Failure::refused("no firmware file has arrived"))?;
    if let Some(why) = &state.refuse {
        return Err(Failure::refused(why.clone()));
    }
    let added = slot(3, Some("0.3.0"), SlotState::Staged);
    state.slots[2] = added.clone();
    Ok(Response::Slot(added))
}

fn done() -> Response {
    Response::Done { note: "done".into() }
}

fn slots(state: &State) -> Response {
    Response::Slots(Slots {
        slots: state.slots.clone(),
        ssh_upload: state.ssh_upload,
        commit_at: state.commit_at,
        ..Slots::default()
    })
}

fn slot(number: u8, version: Option<&str>, state: SlotState) -> Slot {
    Slot {
        number,
        state,
        version: version.map(ToOwned::to_owned),
        channel: version.map(|_| "feature".into()),
        digest: version.map(|_| "00".repeat(32)),
        bytes: if version.is_some() { 27_000_000 } else { 0 },
        current: false,
        after_reboot: false,
        test: None,
    }
}

fn notes(state: &State, number: u8) -> Reply {
    let found = state.slots.iter().find(|slot| slot.number == number);
    let version = found.and_then(|slot| slot.version.clone());
    let version = version.ok_or_else(|| Failure::invalid("there is no firmware in this slot"))?;
    Ok(Response::Notes(Notes {
        version,
        upgrade_notes: "Read <b>this</b> first.\nSecond line.".into(),
        upgrade_news: String::new(),
        build_time: 1_800_000_000,
        upgrade_from: vec!["0.x".into()],
        supported_until: Some("2028-01-31".into()),
    }))
}

fn activate(state: &mut State, slot: u8) -> Reply {
    let known = state.slots.iter().find(|known| known.number == slot);
    if !known.is_some_and(|known| known.current || known.test.is_some()) {
        return Err(Failure::refused("it has not been tested: test it first"));
    }
    for known in &mut state.slots {
        known.after_reboot = known.number == slot;
    }
    Ok(slots(state))
}

/// Blocks until the notes were read.
fn test(state: &mut State, number: u8, confirmed: Confirmed) -> Reply {
    let found = state.slots.iter_mut().find(|slot| slot.number == number);
    let slot = found.ok_or_else(|| Failure::invalid("there is no such slot"))?;
    let finding = |severity, check: &str| Finding {
        severity,
        check: check.into(),
        setting: "Basic Settings > System > Firmwares".into(),
        problem: format!("nobody has <b>{check}</b>"),
        mend: "do it".into(),
    };
    let mut findings = vec![finding(Severity::Warning, "configuration_backup")];
    if !confirmed.release_notes {
        findings.insert(0, finding(Severity::Blocks, "release_notes"));
    }
    let test = Test {
        at: 1_800_000_000,
        version: slot.version.clone().unwrap_or_default(),
        passed: confirmed.release_notes,
        outdated: None,
        findings,
        reorganization: None,
    };
    slot.test = Some(test.clone());
    Ok(Response::Tested(test))
}

/// The customer is what the file says after its first line.
fn licensing(state: &State) -> Response {
    let licence = state.licence.as_ref().map(|file| Licence {
        customer: file.text().lines().skip(1).collect(),
        serial: "SPS-2026-000142".into(),
        valid_from: "2026-01-01".into(),
        valid_until: Some("2027-05-31".into()),
        lts: vec![6, 7],
        lts_covered: false,
        features: vec![LicensedFeature {
            name: "cluster".into(),
            title: "central management of several appliances".into(),
        }],
    });
    let problem = licence
        .as_ref()
        .map(|_| "the licence is not for 0 LTS, which runs");
    Response::Licence(Licensing {
        limit_type: if licence.is_some() { "Session" } else { "Host" }.into(),
        limit: if licence.is_some() { 200 } else { 5 },
        problems: problem.into_iter().map(Into::into).collect(),
        licence,
    })
}

fn network(state: &State) -> NetworkStatus {
    let mut network = NetworkStatus {
        settings: state.network.clone(),
        ..NetworkStatus::default()
    };
    network.interfaces.push(InterfaceStatus {
        name: "eth0".into(),
        carrier: true,
        addresses: vec!["192.0.2.5/24 (dhcp)".into()],
        ..InterfaceStatus::default()
    });
    network
}

fn status(state: &State) -> Status {
    Status {
        host_name: "gate-01".into(),
        firmware: FirmwareIdentity {
            version: "0.1.0".into(),
            channel: "feature release".into(),
            build: "00aae0b8246cb55b".into(),
            ..FirmwareIdentity::default()
        },
        slot: Some(1),
        after_reboot: state
            .slots
            .iter()
            .find(|slot| slot.after_reboot)
            .map(|slot| slot.number),
        after_reboot_version: Some("0.1.0".into()),
        uptime: 3_700,
        time: 1_800_000_000,
        rollback: state.rollback.clone(),
        ..Status::default()
    }
}

/// Longest wait of a test for a job.
pub(crate) const JOB: Duration = Duration::from_secs(30);
