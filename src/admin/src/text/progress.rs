//! A progress bar of one line.

use super::{bytes, clean};
use crate::progress::Progress;

/// Narrowest bar that says something.
const LEAST_BAR: usize = 8;
/// Widest bar that helps.
const MOST_BAR: usize = 30;

/// `copying the firmware [######......] 45 %, 12.3 MiB/s, 0:03 left`, at most `width` characters.
#[must_use]
pub fn progress_line(progress: &Progress, width: usize) -> String {
    let what = clean(&progress.what);
    let tail = tail(progress);
    let room = width.saturating_sub(what.len() + tail.len() + 4);
    let mut line = match share(progress) {
        Some(share) if room >= LEAST_BAR => format!("{what} [{}] {tail}", bar(share, room.min(MOST_BAR))),
        _ => format!("{what} {tail}"),
    };
    line.truncate(width);
    line.trim_end().to_owned()
}

/// Hundredths done, when the whole is known.
pub(crate) fn share(progress: &Progress) -> Option<u64> {
    let done = u128::from(progress.done.min(progress.total));
    let hundredths = (done * 100).checked_div(u128::from(progress.total))?;
    u64::try_from(hundredths).ok()
}

fn bar(share: u64, width: usize) -> String {
    let full = width * usize::try_from(share).unwrap_or(0) / 100;
    "#".repeat(full) + &".".repeat(width - full)
}

fn tail(progress: &Progress) -> String {
    let mut parts = Vec::new();
    match share(progress) {
        Some(share) => parts.push(format!("{share:>3} %")),
        None => parts.push(amount(progress.done, &progress.unit)),
    }
    if let Some(rate) = progress.rate.filter(|rate| rate.is_finite() && *rate >= 0.0) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "not negative, and what is larger than any rate may saturate"
        )]
        let rate = rate as u64;
        parts.push(format!("{}/s", amount(rate, &progress.unit)));
    }
    if let Some(left) = progress.seconds_left {
        parts.push(format!("{} left", clock(left)));
    }
    parts.join(", ")
}

fn amount(count: u64, unit: &str) -> String {
    if unit == "bytes" {
        bytes(count)
    } else {
        format!("{count} {}", clean(unit)).trim_end().to_owned()
    }
}

fn clock(seconds: u64) -> String {
    match seconds / 3600 {
        0 => format!("{}:{:02}", seconds / 60, seconds % 60),
        hours => format!("{hours}:{:02}:{:02}", seconds / 60 % 60, seconds % 60),
    }
}
