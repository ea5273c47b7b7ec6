//! Columns of text.

use std::fmt::Write as _;
use std::time::{Duration, UNIX_EPOCH};

/// End of the year 9999, milliseconds: what comes later is printed as a number.
const LAST: u64 = 253_402_300_799_000;

/// Rows with their columns below each other; the last has no padding.
pub(super) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut out = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            // Writing to a string does not fail.
            let _done = write!(line, "{cell:width$}  ");
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// A time as people read it, UTC.
pub(super) fn time(milliseconds: i64) -> String {
    match u64::try_from(milliseconds) {
        Ok(since) if since <= LAST => {
            humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_millis(since)).to_string()
        }
        _ => milliseconds.to_string(),
    }
}

/// Text of a stranger: nothing in it moves the cursor.
pub(super) fn plain(text: &str) -> String {
    text.chars()
        .map(|character| if character.is_control() { '?' } else { character })
        .collect()
}
