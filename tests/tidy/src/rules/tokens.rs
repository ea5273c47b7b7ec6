//! Rust that may not be written, judged by tokens: comments and texts are free to speak of it.

use proc_macro2::{Group, Ident, TokenStream, TokenTree};

use crate::tree::{SourceFile, Tree};

/// The one room with unsafe code.
const UNSAFE_ROOM: &str = "src/sys/";

/// Unsafe code outside its room, unfinished code, ignored tests, sleeping tests, exceptions without a reason.
#[must_use]
pub fn forbidden_tokens(tree: &Tree) -> Vec<String> {
    let mut problems = Vec::new();
    for file in tree.rust() {
        match file.text.parse::<TokenStream>() {
            Ok(tokens) => Walk {
                file,
                in_test: is_test_file(&file.path),
                problems: &mut problems,
            }
            .tokens(tokens),
            Err(e) => problems.push(format!("{}:{}: {e}", file.path, e.span().start().line)),
        }
    }
    problems
}

fn is_test_file(path: &str) -> bool {
    path.starts_with("tests/") || path.contains("/tests/")
}

struct Walk<'a> {
    file: &'a SourceFile,
    in_test: bool,
    problems: &'a mut Vec<String>,
}

impl Walk<'_> {
    fn tokens(&mut self, tokens: TokenStream) {
        let tokens: Vec<_> = tokens.into_iter().collect();
        for (place, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Ident(word) => self.word(word, tokens.get(place + 1)),
                TokenTree::Group(group) => self.group(group, &tokens[..place]),
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
    }

    fn word(&mut self, word: &Ident, next: Option<&TokenTree>) {
        let is_macro = matches!(next, Some(TokenTree::Punct(mark)) if mark.as_char() == '!');
        match word.to_string().as_str() {
            "unsafe" if !self.file.path.starts_with(UNSAFE_ROOM) => {
                self.offence(word, "unsafe code belongs into src/sys");
            }
            "todo" | "unimplemented" if is_macro => self.offence(word, "finish it or leave it out"),
            "sleep" | "sleep_until" if self.in_test => {
                self.offence(
                    word,
                    "a test waits for the event, with a bound, and does not sleep",
                );
            }
            "allow" => {
                if let Some(TokenTree::Group(lints)) = next
                    && !has_word(lints, "reason")
                {
                    self.offence(word, "give the reason: #[allow(…, reason = \"…\")]");
                }
            }
            _ => {}
        }
    }

    /// Descends; a module under `#[cfg(test)]` counts as a test.
    fn group(&mut self, group: &Group, before: &[TokenTree]) {
        if is_attribute(before) && first_word(group).is_some_and(|word| word == "ignore") {
            self.problems.push(format!(
                "{}:{}: a test that is not run proves nothing",
                self.file.path,
                group.span_open().start().line
            ));
        }
        let outside = self.in_test;
        self.in_test |= is_test_module(before);
        self.tokens(group.stream());
        self.in_test = outside;
    }

    fn offence(&mut self, word: &Ident, mend: &str) {
        let line = word.span().start().line;
        self.problems
            .push(format!("{}:{line}: `{word}`: {mend}", self.file.path));
    }
}

fn is_attribute(before: &[TokenTree]) -> bool {
    matches!(before.last(), Some(TokenTree::Punct(mark)) if mark.as_char() == '#')
}

/// Whether `before` ends in `#[cfg(test)] mod name`.
fn is_test_module(before: &[TokenTree]) -> bool {
    let [
        ..,
        TokenTree::Group(attribute),
        TokenTree::Ident(keyword),
        TokenTree::Ident(_),
    ] = before
    else {
        return false;
    };
    *keyword == "mod"
        && first_word(attribute).is_some_and(|word| word == "cfg")
        && has_word(attribute, "test")
}

fn first_word(group: &Group) -> Option<Ident> {
    match group.stream().into_iter().next() {
        Some(TokenTree::Ident(word)) => Some(word),
        _ => None,
    }
}

fn has_word(group: &Group, wanted: &str) -> bool {
    group.stream().into_iter().any(|token| match token {
        TokenTree::Ident(word) => word == wanted,
        TokenTree::Group(inner) => has_word(&inner, wanted),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(path: &str, text: &str) -> Vec<String> {
        let file = SourceFile {
            path: path.into(),
            text: text.into(),
        };
        forbidden_tokens(&Tree {
            top: Vec::new(),
            files: vec![file],
        })
    }

    #[test]
    fn code_is_judged_and_comments_are_not() {
        assert_eq!(
            problems("src/a.rs", "// unsafe sleep\nfn f() { \"unsafe\"; }").len(),
            0
        );
        assert_eq!(problems("src/a.rs", "fn f() { unsafe { g() } }").len(), 1);
        assert_eq!(problems("src/sys/src/a.rs", "fn f() { unsafe { g() } }").len(), 0);
        assert_eq!(
            problems("src/a.rs", "fn f() { todo!() }\nfn g() { unimplemented!() }").len(),
            2
        );
        assert_eq!(problems("src/a.rs", "#[ignore = \"slow\"]\nfn f() {}").len(), 1);
    }

    #[test]
    fn only_tests_may_not_sleep() {
        let sleeps = "async fn f() { tokio::time::sleep(d).await }";
        assert_eq!(problems("src/a.rs", sleeps).len(), 0);
        assert_eq!(problems("src/a/tests/a.rs", sleeps).len(), 1);
        assert_eq!(
            problems("src/a.rs", &format!("#[cfg(test)]\nmod tests {{ {sleeps} }}")).len(),
            1
        );
    }

    #[test]
    fn an_exception_needs_its_reason() {
        assert_eq!(problems("src/a.rs", "#[allow(dead_code)]\nfn f() {}").len(), 1);
        assert_eq!(
            problems("src/a.rs", "#[allow(dead_code, reason = \"why\")]\nfn f() {}").len(),
            0
        );
        assert_eq!(
            problems("src/a.rs", "#![cfg_attr(test, allow(dead_code))]").len(),
            1
        );
    }
}
