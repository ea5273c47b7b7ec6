//! The sentences of the page, made in one place for the server's page and the script's live updates.

use serde::Serialize;

use crate::boot::status::{BootStatus, Health, PhaseState, Progress};

/// A status together with the sentences that show it.
#[derive(Debug, Serialize)]
pub(crate) struct Shown<'a> {
    #[serde(flatten)]
    pub(crate) status: &'a BootStatus,
    /// One or two words: the overall state.
    pub(crate) headline: &'static str,
    /// A sentence below it.
    pub(crate) summary: String,
    /// What is known of the long step: amount, rate, time left.
    pub(crate) progress_text: Option<String>,
}

impl<'a> Shown<'a> {
    pub(crate) fn of(status: &'a BootStatus) -> Self {
        Self {
            status,
            headline: headline(status.health),
            summary: summary(status),
            progress_text: status.progress.as_ref().map(progress_text),
        }
    }
}

fn headline(health: Health) -> &'static str {
    match health {
        Health::Starting => "Starting",
        Health::Healthy => "Healthy",
        Health::Degraded => "Degraded",
        Health::Failed => "Failed",
        Health::Stopping => "Stopping",
    }
}

fn summary(status: &BootStatus) -> String {
    match status.health {
        Health::Starting if status.start.is_empty() => running_phase(status),
        Health::Starting => format!("{}. {}", status.start, running_phase(status)),
        Health::Healthy => match last_end(status) {
            Some(end) => format!("The appliance is ready. It started in {}.", duration(end)),
            None => "The appliance is ready.".to_owned(),
        },
        Health::Degraded => "The appliance works, but something needs attention.".to_owned(),
        Health::Failed => "The appliance did not start completely. The log says what happened.".to_owned(),
        Health::Stopping => "A restart or shutdown is under way. Do not switch the power off.".to_owned(),
    }
}

fn running_phase(status: &BootStatus) -> String {
    let all = status.phases.len();
    let running = |state| matches!(state, PhaseState::Running);
    match status
        .phases
        .iter()
        .enumerate()
        .find(|(_, phase)| running(phase.state))
    {
        Some((n, phase)) => format!("Phase {} of {all}: {}", n + 1, phase.title),
        None => "The appliance is starting. This page follows it.".to_owned(),
    }
}

/// When the last phase ended, in milliseconds since the kernel started.
fn last_end(status: &BootStatus) -> Option<u64> {
    status.phases.iter().filter_map(|phase| phase.finished_ms).max()
}

fn progress_text(progress: &Progress) -> String {
    let amount = |units| amount(units, &progress.unit);
    let mut parts = Vec::new();
    if progress.total == 0 {
        parts.push(amount(progress.done as f64));
    } else {
        let percent = (progress.done.min(progress.total) as f64 / progress.total as f64 * 100.0).floor();
        parts.push(format!("{percent} %"));
        parts.push(format!(
            "{} of {}",
            amount(progress.done as f64),
            amount(progress.total as f64)
        ));
    }
    parts.extend(
        progress
            .rate
            .filter(|rate| rate.is_finite())
            .map(|rate| format!("{}/s", amount(rate))),
    );
    parts.extend(
        progress
            .seconds_left
            .map(|left| format!("{} left", time_left(left))),
    );
    parts.join(" · ")
}

/// An estimate is not worth fractions of a second.
fn time_left(seconds: u64) -> String {
    if seconds < 60 {
        format!("{seconds} s")
    } else {
        duration(seconds.saturating_mul(1000))
    }
}

/// A number of units for people. Bytes get binary prefixes (IEC 80000-13).
fn amount(units: f64, unit: &str) -> String {
    if unit != "bytes" {
        return format!("{units:.0} {unit}");
    }
    let mut value = units;
    let mut prefixes = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB"].into_iter();
    let mut name = prefixes.next().unwrap_or_default();
    for larger in prefixes {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        name = larger;
    }
    if name == "bytes" {
        format!("{value:.0} bytes")
    } else {
        format!("{value:.1} {name}")
    }
}

/// A time span for people: `0.84 s`, `12.3 s`, `3 min 05 s`, `2 h 07 min`. The script has the same function.
pub(crate) fn duration(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0..10 => format!("{}.{:02} s", seconds, ms % 1000 / 10),
        10..60 => format!("{}.{} s", seconds, ms % 1000 / 100),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// Milliseconds since the kernel started: the clock of log entries and phases.
pub(crate) fn uptime_ms() -> u64 {
    u64::try_from(sps_bootlog::uptime().as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boot::status::Phase;

    #[test]
    fn time_spans() {
        let cases = [
            (0, "0.00 s"),
            (845, "0.84 s"),
            (12_399, "12.3 s"),
            (59_999, "59.9 s"),
            (185_000, "3 min 05 s"),
            (7_620_000, "2 h 07 min"),
        ];
        for (ms, text) in cases {
            assert_eq!(duration(ms), text);
        }
    }

    #[test]
    fn progress_says_what_is_known() {
        let mut progress = Progress {
            what: "Moving audit trails".into(),
            done: 3 << 30,
            total: 10 << 30,
            unit: "bytes".into(),
            rate: Some(120.0 * 1024.0 * 1024.0),
            seconds_left: Some(61),
        };
        assert_eq!(
            progress_text(&progress),
            "30 % · 3.0 GiB of 10.0 GiB · 120.0 MiB/s · 1 min 01 s left"
        );
        progress = Progress {
            total: 0,
            done: 12,
            unit: "files".into(),
            rate: None,
            seconds_left: None,
            ..progress
        };
        assert_eq!(progress_text(&progress), "12 files");
        progress = Progress {
            total: 10,
            done: 12,
            rate: Some(f64::NAN),
            seconds_left: Some(7),
            ..progress
        };
        assert_eq!(
            progress_text(&progress),
            "100 % · 12 files of 10 files · 7 s left"
        );
    }

    #[test]
    fn the_summary_names_the_running_phase_and_the_time_it_took() {
        let phase = |title: &str, state, finished_ms| Phase {
            name: title.to_lowercase(),
            title: title.into(),
            state,
            started_ms: Some(0),
            finished_ms,
        };
        let mut status = BootStatus {
            phases: vec![
                phase("Devices", PhaseState::Done, Some(900)),
                phase("Network", PhaseState::Running, None),
            ],
            ..BootStatus::default()
        };
        assert_eq!(Shown::of(&status).summary, "Phase 2 of 2: Network");
        status.start = "The last start took 14 s".into();
        assert_eq!(
            Shown::of(&status).summary,
            "The last start took 14 s. Phase 2 of 2: Network"
        );
        status.health = Health::Healthy;
        assert_eq!(
            Shown::of(&status).summary,
            "The appliance is ready. It started in 0.90 s."
        );
    }
}
