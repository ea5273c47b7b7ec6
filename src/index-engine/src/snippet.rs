//! The words that were looked for, in their surroundings.

use std::ops::Range;

use crate::query::Leaf;
use crate::words::{Word, words};

/// Characters shown, about.
const LENGTH: usize = 160;
/// Of these before the first word that was looked for.
const BEFORE: usize = 40;

/// A piece of a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snippet {
    /// The piece; line ends are spaces.
    pub text: String,
    /// Bytes of it that were looked for, in order.
    pub marks: Vec<Range<usize>>,
}

/// The place of `text` where most of what is wanted stands; its beginning when nothing of it does.
#[must_use]
pub fn snippet(text: &str, wanted: &[&Leaf]) -> Snippet {
    let found = found(text, wanted);
    let best = best(&found);
    let begin = best.map_or(0, |first| back(text, found[first].start, BEFORE));
    let end = forth(text, begin, LENGTH);
    let marks = found.iter().filter(|mark| mark.start >= begin && mark.end <= end);
    let (front, rear) = (begin > 0, end < text.len());
    let shift = if front { "…".len() } else { 0 };
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    // Control characters of one byte become a space of one: marks stay where they are.
    let shown: String = text[begin..end]
        .chars()
        .map(|c| if c.len_utf8() == 1 { plain(c) } else { c })
        .collect();
    Snippet {
        marks: marks
            .map(|mark| mark.start - begin + shift..mark.end - begin + shift)
            .collect(),
        text: format!(
            "{}{shown}{}",
            if front { "…" } else { "" },
            if rear { "…" } else { "" }
        ),
    }
}

/// Every place where something wanted stands, in order and apart from each other.
fn found(text: &str, wanted: &[&Leaf]) -> Vec<Range<usize>> {
    let all: Vec<Word> = words(text).collect();
    let mut marks: Vec<Range<usize>> = Vec::new();
    let mut first = 0;
    while first < all.len() {
        let longest = wanted
            .iter()
            .filter(|leaf| stands(&all[first..], leaf))
            .map(|leaf| leaf.words.len())
            .max();
        match longest {
            Some(count) => {
                marks.push(all[first].range.start..all[first + count - 1].range.end);
                first += count;
            }
            None => first += 1,
        }
    }
    marks
}

fn stands(all: &[Word], leaf: &Leaf) -> bool {
    let last = leaf.words.len().saturating_sub(1);
    all.len() > last
        && leaf
            .words
            .iter()
            .zip(all)
            .enumerate()
            .all(|(place, (wanted, word))| {
                word.position == all[0].position + place
                    && (word.text == *wanted
                        || place == last && leaf.is_prefix && word.text.starts_with(wanted.as_str()))
            })
}

/// The mark after which most marks fit into the piece.
fn best(marks: &[Range<usize>]) -> Option<usize> {
    let count = |first: usize| {
        let end = marks[first].start + LENGTH - BEFORE;
        marks[first..].iter().take_while(|mark| mark.end <= end).count()
    };
    // Of equal ones the first.
    (0..marks.len()).rev().max_by_key(|first| count(*first))
}

/// A boundary at most `count` characters before `place`, behind a space where there is one.
fn back(text: &str, place: usize, count: usize) -> usize {
    let begin = text[..place].char_indices().rev().take(count).last();
    let begin = begin.map_or(place, |(begin, _)| begin);
    if begin == 0 {
        return 0;
    }
    let space = text[begin..place].find(char::is_whitespace);
    space.map_or(begin, |space| text.ceil_char_boundary(begin + space + 1))
}

fn forth(text: &str, begin: usize, count: usize) -> usize {
    let end = text[begin..].char_indices().nth(count);
    end.map_or(text.len(), |(length, _)| begin + length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::Query;

    fn shown(text: &str, query: &str) -> (String, Vec<String>) {
        let query = Query::parse(query).unwrap();
        let snippet = snippet(text, &query.wanted());
        let marks = snippet
            .marks
            .iter()
            .map(|mark| snippet.text[mark.clone()].to_owned());
        (snippet.text.clone(), marks.collect())
    }

    #[test]
    fn words_are_marked_where_they_stand() {
        let (text, marks) = shown("$ systemctl\nrestart Postgresql-14", "postgres* systemctl");
        assert_eq!(text, "$ systemctl restart Postgresql-14");
        assert_eq!(marks, ["systemctl", "Postgresql"]);
        assert_eq!(shown("a b a c", "\"a c\"").1, ["a c"]);
        assert_eq!(shown("nothing here", "other").1, Vec::<String>::new());
    }

    #[test]
    fn of_a_long_text_the_place_is_shown() {
        let text = format!("{} Größe needle {}", "wörd ".repeat(200), "tail ".repeat(200));
        let (text, marks) = shown(&text, "needle");
        assert!(text.starts_with('…') && text.ends_with('…') && text.chars().count() < 200);
        assert_eq!(marks, ["needle"]);
    }

    proptest::proptest! {
        #[test]
        fn any_text_has_a_snippet(text in "(?s).{0,400}", query in "[a-c]{1,2}( [a-c]\\*?){0,2}") {
            if let Ok(query) = Query::parse(&query) {
                let snippet = snippet(&text, &query.wanted());
                assert!(snippet.marks.iter().all(|mark| snippet.text.get(mark.clone()).is_some()));
            }
        }
    }
}
