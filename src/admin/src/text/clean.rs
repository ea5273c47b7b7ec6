//! Text that a dumb terminal can show.

/// Printable ASCII: other characters become `?`, control characters a space. A degree of loss is the price of a serial
/// line that nobody can garble.
#[must_use]
pub fn clean(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            ' '..='~' => c,
            '\u{2026}' => '.',
            '\u{2013}' | '\u{2014}' => '-',
            _ if c.is_control() => ' ',
            _ => '?',
        })
        .collect()
}

/// Breaks `text` at spaces into lines of at most `width` characters; a longer word is cut.
#[must_use]
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in clean(text).split(' ') {
        let mut word = word;
        if !line.is_empty() && line.len() + 1 + word.len() > width {
            lines.push(std::mem::take(&mut line));
        }
        while word.len() > width {
            let (head, tail) = word.split_at(width - line.len().min(width - 1));
            lines.push(std::mem::take(&mut line) + head);
            word = tail;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_moves_the_cursor() {
        assert_eq!(clean("a\x1b[2J\u{9b}b\té…–"), "a [2J b ?.-");
    }

    #[test]
    fn lines_are_no_longer_than_asked() {
        let text = "a few words and averyveryverylongword that goes on";
        for width in 1..30 {
            let lines = wrap(text, width);
            assert!(lines.iter().all(|line| line.len() <= width), "{width}: {lines:?}");
            let letters = |text: &str| text.replace(' ', "");
            assert_eq!(letters(&lines.concat()), letters(text), "{width}: {lines:?}");
        }
        assert_eq!(wrap("", 10), [""]);
    }
}
