//! Long texts in pages.

use sps_admin::text;

/// Columns of a line: a terminal of 80 wraps at the last one.
pub(super) const WIDTH: usize = 79;
/// Lines of a page: a screen of 24 less the prompt and what remains of the page before.
const PAGE: usize = 21;

/// Lines that are left to be shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pager {
    lines: Vec<String>,
}

impl Pager {
    /// The pages of `text`.
    pub(super) fn new(text: &str) -> Self {
        let mut lines: Vec<String> = text.lines().flat_map(fold).collect();
        lines.reverse();
        Self { lines }
    }

    /// The next page.
    pub(super) fn page(&mut self) -> String {
        let left = self.lines.len().saturating_sub(PAGE);
        let page = self.lines.split_off(left);
        page.into_iter().rev().map(|line| line + "\n").collect()
    }

    /// Nothing is left.
    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}

/// One line of text as lines of a screen, cut where they must be.
fn fold(line: &str) -> Vec<String> {
    let line = text::clean(line);
    if line.is_empty() {
        return vec![line];
    }
    // The text is ASCII by now.
    line.as_bytes()
        .chunks(WIDTH)
        .map(|piece| String::from_utf8_lossy(piece).into_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_hold_every_line_in_order() {
        let text: String = (0..50).map(|n| format!("{n}\n")).collect();
        let mut pager = Pager::new(&text);
        let pages = [pager.page(), pager.page(), pager.page()];
        assert_eq!(pages.concat(), text);
        assert_eq!(pages.map(|page| page.lines().count()), [21, 21, 8]);
        assert!(pager.is_empty() && pager.page().is_empty());
    }

    #[test]
    fn long_lines_are_folded() {
        let mut pager = Pager::new(&"é".repeat(100));
        assert!(pager.page().lines().all(|line| line.len() <= WIDTH));
    }
}
