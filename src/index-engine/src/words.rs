//! What counts as a word: letters and digits in a row, in lower case. `/etc/passwd` is two words, `192.0.2.7` four; whoever asks for
//! them asks for them in this order. Of scripts without spaces each character is a word.

use std::ops::Range;

/// Longest word, bytes; what is longer (keys, dumps) is no word but takes the place of one.
pub const MAX_WORD: usize = 64;

/// A word and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// In lower case.
    pub text: String,
    /// Its bytes in the text.
    pub range: Range<usize>,
    /// How many words stand before it.
    pub position: usize,
}

/// The words of a text in their order.
pub fn words(text: &str) -> impl Iterator<Item = Word> + '_ {
    let mut rest = 0;
    let mut position = 0;
    std::iter::from_fn(move || {
        loop {
            let begin = rest + text[rest..].find(char::is_alphanumeric)?;
            let end = end_of(text, begin);
            rest = end;
            position += 1;
            if end - begin <= MAX_WORD {
                return Some(Word {
                    text: lower(&text[begin..end]),
                    range: begin..end,
                    position: position - 1,
                });
            }
        }
    })
}

fn end_of(text: &str, begin: usize) -> usize {
    let mut characters = text[begin..].char_indices();
    match characters.next() {
        Some((_, first)) if is_ideograph(first) => return begin + first.len_utf8(),
        _ => {}
    }
    characters
        .find(|(_, character)| !character.is_alphanumeric() || is_ideograph(*character))
        .map_or(text.len(), |(place, _)| begin + place)
}

fn lower(word: &str) -> String {
    if word.is_ascii() {
        word.to_ascii_lowercase()
    } else {
        word.to_lowercase()
    }
}

/// Characters of scripts that put no spaces between words (Unicode blocks from Hiragana to CJK ideographs, and compatibility ones).
const fn is_ideograph(character: char) -> bool {
    matches!(character, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> Vec<String> {
        words(text).map(|word| word.text).collect()
    }

    #[test]
    fn words_are_letters_and_digits_in_lower_case() {
        assert_eq!(
            plain("cat /etc/Passwd; ls -la"),
            ["cat", "etc", "passwd", "ls", "la"]
        );
        assert_eq!(plain("192.0.2.7"), ["192", "0", "2", "7"]);
        assert_eq!(plain("ÄRGER straße"), ["ärger", "straße"]);
        assert_eq!(plain("日本go語"), ["日", "本", "go", "語"]);
        assert_eq!(plain(" -- "), Vec::<String>::new());
    }

    #[test]
    fn what_is_too_long_is_no_word_but_takes_a_place() {
        let text = format!("a {} b", "x".repeat(MAX_WORD + 1));
        let places: Vec<_> = words(&text).map(|word| (word.text, word.position)).collect();
        assert_eq!(places, [("a".to_owned(), 0), ("b".to_owned(), 2)]);
    }

    proptest::proptest! {
        #[test]
        fn any_text_has_words_that_stand_in_it(text in ".{0,200}") {
            let mut end = 0;
            for word in words(&text) {
                assert!(word.range.start >= end && !word.text.is_empty());
                assert!(text.get(word.range.clone()).is_some());
                end = word.range.end;
            }
        }
    }
}
