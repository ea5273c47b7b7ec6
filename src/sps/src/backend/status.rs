//! How the appliance does. What the console needs comes from memory: it never waits for a disk.

use sps_admin::{
    Change, ConsoleState, Failure, FirmwareIdentity, Health, LogLines, Reply, Response, ServiceState,
    ServiceStatus, Status, recent_actions,
};
use sps_bootlog::{BootLog, Level, uptime};
use sps_web as web;

use super::appliance::Appliance;
use super::{cluster, firmware, network};
use crate::boot::PRODUCT_TITLE;
use crate::node::{self, now};

/// Lines of the log in one answer.
const MOST_LINES: u32 = 1000;

/// Revisions of the cluster's configuration that are looked at for a list of changes: each is a file of some hundred kilobytes.
const MOST_REVISIONS: usize = 50;

/// The state of the appliance as an answer.
pub(super) fn told(own: &Appliance) -> Response {
    Response::Status(Box::new(status(own)))
}

/// Everything `sps status` shows; what the slots say is read from the disk.
pub(super) fn status(own: &Appliance) -> Status {
    let parts = &own.parts;
    let boot = parts.boot.borrow().clone();
    let slots = firmware::overview(own);
    Status {
        mode: parts.mode,
        host_name: parts.settings.node().network.host_name,
        firmware: identity(own),
        slot: parts.slot,
        after_reboot: slots.after_reboot,
        after_reboot_version: slots.after_reboot_version,
        health: health(boot.health),
        sealed: parts.settings.node().sealed,
        uptime: uptime().as_secs(),
        time: now(),
        time_synchronized: false,
        services: boot.services.iter().map(service).collect(),
        interfaces: network::interfaces(own),
        rescue: parts.rescue.clone(),
        rollback: slots.rollback,
        problems: boot.problems,
    }
}

/// What the console needs to greet.
pub(super) fn console(own: &Appliance) -> ConsoleState {
    let node = own.parts.settings.node();
    ConsoleState {
        mode: own.parts.mode,
        firmware: identity(own),
        host_name: node.network.host_name,
        health: health(own.parts.boot.borrow().health),
        sealed: node.sealed,
        password_set: node.administrators.console_password.is_some(),
        rescue: own.parts.rescue.clone(),
        rollback: own.parts.rolled_back.clone(),
    }
}

/// What was done, newest first: actions, and the revisions of the configuration that came of them.
pub(super) fn changes(own: &Appliance, limit: u32) -> Reply {
    let limit = limit as usize;
    let actions = recent_actions(&node::actions(), 2 * limit)
        .map_err(|error| Failure::failed(format!("could not read the log of actions: {error}")))?;
    let mut revised = own.parts.settings.history(limit)?;
    revised.extend(cluster::history(own, limit.min(MOST_REVISIONS)));
    let mut changes = Change::merged(&actions, revised);
    changes.truncate(limit);
    Ok(Response::Changes(changes))
}

/// A stretch of the log, as the console shows it.
pub(super) fn log(log: &BootLog, after: u64, limit: u32) -> LogLines {
    let news = log.after(after);
    let shown = news.entries.iter().filter(|entry| entry.level > Level::Debug);
    let mut lines: Vec<_> = shown.map(|entry| (entry.seq, entry.to_string())).collect();
    let too_many = lines.len().saturating_sub(limit.min(MOST_LINES) as usize);
    lines.drain(..too_many);
    LogLines {
        newest: news.entries.last().map_or(after, |entry| entry.seq),
        lines: lines.into_iter().map(|(_, line)| line).collect(),
        missed: news.missed + too_many as u64,
    }
}

fn identity(own: &Appliance) -> FirmwareIdentity {
    let Some(release) = &own.parts.release else {
        return FirmwareIdentity::default();
    };
    FirmwareIdentity {
        product: PRODUCT_TITLE.into(),
        version: release.version.to_string(),
        channel: release.channel.to_string(),
        build: release.build_id.clone(),
        development: release.development,
    }
}

fn health(health: web::Health) -> Health {
    match health {
        web::Health::Starting => Health::Starting,
        web::Health::Healthy => Health::Healthy,
        web::Health::Degraded => Health::Degraded,
        web::Health::Failed => Health::Failed,
        web::Health::Stopping => Health::Stopping,
    }
}

fn service(service: &web::Service) -> ServiceStatus {
    ServiceStatus {
        name: service.name.clone(),
        state: match service.state {
            web::ServiceState::Waiting => ServiceState::Waiting,
            web::ServiceState::Starting => ServiceState::Starting,
            web::ServiceState::Healthy => ServiceState::Healthy,
            web::ServiceState::Degraded => ServiceState::Degraded,
            web::ServiceState::Restarting => ServiceState::Restarting,
            web::ServiceState::Failed => ServiceState::Failed,
            web::ServiceState::Stopped => ServiceState::Stopped,
        },
        detail: service.detail.clone(),
    }
}
