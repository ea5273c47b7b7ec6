//! *Test*: the firmware in a slot judges a snapshot of this appliance in a sandbox. Blocking throughout.

use std::fs;
use std::sync::PoisonError;
use std::time::Duration;

use serde_json::{Map, Value};
use sps_admin::{
    Confirmed, Context, Failure, Finding, Progress, Reorganization, Reply, Response, Severity, Test,
};
use sps_config::REDACTED;
use sps_datastore_engine::{Choice, Kind, choose};
use sps_firmware::{Firmware, MAX_REPORT, TestRecord};
use sps_firmware_engine::{Build, SlotState};
use sps_image::boot_control::SlotNumber;
use sps_image::hex::Sha256Digest;
use sps_preflight::{
    Acknowledged, Candidate, ClusterConfiguration, ContentIndex, Counted, DataStore, Facts, LastBackup,
    Licensing, Report, Running, Slot, Snapshot, Space,
};
use sps_session_record::Word;
use sps_sessions::{Count, Filter};
use sps_web::ServiceState;

use super::appliance::Appliance;
use super::{firmware, licence};
use crate::node::now;
use crate::services::DATA_FOLDER;

/// Longest time for counting sessions.
const COUNTING: Duration = Duration::from_secs(2);
/// The role in which the new firmware's program judges.
const ROLE: &str = "preflight";
/// The one hardware type there is by now: any machine of this architecture.
const HARDWARE: &str = "generic-x86-64";
/// What there is instead of a pair.
const ALONE: &str = "Standalone";

/// Tests the firmware in a slot and keeps what it found.
pub(super) fn test(own: &Appliance, slot: u8, confirmed: Confirmed, context: &Context) -> Reply {
    let number = SlotNumber::try_from(slot).map_err(|error| Failure::invalid(error.to_string()))?;
    let slots = firmware::of(own)?;
    let running = slots
        .running()
        .ok_or_else(|| Failure::refused("the running firmware lies in no slot, so nothing can be tested"))?;
    let tell = |what: &str| context.updates.progress(step(what));
    tell("reading the firmware");
    let testable = slots
        .testable(number)
        .map_err(|error| firmware::failure(&error))?;
    tell("looking at the appliance");
    let (revision, node) = own.parts.settings.revised();
    let configuration = serde_json::to_value(node.redacted()).map_err(broken)?;
    let facts = facts(own, &slots, running, confirmed)?;
    let candidate = Candidate::of(&testable.manifest, testable.digest);
    let snapshot = Snapshot::new(revision, configuration, facts, candidate);
    let snapshot = snapshot.to_json().map_err(broken)?;
    tell("the new firmware judges");
    let answer = own.parts.sandbox.run(&testable.program, &[ROLE], &snapshot);
    let answer = answer.map_err(|error| {
        Failure::failed(format!(
            "the new firmware could not judge this appliance: {}; get the firmware again, or ask its maker",
            sps_bootlog::causes(&error)
        ))
    })?;
    let report = Report::from_json(&answer).map_err(|error| Failure::failed(error.to_string()))?;
    let record = TestRecord {
        digest: testable.digest,
        version: testable.manifest.version,
        running: running.digest,
        revision,
        passed: report.passed(),
        at: now(),
        report: kept(report.clone())?,
    };
    slots
        .keep_test(record.clone())
        .map_err(|error| firmware::failure(&error))?;
    Ok(Response::Tested(told(&record, &report, None)))
}

/// The last Test of a firmware, and whether it still holds.
pub(super) fn last(
    own: &Appliance,
    slots: &Firmware,
    tests: &[TestRecord],
    digest: Sha256Digest,
) -> Option<Test> {
    let record = tests.iter().find(|test| test.digest == digest)?;
    let report = Report::from_json(record.report.as_bytes()).ok()?;
    let (revision, _) = own.parts.settings.revised();
    let running = slots.running().map(|build| build.digest);
    let outdated = record.tested().changed_since(running, revision);
    Some(told(record, &report, outdated))
}

