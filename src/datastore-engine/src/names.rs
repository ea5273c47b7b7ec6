//! Names on the data store.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Folder of the pointers, one a firmware.
pub const BY_FIRMWARE: &str = "by-firmware";
/// Folder of the sessions that are carried from tree to tree.
pub const CARRY: &str = "carry";
/// The record of the tree that was worked on last.
pub const LAST_SERVED: &str = "last-served.json";
/// What a tree is renamed to before it is removed: this and its name.
pub const REMOVING: &str = "removing-";
/// The record in every tree.
pub const TREE_RECORD: &str = "layout.json";
/// The journal in a tree that was made by a reorganization.
pub const JOURNAL: &str = "reorganization.json";
/// Names in a tree that belong to the store itself.
pub const RESERVED: [&str; 4] = [TREE_RECORD, JOURNAL, "layout.json.new", "reorganization.json.new"];

/// Hexadecimal digits of a digest.
const DIGEST_DIGITS: usize = 64;

/// Name of a tree: `layout-5.2` is the second tree of this store and has layout 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TreeName {
    /// Number of the tree: none has it twice on a store.
    pub generation: u32,
    /// Number of its layout.
    pub layout: u32,
}

/// It is no tree's name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("it is not the name of a tree, such as layout-5.2")]
pub struct NoTree;

impl FromStr for TreeName {
    type Err = NoTree;

    fn from_str(text: &str) -> Result<Self, NoTree> {
        let numbers = text.strip_prefix("layout-").and_then(|rest| rest.split_once('.'));
        let (layout, generation) = numbers.ok_or(NoTree)?;
        let number = |text: &str| text.parse::<u32>().ok().filter(|number| *number > 0);
        let name = Self {
            layout: number(layout).ok_or(NoTree)?,
            generation: number(generation).ok_or(NoTree)?,
        };
        // One tree, one name: no leading zeros, no signs.
        if name.to_string() == text {
            Ok(name)
        } else {
            Err(NoTree)
        }
    }
}

impl TryFrom<String> for TreeName {
    type Error = NoTree;

    fn try_from(text: String) -> Result<Self, NoTree> {
        text.parse()
    }
}

impl From<TreeName> for String {
    fn from(name: TreeName) -> Self {
        name.to_string()
    }
}

impl fmt::Display for TreeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "layout-{}.{}", self.layout, self.generation)
    }
}

/// What a pointer to a tree holds.
#[must_use]
pub fn link_to(tree: TreeName) -> String {
    format!("../{tree}")
}

/// The firmware a pointer belongs to, if its name is one.
#[must_use]
pub fn digest_of(name: &str) -> Option<&str> {
    let plain = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    (name.len() == DIGEST_DIGITS && name.bytes().all(plain)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_has_one_name() {
        let tree = TreeName {
            layout: 5,
            generation: 12,
        };
        assert_eq!("layout-5.12".parse(), Ok(tree));
        assert_eq!(link_to(tree), "../layout-5.12");
        for text in [
            "layout-5",
            "layout-05.1",
            "layout-5.+1",
            "layout-0.1",
            "layout-5.0",
            "layout-5.1.new",
            "x",
        ] {
            assert_eq!(text.parse::<TreeName>(), Err(NoTree), "{text}");
        }
    }

    #[test]
    fn a_pointer_is_named_by_a_digest() {
        let digest = "0123456789abcdef".repeat(4);
        assert_eq!(digest_of(&digest), Some(digest.as_str()));
        for name in ["", "ABCDEF", &digest[1..], &format!("{}g", &digest[1..])] {
            assert_eq!(digest_of(name), None, "{name}");
        }
    }
}
