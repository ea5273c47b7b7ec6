//! What is in a tree, so that nothing can get lost unseen: every file with its kind, name and content.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};
use sps_datastore_engine::{Class, Kind, Layout, RESERVED};

/// A file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Item {
    /// What it is.
    pub kind: Kind,
    /// Last part of its path.
    pub name: OsString,
    /// What is in it, or where a link leads.
    pub content: Vec<u8>,
}

/// Every file of a tree, with how often there is one like it.
pub type Account = BTreeMap<Item, usize>;

/// Everything in a tree of this layout.
///
/// # Errors
/// Something cannot be read.
pub fn account(tree: &Path, layout: &Layout) -> Result<Account> {
    let mut found = Account::new();
    below(tree, tree, layout, &mut found)?;
    Ok(found)
}

fn below(folder: &Path, tree: &Path, layout: &Layout, found: &mut Account) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))? {
        let path = entry?.path();
        let metadata = fs::symlink_metadata(&path)?;
        if metadata.is_dir() {
            below(&path, tree, layout, found)?;
            continue;
        }
        let relative = path.strip_prefix(tree)?;
        if RESERVED.iter().any(|name| Path::new(name) == relative) {
            continue;
        }
        let place = layout.place_of(relative.as_os_str().as_bytes());
        let item = Item {
            kind: place.map_or(Kind::Unrecognized, |place| place.kind),
            name: path.file_name().unwrap_or_default().to_owned(),
            content: content(&path, &metadata)?,
        };
        *found.entry(item).or_default() += 1;
    }
    Ok(())
}

fn content(path: &Path, metadata: &fs::Metadata) -> Result<Vec<u8>> {
    let kind = metadata.file_type();
    if kind.is_symlink() {
        let target = fs::read_link(path)?;
        return Ok([b"link to ", target.as_os_str().as_bytes()].concat());
    }
    if kind.is_fifo() {
        return Ok(b"pipe".to_vec());
    }
    let bytes = fs::read(path).with_context(|| format!("read {}", path.display()))?;
    Ok(Sha256::digest(bytes).to_vec())
}

/// Whether everything of the old tree that is taken over as it is lies in the new one, and nothing else does.
///
/// # Errors
/// What is missing or was added.
pub fn taken_over(old: &Account, old_layout: &Layout, new: &Account, new_layout: &Layout) -> Result<()> {
    let as_it_is = |layout: &Layout, kind: Kind| {
        layout
            .place(kind)
            .is_some_and(|place| place.class == Class::WriteOnce)
            && new_layout.place(kind).is_some()
    };
    let only = |account: &Account, layout: &Layout| -> Account {
        let kept = account.iter().filter(|(item, _)| as_it_is(layout, item.kind));
        kept.map(|(item, count)| (item.clone(), *count)).collect()
    };
    let (had, has) = (only(old, old_layout), only(new, new_layout));
    for (item, count) in &had {
        let found = has.get(item).copied().unwrap_or(0);
        ensure!(
            found == *count,
            "{:?} {:?} is there {found} times instead of {count}",
            item.kind,
            item.name
        );
    }
    for item in has.keys() {
        let known = had.contains_key(item) || item.kind == Kind::Quarantine;
        ensure!(known, "{:?} {:?} came from nowhere", item.kind, item.name);
    }
    Ok(())
}
