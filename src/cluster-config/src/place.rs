//! Where a setting is: the names on the way to it from the top of the document, as in `management/syslog/0/server`.
//!
//! An object of a list is told by its name where the objects of the list have names, else by its number, from 0. A name that holds a
//! slash is written with `~1` for it, and with `~0` for a tilde (RFC 6901, 3).

use std::fmt;
use std::str::FromStr;

use serde_json::Value;
use thiserror::Error;

/// Most names on a way: twice as many as the document is deep.
const MOST_PARTS: usize = 20;

/// Objects whose keys are names that people gave; `*` stands for any one name.
pub(crate) const NAMED: [&[&str]; 26] = [
    &["trust_stores"],
    &["network", "interfaces"],
    &["local_services", "indexer", "hosts"],
    &["users", "local"],
    &["users", "groups"],
    &["users", "groups", "*", "rights"],
    &["policies", "audit"],
    &["policies", "content"],
    &["policies", "time"],
    &["policies", "user_lists"],
    &["policies", "user_databases"],
    &["policies", "user_databases", "*"],
    &["policies", "user_mappings"],
    &["policies", "credential_stores"],
    &["policies", "credential_stores", "*", "accounts"],
    &["policies", "ldap_servers"],
    &["policies", "signing_cas"],
    &["policies", "indexer"],
    &["policies", "backup"],
    &["policies", "archive"],
    &["connections", "ssh", "channel_policies"],
    &["connections", "ssh", "authentication_policies"],
    &["connections", "ssh", "settings"],
    &["connections", "rdp", "channel_policies"],
    &["connections", "rdp", "settings"],
    &["cluster", "nodes"],
];
/// Objects whose keys come and go although nobody named them.
const OPEN: [&[&str]; 1] = [&["policies", "time", "*", "days"]];

/// Where a setting is. The top of the document is the empty one.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(Vec<String>);

/// What is no way to a setting.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{text:?} is no path of a setting: give one such as management/disk_fill_up_prevention")]
pub struct PlaceError {
    /// What was given.
    text: String,
}

impl Place {
    /// The place of these names.
    #[must_use]
    pub const fn new(parts: Vec<String>) -> Self {
        Self(parts)
    }

    /// The names on the way to it.
    #[must_use]
    pub fn parts(&self) -> &[String] {
        &self.0
    }

    /// The place below this one with a name.
    #[must_use]
    pub fn below(&self, name: &str) -> Self {
        let mut parts = self.0.clone();
        parts.push(name.to_owned());
        Self(parts)
    }

    /// The place above, and the name there; none at the top.
    pub(crate) fn split(&self) -> Option<(Self, &str)> {
        let (last, above) = self.0.split_last()?;
        Some((Self(above.to_vec()), last))
    }

    /// Whether it is `other`, or lies below it.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }

    /// Whether the object there holds objects by names, which come and go.
    #[must_use]
    pub fn holds_names(&self) -> bool {
        fits(&self.0, &NAMED) || fits(&self.0, &OPEN)
    }
}

impl FromStr for Place {
    type Err = PlaceError;

    /// Reads `a/b/c`, with or without a slash in front. Paths of messages, `a.b.c`, are read too.
    fn from_str(text: &str) -> Result<Self, PlaceError> {
        let inner = text.strip_prefix('/').unwrap_or(text);
        let inner = inner.strip_suffix('/').unwrap_or(inner);
        if inner.is_empty() {
            return Ok(Self::default());
        }
        let separator = if inner.contains('/') { '/' } else { '.' };
        let parts: Vec<String> = inner
            .split(separator)
            .map(|part| part.replace("~1", "/").replace("~0", "~"))
            .collect();
        if parts.len() > MOST_PARTS || parts.iter().any(String::is_empty) {
            let text = text.chars().take(200).collect();
            return Err(PlaceError { text });
        }
        Ok(Self(parts))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let escaped = self.0.iter().map(|part| escaped(part));
        f.write_str(&escaped.collect::<Vec<_>>().join("/"))
    }
}

/// A name as a part of a path (RFC 6901, 3).
pub(crate) fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Whether a path fits one of the patterns.
pub(crate) fn fits(path: &[String], patterns: &[&[&str]]) -> bool {
    patterns.iter().any(|pattern| {
        pattern.len() == path.len()
            && pattern
                .iter()
                .zip(path)
                .all(|(part, key)| *part == "*" || part == key)
    })
}

/// Where in a list the object of this name is; in a list of objects without names, the one of this number.
pub(crate) fn in_list(list: &[Value], name: &str) -> Option<usize> {
    let name_of = |value: &Value| value.get("name").and_then(Value::as_str).map(ToOwned::to_owned);
    if list.iter().all(|value| name_of(value).is_some()) {
        return list
            .iter()
            .position(|value| name_of(value).as_deref() == Some(name));
    }
    name.parse().ok().filter(|place| *place < list.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_written_as_they_are_read() {
        let parsed = |text: &str| text.parse::<Place>().unwrap();
        for (text, parts, written) in [
            ("", vec![], ""),
            ("/", vec![], ""),
            ("a/b", vec!["a", "b"], "a/b"),
            ("/a/b/", vec!["a", "b"], "a/b"),
            (
                "management.syslog.0",
                vec!["management", "syslog", "0"],
                "management/syslog/0",
            ),
            ("a/x.y/c~1d~0e", vec!["a", "x.y", "c/d~e"], "a/x.y/c~1d~0e"),
        ] {
            let place = parsed(text);
            assert_eq!(place.parts(), parts, "{text}");
            assert_eq!(place.to_string(), written, "{text}");
            assert_eq!(parsed(&place.to_string()), place, "{text}");
        }
        assert!("a//b".parse::<Place>().is_err());
        assert!("a/".repeat(30).parse::<Place>().is_err());
        assert!(parsed("a/b").is_within(&parsed("a")) && !parsed("ab").is_within(&parsed("a")));
    }
}
