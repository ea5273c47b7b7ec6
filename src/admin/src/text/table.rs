//! Columns.

use super::{clean, wrap};

/// Columns of a screen that a line may fill.
pub(crate) const WIDTH: usize = 78;
/// Columns by which details stand to the right.
const INDENT: usize = 8;

/// Details under a heading line, wrapped.
pub(crate) fn indented(lines: &[String]) -> String {
    let wrapped = lines.iter().flat_map(|line| wrap(line, WIDTH - INDENT));
    wrapped.map(|line| format!("{:INDENT$}{line}\n", "")).collect()
}

/// Rows under headings, columns as wide as they must be, two spaces between.
pub(crate) fn table<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> String {
    let mut lines = vec![headings.map(str::to_owned)];
    lines.extend(rows.iter().map(|row| row.each_ref().map(|cell| clean(cell))));
    let width = |column: usize| lines.iter().map(|line| line[column].len()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..N).map(width).collect();
    lines.iter().map(|line| format_line(line, &widths)).collect()
}

fn format_line(cells: &[String], widths: &[usize]) -> String {
    let padded: Vec<String> = cells
        .iter()
        .zip(widths)
        .map(|(cell, width)| format!("{cell:<width$}"))
        .collect();
    format!("{}\n", padded.join("  ").trim_end())
}

/// Names and values under each other.
pub(crate) fn pairs(rows: &[(&str, String)]) -> String {
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    rows.iter()
        .map(|(name, value)| format!("{name:<width$}  {}\n", clean(value)))
        .collect()
}
