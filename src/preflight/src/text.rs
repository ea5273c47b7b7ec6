//! Texts that come from elsewhere, made fit for a terminal and a page; amounts and lists for people.

/// Longest text of a finding, in characters.
pub(crate) const LONGEST: usize = 2_000;
/// Names listed before "and N more".
const LISTED: usize = 10;
/// Longest name in a list.
const LONGEST_NAME: usize = 80;

/// The text without control characters, nor marks that reorder or break lines, shortened to [`LONGEST`].
pub(crate) fn clean(text: &str) -> String {
    shortened(text, LONGEST)
}

fn shortened(text: &str, longest: usize) -> String {
    let mut characters = text.chars().filter(|c| !is_trick(*c));
    let mut kept: String = characters.by_ref().take(longest).collect();
    if characters.next().is_some() {
        kept.push('…');
    }
    kept
}

/// Control characters, line separators, and the marks of bidirectional text (UAX #9).
fn is_trick(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// `a, b and 3 more`.
pub(crate) fn list<S: AsRef<str>>(items: impl IntoIterator<Item = S>) -> String {
    let mut items = items.into_iter();
    let first: Vec<String> = items
        .by_ref()
        .take(LISTED)
        .map(|item| shortened(item.as_ref(), LONGEST_NAME))
        .collect();
    let text = first.join(", ");
    match items.count() {
        0 => text,
        more => format!("{text} and {more} more"),
    }
}

/// `1.5 GiB`; rounded up, so that what is asked for is enough.
pub(crate) fn amount(bytes: u64) -> String {
    let units = [("GiB", 1_u64 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    let Some((unit, size)) = units.into_iter().find(|(_, size)| bytes >= *size) else {
        return format!("{bytes} bytes");
    };
    let tenths = (u128::from(bytes) * 10).div_ceil(u128::from(size));
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_plays_tricks_is_left() {
        assert_eq!(clean("a\u{1b}[2J\u{202e}b\u{2028}\r\n\u{9b}ä"), "a[2Jbä");
        let long = clean(&"x".repeat(LONGEST + 7));
        assert_eq!(long.chars().count(), LONGEST + 1);
        assert!(long.ends_with('…'));
    }

    #[test]
    fn long_lists_end_with_a_number() {
        let names: Vec<String> = (0..13).map(|number| format!("n{number}")).collect();
        assert_eq!(list(&names[..2]), "n0, n1");
        assert_eq!(list(&names), "n0, n1, n2, n3, n4, n5, n6, n7, n8, n9 and 3 more");
    }

    #[test]
    fn amounts_are_rounded_up() {
        let texts = [0, 1023, 1024, 1025, 1 << 20, (3 << 30) / 2, u64::MAX].map(amount);
        let expected = [
            "0 bytes",
            "1023 bytes",
            "1.0 KiB",
            "1.1 KiB",
            "1.0 MiB",
            "1.5 GiB",
            "17179869184.0 GiB",
        ];
        assert_eq!(texts, expected);
    }
}
