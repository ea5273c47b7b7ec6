//! A store: what it is made of, and making it.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use sps_datastore_engine::{
    BY_FIRMWARE, Kind, LAST_SERVED, LastServed, Layout, SERVED_FORMAT, TREE_FORMAT, TREE_RECORD, TreeName,
    TreeRecord, layout, link_to,
};
use sps_metadb::{Form, Metadb};
use sps_session_record::SessionRecord;

use crate::files::{self, TrailSize};
use crate::random::Random;
use crate::{damage, people};

/// Sessions written in one transaction.
const BATCH: u64 = 5_000;

/// What a store is made of.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// Number of its layout: 1 to 4.
    pub layout: u32,
    /// Sessions with a trail each.
    pub sessions: u64,
    /// Everything random comes from it.
    pub seed: u64,
    /// Size of the trails.
    pub trails: TrailSize,
    /// Whether records, trails and names are damaged or odd.
    pub damaged: bool,
    /// Digest of the firmware that used it.
    pub firmware: String,
}

/// What was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Made {
    /// The tree.
    pub tree: PathBuf,
    /// Files in it.
    pub files: u64,
    /// Bytes in them.
    pub bytes: u64,
}

/// Makes a store in the folder `root`, which must hold none. `tell` is called with the number of sessions made so far.
///
/// # Errors
/// A file cannot be written, or there is a store.
pub fn make(root: &Path, recipe: &Recipe, mut tell: impl FnMut(u64)) -> Result<Made> {
    let layout = layout(recipe.layout).with_context(|| format!("there is no layout {}", recipe.layout))?;
    let name = TreeName {
        generation: 1,
        layout: recipe.layout,
    };
    let tree = root.join(name.to_string());
    ensure!(!tree.exists(), "{} is there already", tree.display());
    folder(&tree)?;
    let mut made = Made {
        tree: tree.clone(),
        ..Made::default()
    };
    let mut random = Random::new(recipe.seed);
    let configuration = sps_config_migration::sample(recipe.layout, recipe.seed)?;
    let configuration = serde_json::to_vec_pretty(&configuration)?;
    files::around(&tree, layout, recipe, &configuration, &mut random, &mut made)?;
    sessions(&tree, layout, recipe, &mut random, &mut made, &mut tell)?;
    if recipe.damaged {
        damage::spoil(&tree, layout, &mut made)?;
    }
    point(root, name, recipe)?;
    Ok(made)
}

fn sessions(
    tree: &Path,
    layout: &Layout,
    recipe: &Recipe,
    random: &mut Random,
    made: &mut Made,
    tell: &mut impl FnMut(u64),
) -> Result<()> {
    let database = path_of(tree, layout, Kind::SessionDatabase)?;
    folder(&database)?;
    let form = if recipe.layout == 1 {
        Form::Single
    } else {
        Form::Split
    };
    ensure!(
        recipe.layout <= 4,
        "stores of layout {} have another database",
        recipe.layout
    );
    let mut database = Metadb::create(&database, form)?;
    let mut trails = files::Trails::new(tree, layout)?;
    let mut batch: Vec<SessionRecord> = Vec::new();
    for number in 0..recipe.sessions {
        let mut record = people::session(number, recipe.sessions, random);
        let trail = trails.write(&record, recipe.trails, random)?;
        made.files += 1;
        made.bytes += trail.size;
        record.trail = Some(trail);
        batch.push(record);
        if batch.len() as u64 == BATCH || number + 1 == recipe.sessions {
            database.insert(&batch)?;
            batch.clear();
            tell(number + 1);
        }
    }
    drop(database);
    Ok(())
}

/// The records of a store as every version reads them.
fn point(root: &Path, tree: TreeName, recipe: &Recipe) -> Result<()> {
    let record = TreeRecord {
        format: TREE_FORMAT,
        tree,
        made_from: None,
        made_by: recipe.firmware.clone(),
        at: 0,
    };
    let served = LastServed {
        format: SERVED_FORMAT,
        tree,
        firmware: recipe.firmware.clone(),
        at: 0,
    };
    let folder_of_tree = root.join(tree.to_string());
    fs::write(folder_of_tree.join(TREE_RECORD), serde_json::to_vec(&record)?)?;
    fs::write(root.join(LAST_SERVED), serde_json::to_vec(&served)?)?;
    let pointers = root.join(BY_FIRMWARE);
    folder(&pointers)?;
    symlink(link_to(tree), pointers.join(&recipe.firmware))?;
    Ok(())
}

pub(crate) fn path_of(tree: &Path, layout: &Layout, kind: Kind) -> Result<PathBuf> {
    let place = layout.place(kind);
    let place = place.with_context(|| format!("layout {} has no {}", layout.number, kind.title()))?;
    Ok(tree.join(place.path))
}

pub(crate) fn folder(path: &Path) -> Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.with_context(|| format!("make {}", path.display()))
}