/// The report as it is kept; of one that is too long the least important findings go.
fn kept(mut report: Report) -> Result<String, Failure> {
    loop {
        let text = report.to_json().map_err(broken)?;
        if text.len() <= MAX_REPORT || report.findings.is_empty() {
            return String::from_utf8(text).map_err(broken);
        }
        report.findings.pop();
    }
}

fn told(record: &TestRecord, report: &Report, outdated: Option<String>) -> Test {
    let finding = |finding: &sps_preflight::Finding| Finding {
        severity: match finding.severity {
            sps_preflight::Severity::Blocks => Severity::Blocks,
            sps_preflight::Severity::Warning => Severity::Warning,
            sps_preflight::Severity::Reminder => Severity::Reminder,
        },
        check: finding.check.clone(),
        setting: finding.setting.clone(),
        problem: finding.problem.clone(),
        mend: finding.mend.clone(),
    };
    Test {
        at: record.at,
        version: record.version.to_string(),
        passed: record.passed,
        outdated,
        findings: report.findings.iter().map(finding).collect(),
        reorganization: report.reorganization.map(estimate),
    }
}

const fn estimate(told: sps_preflight::Reorganization) -> Reorganization {
    Reorganization {
        files: told.files,
        bytes: told.bytes,
        space: told.space,
        free: told.free,
        seconds: told.seconds,
    }
}

fn facts(own: &Appliance, slots: &Firmware, running: &Build, confirmed: Confirmed) -> Result<Facts, Failure> {
    let failure = |error| firmware::failure(&error);
    let views = slots.list().map_err(failure)?;
    let kept = |state: SlotState| {
        matches!(
            state,
            SlotState::Healthy | SlotState::Committed | SlotState::Staged
        )
    };
    let mut filled = Vec::new();
    for view in views {
        let (Some(digest), Ok(manifest)) = (view.digest, slots.manifest(view.slot)) else {
            continue;
        };
        filled.push(Slot {
            number: view.slot.get().into(),
            digest: digest.to_string(),
            // Without a data store that can be asked: the same layout is there.
            data_kept: kept(view.state) && finds_data(own, &digest.to_string(), manifest.data_layout),
        });
    }
    Ok(Facts {
        running: Some(Running {
            version: running.version,
            digest: running.digest.to_string(),
        }),
        now: Some(now()),
        hardware: Some(HARDWARE.to_owned()),
        virtual_machine: virtual_machine(),
        slots: filled,
        space: space(slots),
        store: store(own)?,
        content_index: content_index(own),
        cluster: cluster(own),
        licence: Some(match licence::current(own) {
            Some(licence) => Licensing::Licence((&licence).into()),
            None => Licensing::Demo,
        }),
        tainted: Some(slots.changes().map_err(failure)?),
        problems: Some(problems(own)),
        configuration_backup: Some(last_backup(own.spare.last_configuration_backup())),
        data_backup: own.spare.data_backup().map(last_backup),
        high_availability: Some(ALONE.to_owned()),
        plugins: Some(Vec::new()),
        // The kernel is told to write none (src/init/src/sysctl.rs).
        core_files: Some(Vec::new()),
        acknowledged: Acknowledged {
            release_notes: confirmed.release_notes,
            data_backup: confirmed.data_backup,
            snapshot: confirmed.snapshot,
        },
    })
}

fn last_backup(at: Option<u64>) -> LastBackup {
    at.map_or(LastBackup::Never, LastBackup::At)
}

/// The kernel marks processors that a hypervisor presents.
fn virtual_machine() -> Option<bool> {
    let processors = fs::read_to_string("/proc/cpuinfo").ok()?;
    let flags = processors.lines().find(|line| line.starts_with("flags"))?;
    Some(flags.split_whitespace().any(|flag| flag == "hypervisor"))
}

/// Whether a firmware would find what it left, or what it can share.
fn finds_data(own: &Appliance, digest: &str, layout: u32) -> bool {
    let Some(opened) = own.store() else { return false };
    let facts = opened.store.facts();
    let choice = facts.ok().and_then(|facts| choose(&facts, digest, layout).ok());
    matches!(choice, Some(Choice::Use { .. } | Choice::Point { .. }))
}

