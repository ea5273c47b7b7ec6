//! Which tree the running firmware uses.
//!
//! A firmware that finds what it left uses it, whatever others did since: going back needs nothing. One that has no tree, or
//! an outdated one, gets its own from the tree that was worked on last.

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

use crate::layouts::LATEST;
use crate::names::TreeName;

/// A tree on the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    /// Its name.
    pub name: TreeName,
    /// Nothing when it is whole; else what it is being made from.
    pub unfinished: Option<Origin>,
}

/// What an unfinished tree is being made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The tree; nothing when its journal cannot be read.
    pub from: Option<TreeName>,
    /// Digest of the firmware that makes it.
    pub firmware: String,
}

/// What there is on a store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreFacts {
    /// The trees.
    pub trees: Vec<Tree>,
    /// Which tree each firmware uses, by digest; pointers that lead nowhere are left out.
    pub pointers: BTreeMap<String, TreeName>,
    /// The tree that was worked on last; nothing when nobody knows.
    pub last_served: Option<TreeName>,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Use this tree: the pointer leads there.
    Use {
        /// The tree.
        tree: TreeName,
    },
    /// Move the pointer to this tree, then use it: it has the right layout already.
    Point {
        /// The tree.
        tree: TreeName,
    },
    /// Make an empty tree: nothing is on the store.
    Create {
        /// The tree.
        tree: TreeName,
    },
    /// Make a tree out of another.
    Reorganize {
        /// The tree that was worked on last.
        from: TreeName,
        /// The tree to be made.
        into: TreeName,
        /// Whether it was begun: what it has is gone on with.
        resume: bool,
    },
}

/// Why there is no tree for this firmware.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The store is of a later firmware.
    #[error(
        "the data store was last used with layout {found} ({tree}), this firmware works on layout {own} and left nothing there: \
         start the firmware that used it, or one that is newer"
    )]
    Future {
        /// Its tree.
        tree: TreeName,
        /// Its layout.
        found: u32,
        /// The layout of the running firmware.
        own: u32,
    },
    /// The running firmware cannot work on any layout this code knows.
    #[error("this firmware says that it works on layout {own}, and it knows layouts 1 to {LATEST}")]
    Unknown {
        /// The layout it says.
        own: u32,
    },
    /// There are trees, and none of them is whole.
    #[error("no tree of the data store is whole: ask support, and restore a backup if there is one")]
    NothingWhole,
}

/// Decides for the firmware with digest `own` that works on layout `layout`.
///
/// # Errors
/// Nothing on the store can serve it; nothing may be changed then.
pub fn choose(facts: &StoreFacts, own: &str, layout: u32) -> Result<Choice, Refusal> {
    if !(crate::layouts::FIRST..=LATEST).contains(&layout) {
        return Err(Refusal::Unknown { own: layout });
    }
    let is_whole = |name: TreeName| {
        facts
            .trees
            .iter()
            .any(|tree| tree.name == name && tree.unfinished.is_none())
    };
    let pointed = facts
        .pointers
        .get(own)
        .copied()
        .filter(|tree| is_whole(*tree) && tree.layout == layout);
    let Some(last) = last_served(facts, is_whole) else {
        return match pointed {
            Some(tree) => Ok(Choice::Use { tree }),
            None if facts.trees.iter().all(|tree| tree.unfinished.is_some()) && facts.pointers.is_empty() => {
                Ok(Choice::Create {
                    tree: next(facts, layout),
                })
            }
            None => Err(Refusal::NothingWhole),
        };
    };
    match (pointed, last.layout.cmp(&layout)) {
        (Some(tree), _) if tree == last => Ok(Choice::Use { tree }),
        (Some(tree), std::cmp::Ordering::Greater) => Ok(Choice::Use { tree }),
        (_, std::cmp::Ordering::Equal) => Ok(Choice::Point { tree: last }),
        (_, std::cmp::Ordering::Less) => Ok(reorganize(facts, own, layout, last)),
        (None, std::cmp::Ordering::Greater) => Err(Refusal::Future {
            tree: last,
            found: last.layout,
            own: layout,
        }),
    }
}

/// The tree worked on last; when nobody knows, the newest whole one.
fn last_served(facts: &StoreFacts, is_whole: impl Fn(TreeName) -> bool) -> Option<TreeName> {
    let newest = || {
        facts
            .trees
            .iter()
            .map(|tree| tree.name)
            .filter(|name| is_whole(*name))
            .max()
    };
    facts.last_served.filter(|tree| is_whole(*tree)).or_else(newest)
}

fn reorganize(facts: &StoreFacts, own: &str, layout: u32, from: TreeName) -> Choice {
    let begun = facts.trees.iter().find(|tree| {
        let origin = tree.unfinished.as_ref();
        tree.name.layout == layout
            && origin.is_some_and(|origin| origin.from == Some(from) && origin.firmware == own)
    });
    Choice::Reorganize {
        from,
        into: begun.map_or_else(|| next(facts, layout), |tree| tree.name),
        resume: begun.is_some(),
    }
}

fn next(facts: &StoreFacts, layout: u32) -> TreeName {
    let newest = facts
        .trees
        .iter()
        .map(|tree| tree.name.generation)
        .max()
        .unwrap_or(0);
    TreeName {
        generation: newest.saturating_add(1),
        layout,
    }
}

impl StoreFacts {
    /// Trees that nobody needs once `used` is what the running firmware uses: neither that one, nor one that a firmware in
    /// `kept` (by digest) goes back to.
    #[must_use]
    pub fn unneeded(&self, used: TreeName, kept: &BTreeSet<String>) -> Vec<TreeName> {
        let needed: BTreeSet<TreeName> = self
            .pointers
            .iter()
            .filter(|(digest, _)| kept.contains(*digest))
            .map(|(_, tree)| *tree)
            .chain([used])
            .collect();
        let names = self.trees.iter().map(|tree| tree.name);
        names.filter(|name| !needed.contains(name)).collect()
    }
}

#[cfg(test)]
mod tests;
