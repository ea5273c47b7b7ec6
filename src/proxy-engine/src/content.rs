//! Content policies: what is looked for in commands, on screens, and what is done about it.
//!
//! Whatever the case of the letters. It is detection: who may run programs can say the same in other words.

use regex::{RegexSet, RegexSetBuilder};
use sps_cluster_config::sections::policies::{ContentAction, ContentKind, ContentPolicy};
use thiserror::Error;

use crate::luhn::card_numbers;

/// Bytes the compiled expressions of an event may take.
const EXPRESSIONS: usize = 4 << 20;
/// Longest text that is kept of what was found.
const LONGEST: usize = 1024;

/// A content policy, ready to look.
#[derive(Clone, Debug)]
pub struct Content {
    events: Vec<Event>,
}

#[derive(Clone, Debug)]
struct Event {
    kind: ContentKind,
    matches: RegexSet,
    ignores: RegexSet,
    actions: Vec<ContentAction>,
}

/// Something that was looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where.
    pub kind: ContentKind,
    /// What: the command, the line; of a card number the last four digits alone.
    pub text: String,
    /// What is done about it.
    pub actions: Vec<ContentAction>,
}

/// What was found in one text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matched(pub Vec<Finding>);

/// Why a policy cannot look.
#[derive(Debug, Error)]
pub enum ContentError {
    /// An expression is none.
    #[error("event {event} of the content policy: mend the regular expression")]
    Expression {
        /// Which, the first is 1.
        event: usize,
        /// What is wrong with it.
        source: regex::Error,
    },
}

impl Content {
    /// Prepares the policy.
    ///
    /// # Errors
    /// When an expression is none, or too large.
    pub fn new(policy: &ContentPolicy) -> Result<Self, ContentError> {
        let events = policy.events.iter().enumerate().map(|(place, event)| {
            let set = |patterns: &[String]| {
                RegexSetBuilder::new(patterns)
                    .case_insensitive(true)
                    .size_limit(EXPRESSIONS)
                    .build()
                    .map_err(|source| ContentError::Expression {
                        event: place + 1,
                        source,
                    })
            };
            Ok(Event {
                kind: event.kind,
                matches: set(&event.matches)?,
                ignores: set(&event.ignores)?,
                actions: event.actions.clone(),
            })
        });
        Ok(Self {
            events: events.collect::<Result<_, _>>()?,
        })
    }

    /// Whether it looks at texts of this kind.
    #[must_use]
    pub fn looks_at(&self, kind: ContentKind) -> bool {
        self.events.iter().any(|event| event.kind == kind)
    }

    /// Looks at a command that is about to run.
    #[must_use]
    pub fn command(&self, text: &str) -> Matched {
        self.look(ContentKind::Commands, text)
    }

    /// A command that cannot be read whole: everything that looks at commands may be in it.
    #[must_use]
    pub fn unreadable_command(&self) -> Matched {
        let events = self
            .events
            .iter()
            .filter(|event| event.kind == ContentKind::Commands);
        Matched(
            events
                .map(|event| Finding {
                    kind: event.kind,
                    text: "a command that is too long to be read".into(),
                    actions: event.actions.clone(),
                })
                .collect(),
        )
    }

    /// Looks at the title of a window.
    #[must_use]
    pub fn title(&self, text: &str) -> Matched {
        self.look(ContentKind::WindowTitle, text)
    }

    /// Looks at a line of the screen: for texts and for card numbers.
    #[must_use]
    pub fn screen(&self, text: &str) -> Matched {
        let mut found = self.look(ContentKind::ScreenContent, text);
        let cards = || {
            self.events
                .iter()
                .filter(|event| event.kind == ContentKind::CreditCard)
        };
        if cards().next().is_some() {
            for number in card_numbers(text) {
                let of_number = cards().filter(|event| !event.ignores.is_match(&number));
                found.0.extend(of_number.map(|event| Finding {
                    kind: ContentKind::CreditCard,
                    text: format!(
                        "card number ending in {}",
                        number.get(number.len() - 4..).unwrap_or_default()
                    ),
                    actions: event.actions.clone(),
                }));
            }
        }
        found
    }

    fn look(&self, kind: ContentKind, text: &str) -> Matched {
        let events = self.events.iter().filter(|event| {
            event.kind == kind && event.matches.is_match(text) && !event.ignores.is_match(text)
        });
        Matched(
            events
                .map(|event| Finding {
                    kind,
                    text: text.chars().take(LONGEST).collect(),
                    actions: event.actions.clone(),
                })
                .collect(),
        )
    }
}

impl Matched {
    /// Whether anything found asks for this.
    #[must_use]
    pub fn asks_for(&self, action: ContentAction) -> bool {
        self.0.iter().any(|finding| finding.actions.contains(&action))
    }
}

#[cfg(test)]
mod tests {
    use sps_cluster_config::sections::policies::ContentEvent;

    use super::*;

    fn content(kind: ContentKind, matches: &[&str], ignores: &[&str]) -> Content {
        let texts = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect();
        Content::new(&ContentPolicy {
            events: vec![ContentEvent {
                kind,
                matches: texts(matches),
                ignores: texts(ignores),
                actions: vec![ContentAction::Terminate],
            }],
        })
        .unwrap()
    }

    #[test]
    fn commands_are_found_whatever_stands_around_them() {
        let content = content(ContentKind::Commands, &[r"\brm\b", "shutdown"], &["rm --help"]);
        for command in [
            "rm -rf /",
            "ls;rm x",
            "RM x",
            "sudo ShutDown -h now",
            "true && rm y",
            "ls | xargs rm",
            "/bin/rm z",
        ] {
            assert!(
                content.command(command).asks_for(ContentAction::Terminate),
                "{command}"
            );
        }
        for command in ["ls", "alarm", "rm --help", ""] {
            assert_eq!(content.command(command), Matched::default(), "{command}");
        }
        assert_eq!(content.screen("rm -rf /"), Matched::default());
    }

    #[test]
    fn card_numbers_are_not_kept_whole() {
        let content = content(ContentKind::CreditCard, &[], &["^4000"]);
        let found = content.screen("card 4111 1111 1111 1111 ok");
        assert_eq!(found.0.len(), 1);
        assert_eq!(found.0[0].text, "card number ending in 1111");
        assert_eq!(content.screen("4000 0000 0000 0002"), Matched::default());
    }

    #[test]
    fn a_broken_expression_is_named() {
        let policy = ContentPolicy {
            events: vec![ContentEvent {
                kind: ContentKind::Commands,
                matches: vec!["(".into()],
                ignores: Vec::new(),
                actions: Vec::new(),
            }],
        };
        assert!(Content::new(&policy).unwrap_err().to_string().contains("event 1"));
    }
}
