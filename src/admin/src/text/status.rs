//! The status in words.

use super::{WIDTH, clean, date, duration, indented, network, pairs, wrap};
use crate::status::{FirmwareIdentity, Health, Mode, Rollback, ServiceState, ServiceStatus, Status};

/// Everything.
#[must_use]
pub fn status(status: &Status) -> String {
    let mut text = clean(&status.firmware.to_string()) + "\n";
    text += &pairs(&facts(status));
    for (title, part) in parts(status) {
        if !part.is_empty() {
            text += &format!("\n{title}\n{part}");
        }
    }
    text
}

fn facts(status: &Status) -> Vec<(&'static str, String)> {
    let slot = |number: Option<u8>, version: Option<&str>| match (number, version) {
        (None, _) => "none".to_owned(),
        (Some(number), None) => format!("slot {number}"),
        (Some(number), Some(version)) => format!("slot {number}, {version}"),
    };
    let synchronized = if status.time_synchronized {
        "synchronized"
    } else {
        "not synchronized"
    };
    let mut facts = vec![
        ("Host name", status.host_name.clone()),
        ("Running from", status.mode.to_string()),
        ("Health", status.health.to_string()),
        ("Sealed", if status.sealed { "yes" } else { "no" }.into()),
        ("Up", duration(status.uptime)),
        ("Time", format!("{}, {synchronized}", date(status.time))),
    ];
    if status.mode != Mode::Live {
        facts.push(("Current", slot(status.slot, Some(&status.firmware.version))));
        facts.push((
            "After reboot",
            slot(status.after_reboot, status.after_reboot_version.as_deref()),
        ));
    }
    facts
}

fn parts(status: &Status) -> Vec<(&'static str, String)> {
    let sentences = |texts: &[String]| texts.iter().map(|text| item(text)).collect::<String>();
    let services: Vec<_> = status.services.iter().map(service).collect();
    vec![
        (
            "Why this is rescue:",
            status.rescue.as_deref().map(item).unwrap_or_default(),
        ),
        ("Problems:", sentences(&status.problems)),
        (
            "The last firmware failed:",
            status.rollback.as_ref().map(rollback).unwrap_or_default(),
        ),
        ("Interfaces:", network::interfaces(&status.interfaces)),
        ("Services:", services.concat()),
    ]
}

fn service(service: &ServiceStatus) -> String {
    let detail = (!service.detail.is_empty()).then(|| service.detail.clone());
    format!("{:<16}{}\n", clean(&service.name), service.state) + &indented(detail.as_slice())
}

fn item(text: &str) -> String {
    let lines = wrap(text, WIDTH - 2);
    let first = lines
        .first()
        .map(|line| format!("- {line}\n"))
        .unwrap_or_default();
    first
        + &lines
            .iter()
            .skip(1)
            .map(|line| format!("  {line}\n"))
            .collect::<String>()
}

/// What failed, with the last lines of log and kernel.
fn rollback(rollback: &Rollback) -> String {
    let phase = rollback.phase.as_ref().map_or_else(
        || " before its first phase".to_owned(),
        |phase| format!(" in phase {phase}"),
    );
    let sentence = format!(
        "version {} failed{phase}: {}; noticed {}",
        rollback.version,
        rollback.reason,
        date(rollback.time)
    );
    let excerpt = |title: &str, lines: &[String]| {
        let lines: String = lines
            .iter()
            .map(|line| format!("    {}\n", clean(line)))
            .collect();
        if lines.is_empty() {
            lines
        } else {
            format!("  {title}\n{lines}")
        }
    };
    let without_log = if rollback.log.is_empty() {
        "  it ended before it could keep a log\n"
    } else {
        ""
    };
    item(&sentence)
        + without_log
        + &excerpt("its log ended with", &rollback.log)
        + &excerpt("the kernel's last words", &rollback.kernel)
}

impl std::fmt::Display for FirmwareIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            product,
            version,
            channel,
            build,
            development,
        } = self;
        write!(f, "{product} {version} ({channel}), build {build}")?;
        if *development {
            f.write_str(" - DEVELOPMENT BUILD")
        } else {
            Ok(())
        }
    }
}

impl std::fmt::Display for Mode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Live => "installation medium",
            Self::Installed => "disk",
            Self::Rescue => "disk, rescue mode",
        })
    }
}

impl std::fmt::Display for Health {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Starting => "starting",
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Failed => "failed",
            Self::Stopping => "stopping",
        })
    }
}

impl std::fmt::Display for ServiceState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Waiting => "waiting",
            Self::Starting => "starting",
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Restarting => "restarting",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
        })
    }
}
