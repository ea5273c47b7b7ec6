//! What people ask of content: words, `"phrases"`, `AND`, `OR`, `-not`, `prefix*`, parentheses.
//!
//! All conditions are about a session as a whole: `a b` finds sessions in which both stand, wherever; a phrase stands in one moment.

use std::fmt;

use thiserror::Error;

use crate::words::words;

/// Longest query, bytes.
pub const MAX_QUERY: usize = 1024;
/// Most words and phrases of a query: each is looked for on its own.
const MOST_LEAVES: usize = 32;
/// Deepest parentheses.
const DEEPEST: usize = 16;
/// Fewest characters before a star: a shorter beginning stands for half of all words.
const SHORTEST_PREFIX: usize = 2;

/// Why a query is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum QueryError {
    /// Nothing to look for.
    #[error("there is no word in it: give one or more words, such as `restart postgresql`")]
    Empty,
    /// Too long.
    #[error("it has {size} bytes, at most {MAX_QUERY} are read")]
    TooLong {
        /// Its bytes.
        size: usize,
    },
    /// Too many words.
    #[error(
        "it has more than {MOST_LEAVES} words and phrases: leave some out, or put those that stand together in quotation marks"
    )]
    TooMany,
    /// A quotation mark is open.
    #[error("a quotation mark is not closed: a phrase stands between two, such as \"permission denied\"")]
    OpenPhrase,
    /// A parenthesis is open or closes nothing.
    #[error("a parenthesis has no other side: put one more `(` or `)`, or put the text in quotation marks")]
    Parenthesis,
    /// Parentheses are nested too deep.
    #[error("parentheses stand inside of each other more than {DEEPEST} deep")]
    TooDeep,
    /// An operator without something beside it.
    #[error("`{word}` needs a word on both sides; to find the word itself put it in quotation marks")]
    Operator {
        /// Which.
        word: &'static str,
    },
    /// Only what is not wanted.
    #[error("it says only what is not to be found: give a word that is, such as `restart -postgresql`")]
    OnlyNot,
    /// A star after too little.
    #[error("before a star stand at least {SHORTEST_PREFIX} letters or digits, such as `post*`")]
    Prefix,
}

/// A condition on the content of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Query {
    /// This stands in it.
    Leaf(Leaf),
    /// All of these; at least one of them is no [`Query::Not`].
    And(Vec<Query>),
    /// Any of these; none of them is a [`Query::Not`].
    Or(Vec<Query>),
    /// Not this: inside of [`Query::And`] alone.
    Not(Box<Query>),
}

/// Words in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// At least one, in lower case.
    pub words: Vec<String>,
    /// The last one is the beginning of a word.
    pub is_prefix: bool,
}

impl Query {
    /// Reads what somebody typed.
    ///
    /// # Errors
    /// It means nothing, or too much.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        if text.len() > MAX_QUERY {
            return Err(QueryError::TooLong { size: text.len() });
        }
        let mut parser = Parser {
            tokens: tokens(text)?,
            next: 0,
            leaves: 0,
        };
        let query = parser.alternatives(0)?;
        if parser.next < parser.tokens.len() {
            return Err(QueryError::Parenthesis);
        }
        let query = query.ok_or(QueryError::Empty)?;
        if matches!(query, Self::Not(_)) {
            return Err(QueryError::OnlyNot);
        }
        Ok(query)
    }

    /// The words and phrases that are wanted, not those that are not: what is shown where they stand.
    #[must_use]
    pub fn wanted(&self) -> Vec<&Leaf> {
        match self {
            Self::Leaf(leaf) => vec![leaf],
            Self::And(parts) | Self::Or(parts) => parts.iter().flat_map(Self::wanted).collect(),
            Self::Not(_) => Vec::new(),
        }
    }
}

impl fmt::Display for Leaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let star = if self.is_prefix { "*" } else { "" };
        write!(f, "{}{star}", self.words.join(" "))
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Open,
    Close,
    And,
    Or,
    Not,
    /// Without its star, and whether it has one; a quoted one is no operator.
    Text(String, bool),
}