fn space(slots: &Firmware) -> Option<Space> {
    let data = rustix::fs::statvfs(DATA_FOLDER).ok()?;
    Some(Space {
        boot_free: slots.free().ok()?,
        data_total: data.f_blocks.saturating_mul(data.f_frsize),
        data_free: data.f_bavail.saturating_mul(data.f_frsize),
        // The firmware to be judged plans it itself.
        data_needed: None,
    })
}

/// The configuration on `data`, without secrets; nothing when it cannot be read, which the Test then says.
fn cluster(own: &Appliance) -> Option<ClusterConfiguration> {
    let opened = own.store()?;
    let mut document = match &opened.configuration {
        Some(configuration) => {
            let configuration = configuration.lock().unwrap_or_else(PoisonError::into_inner);
            serde_json::to_value(configuration.document()).ok()?
        }
        None => serde_json::from_slice(&fs::read(opened.place(Kind::Configuration)).ok()?).ok()?,
    };
    leave_out_secrets(&mut document);
    Some(ClusterConfiguration {
        layout: opened.layout,
        document,
    })
}

/// Secrets are objects of one field, `plain` or `encrypted`, whatever the layout.
fn leave_out_secrets(value: &mut Value) {
    match value {
        Value::Object(fields) if is_secret(fields) => *value = Value::String(REDACTED.into()),
        Value::Object(fields) => fields.values_mut().for_each(leave_out_secrets),
        Value::Array(items) => items.iter_mut().for_each(leave_out_secrets),
        _ => {}
    }
}

fn is_secret(fields: &Map<String, Value>) -> bool {
    fields.len() == 1
        && ["plain", "encrypted"]
            .iter()
            .any(|name| fields.contains_key(*name))
}

/// The data store, counted and measured.
fn store(own: &Appliance) -> Result<Option<DataStore>, Failure> {
    let Some(opened) = own.store() else {
        return Ok(None);
    };
    let measured = opened.store.measured(opened.tree);
    let (facts, rates) = measured.map_err(|error| Failure::failed(sps_bootlog::causes(&error)))?;
    let counted = |there: &sps_datastore_engine::Counted| Counted {
        files: there.files,
        folders: there.folders,
        bytes: there.bytes,
        names: there.names,
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "rates, in whole numbers"
    )]
    let whole = |rate: f64| rate as u64;
    let kinds = facts.kinds.iter();
    Ok(Some(DataStore {
        layout: facts.layout,
        kinds: kinds
            .map(|(kind, there)| (kind.title().to_owned(), counted(there)))
            .collect(),
        links_a_second: whole(rates.links),
        copies_a_second: whole(rates.copies),
        bytes_a_second: whole(rates.bytes),
    }))
}

/// What is indexed; nothing while the index is not open.
fn content_index(own: &Appliance) -> Option<ContentIndex> {
    let version = own.indexing_state()?.version;
    let indexed = Filter {
        indexing: Some(Word::INDEXED),
        ..Filter::default()
    };
    let count = own.store()?.sessions.as_ref()?.count(&indexed, COUNTING).ok()?;
    let (Count::Exactly(sessions) | Count::MoreThan(sessions) | Count::AtLeast(sessions)) = count;
    Some(ContentIndex { version, sessions })
}

/// What the boot page and `status` show as a problem.
fn problems(own: &Appliance) -> Vec<String> {
    let boot = own.parts.boot.borrow();
    let ill = boot
        .services
        .iter()
        .filter(|service| !matches!(service.state, ServiceState::Healthy))
        .map(|service| format!("service {} is not healthy: {}", service.name, service.detail));
    boot.problems.iter().cloned().chain(ill).collect()
}

fn step(what: &str) -> Progress {
    Progress {
        what: what.to_owned(),
        ..Progress::default()
    }
}

fn broken(error: impl std::fmt::Display) -> Failure {
    Failure::failed(format!("the Test could not be made: {error}"))
}