fn tokens(text: &str) -> Result<Vec<Token>, QueryError> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let mut after = &rest[first.len_utf8()..];
        match first {
            '(' => found.push(Token::Open),
            ')' => found.push(Token::Close),
            '"' => {
                let (phrase, behind) = after.split_once('"').ok_or(QueryError::OpenPhrase)?;
                after = behind.strip_prefix('*').unwrap_or(behind);
                found.push(Token::Text(phrase.to_owned(), after.len() < behind.len()));
            }
            '-' => found.push(Token::Not),
            _ => {
                let end = rest
                    .find(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '"'))
                    .unwrap_or(rest.len());
                after = &rest[end..];
                found.push(match &rest[..end] {
                    "AND" | "&&" => Token::And,
                    "OR" | "||" => Token::Or,
                    "NOT" => Token::Not,
                    word => match word.strip_suffix('*') {
                        Some(beginning) => Token::Text(beginning.to_owned(), true),
                        None => Token::Text(word.to_owned(), false),
                    },
                });
            }
        }
        rest = after.trim_start();
    }
    Ok(found)
}

struct Parser {
    tokens: Vec<Token>,
    next: usize,
    leaves: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next)
    }

    /// `a OR b`; none when there is nothing.
    fn alternatives(&mut self, depth: usize) -> Result<Option<Query>, QueryError> {
        if depth > DEEPEST {
            return Err(QueryError::TooDeep);
        }
        let Some(first) = self.together(depth)? else {
            return match self.peek() {
                Some(Token::Or) => Err(QueryError::Operator { word: "OR" }),
                _ => Ok(None),
            };
        };
        let mut parts = vec![first];
        while self.peek() == Some(&Token::Or) {
            self.next += 1;
            let part = self.together(depth)?;
            parts.push(part.ok_or(QueryError::Operator { word: "OR" })?);
        }
        if parts.len() == 1 {
            return Ok(parts.pop());
        }
        if parts.iter().any(|part| matches!(part, Query::Not(_))) {
            return Err(QueryError::OnlyNot);
        }
        Ok(Some(Query::Or(parts)))
    }

    /// `a b`, `a AND b`; none when there is nothing. Of nots alone it is the not of one or the other.
    fn together(&mut self, depth: usize) -> Result<Option<Query>, QueryError> {
        let mut parts = Vec::new();
        let mut open = None;
        loop {
            match self.peek() {
                Some(Token::And) if parts.is_empty() || open.is_some() => {
                    return Err(QueryError::Operator { word: "AND" });
                }
                Some(Token::And) => {
                    self.next += 1;
                    open = Some(QueryError::Operator { word: "AND" });
                }
                None | Some(Token::Or | Token::Close) => break,
                Some(_) => {
                    // What has no letter in it asks for nothing.
                    parts.extend(self.single(depth)?);
                    open = None;
                }
            }
        }
        if let Some(error) = open {
            return Err(error);
        }
        if parts.iter().all(|part| matches!(part, Query::Not(_))) && parts.len() > 1 {
            return Err(QueryError::OnlyNot);
        }
        Ok(match parts.len() {
            0 | 1 => parts.pop(),
            _ => Some(Query::And(parts)),
        })
    }

    fn single(&mut self, depth: usize) -> Result<Option<Query>, QueryError> {
        let token = self.peek().cloned();
        self.next += 1;
        match token {
            Some(Token::Not) => {
                let not_something = !matches!(
                    self.peek(),
                    None | Some(Token::And | Token::Or | Token::Close | Token::Not)
                );
                if !not_something {
                    return Err(QueryError::Operator { word: "-" });
                }
                if depth + 1 > DEEPEST {
                    return Err(QueryError::TooDeep);
                }
                Ok(match self.single(depth + 1)? {
                    Some(Query::Not(wanted)) => Some(*wanted),
                    Some(part) => Some(Query::Not(Box::new(part))),
                    None => None,
                })
            }
            Some(Token::Open) => {
                let inside = self.alternatives(depth + 1)?;
                if self.peek() != Some(&Token::Close) {
                    return Err(QueryError::Parenthesis);
                }
                self.next += 1;
                Ok(inside)
            }
            Some(Token::Text(text, is_prefix)) => self.leaf(&text, is_prefix),
            _ => Ok(None),
        }
    }

    fn leaf(&mut self, text: &str, is_prefix: bool) -> Result<Option<Query>, QueryError> {
        let words: Vec<String> = words(text).map(|word| word.text).collect();
        let Some(last) = words.last() else {
            return if is_prefix {
                Err(QueryError::Prefix)
            } else {
                Ok(None)
            };
        };
        let ends = text.ends_with(char::is_alphanumeric);
        if is_prefix && (!ends || last.chars().count() < SHORTEST_PREFIX) {
            return Err(QueryError::Prefix);
        }
        self.leaves += 1;
        if self.leaves > MOST_LEAVES {
            return Err(QueryError::TooMany);
        }
        Ok(Some(Query::Leaf(Leaf { words, is_prefix })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(query: &Query) -> String {
        let all = |parts: &[Query], word: &str| {
            let parts: Vec<_> = parts.iter().map(told).collect();
            format!("({})", parts.join(word))
        };
        match query {
            Query::Leaf(leaf) => format!("{leaf}").replace(' ', "_"),
            Query::And(parts) => all(parts, " & "),
            Query::Or(parts) => all(parts, " | "),
            Query::Not(part) => format!("!{}", told(part)),
        }
    }

    fn read(text: &str) -> String {
        told(&Query::parse(text).unwrap())
    }

    #[test]
    fn words_phrases_operators_and_stars_are_read() {
        for (text, meant) in [
            ("restart", "restart"),
            ("Restart postgresql", "(restart & postgresql)"),
            ("restart AND postgresql", "(restart & postgresql)"),
            ("\"permission denied\" OR fail*", "(permission_denied | fail*)"),
            ("a b OR c d", "((a & b) | (c & d))"),
            ("(a OR b) -c", "((a | b) & !c)"),
            ("a -\"b c\"", "(a & !b_c)"),
            ("a NOT b", "(a & !b)"),
            ("/etc/passwd", "etc_passwd"),
            ("192.0.2.7", "192_0_2_7"),
            ("systemctl post*", "(systemctl & post*)"),
            ("\"systemctl post\"*", "systemctl_post*"),
            ("a - -- b", "err"),
            ("-(-a)", "a"),
            ("or and not", "(or & and & not)"),
            ("well-known", "well_known"),
        ] {
            match Query::parse(text) {
                Ok(query) => assert_eq!(told(&query), meant, "{text}"),
                Err(error) => assert_eq!("err", meant, "{text}: {error}"),
            }
        }
        assert_eq!(read("a ; b"), "(a & b)");
    }

    #[test]
    fn a_bad_query_is_refused_with_what_is_wrong() {
        use QueryError as E;
        for (text, error) in [
            ("", E::Empty),
            (" ; ", E::Empty),
            ("()", E::Empty),
            ("\"a", E::OpenPhrase),
            ("(a", E::Parenthesis),
            ("a)", E::Parenthesis),
            ("a AND", E::Operator { word: "AND" }),
            ("AND a", E::Operator { word: "AND" }),
            ("a OR", E::Operator { word: "OR" }),
            ("OR a", E::Operator { word: "OR" }),
            ("a -", E::Operator { word: "-" }),
            ("-a", E::OnlyNot),
            ("-a -b", E::OnlyNot),
            ("a OR -b", E::OnlyNot),
            ("a*", E::Prefix),
            ("*", E::Prefix),
            ("ab-*", E::Prefix),
        ] {
            assert_eq!(Query::parse(text), Err(error), "{text}");
        }
        assert_eq!(Query::parse(&"a ".repeat(33)), Err(E::TooMany));
        assert_eq!(Query::parse(&"(".repeat(100)), Err(E::TooDeep));
        assert_eq!(
            Query::parse(&"a".repeat(MAX_QUERY + 1)),
            Err(E::TooLong { size: MAX_QUERY + 1 })
        );
    }

    #[test]
    fn what_is_shown_is_what_is_wanted() {
        let query = Query::parse("(a OR \"b c\") -d e*f").unwrap();
        let wanted: Vec<_> = query.wanted().into_iter().map(ToString::to_string).collect();
        assert_eq!(wanted, ["a", "b c", "e f"]);
    }

    proptest::proptest! {
        #[test]
        fn anything_is_read_or_refused(text in "[ab\"()* -]{0,40}|.{0,60}") {
            if let Ok(query) = Query::parse(&text) {
                assert!(!query.wanted().is_empty(), "{text}");
            }
        }
    }
}
