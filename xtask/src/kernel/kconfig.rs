//! Enough of Kconfig's language to say where an option is defined and what it depends on.
//!
//! For hints only: `make` decides what the configuration is. Only architecture x86 is read.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Where an option is defined, and its own `depends on` lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Definition {
    /// `drivers/md/Kconfig:12`.
    pub(super) place: String,
    /// Expressions after `depends on`.
    pub(super) depends: Vec<String>,
    /// It has a prompt, so a fragment can set it.
    pub(super) settable: bool,
}

/// Every option of the tree.
#[derive(Debug, Default)]
pub(super) struct Options {
    by_name: BTreeMap<String, Vec<Definition>>,
}

impl Options {
    /// Reads every Kconfig file of the source tree.
    pub(super) fn read(tree: &Path) -> Result<Self> {
        let mut options = Self::default();
        let mut folders = vec![tree.to_path_buf()];
        while let Some(folder) = folders.pop() {
            for path in sorted(&folder)? {
                if path.is_dir() && wanted(tree, &path) {
                    folders.push(path);
                } else if is_kconfig(&path) {
                    let text = fs::read(&path).with_context(|| format!("read {}", path.display()))?;
                    let place = path.strip_prefix(tree).unwrap_or(&path).display().to_string();
                    options.add(&place, &String::from_utf8_lossy(&text));
                }
            }
        }
        Ok(options)
    }

    /// Definitions of `name`; empty when the tree does not know it.
    pub(super) fn get(&self, name: &str) -> &[Definition] {
        self.by_name.get(name).map_or(&[], Vec::as_slice)
    }

    /// The known name most like `name`, if any is near enough to be a slip of the pen.
    pub(super) fn nearest(&self, name: &str) -> Option<&str> {
        let limit = (name.len() / 4).max(1);
        let candidates = self
            .by_name
            .keys()
            .filter(|known| known.len().abs_diff(name.len()) <= limit);
        let best = candidates.map(|known| (distance(name, known), known)).min()?;
        (best.0 <= limit).then_some(best.1.as_str())
    }

    fn add(&mut self, place: &str, text: &str) {
        let mut current: Option<(String, Definition)> = None;
        for (index, line) in text.lines().enumerate() {
            let word = line.trim_start();
            let started = word
                .strip_prefix("config ")
                .or_else(|| word.strip_prefix("menuconfig "));
            if let Some(name) = started {
                self.close(current.take());
                let definition = Definition {
                    place: format!("{place}:{}", index + 1),
                    ..Definition::default()
                };
                current = Some((name.trim().to_owned(), definition));
            } else if ends_definition(word) {
                self.close(current.take());
            } else if let Some((_, definition)) = &mut current {
                describe(definition, word);
            }
        }
        self.close(current);
    }

    fn close(&mut self, finished: Option<(String, Definition)>) {
        if let Some((name, definition)) = finished {
            self.by_name.entry(name).or_default().push(definition);
        }
    }
}

fn ends_definition(word: &str) -> bool {
    [
        "if ",
        "endif",
        "menu ",
        "endmenu",
        "choice",
        "endchoice",
        "source ",
        "comment ",
    ]
    .iter()
    .any(|keyword| word.starts_with(keyword))
}

fn describe(definition: &mut Definition, word: &str) {
    if let Some(expression) = word.strip_prefix("depends on ") {
        definition.depends.push(expression.trim().to_owned());
    }
    let prompt = [
        "bool \"",
        "tristate \"",
        "int \"",
        "hex \"",
        "string \"",
        "prompt \"",
    ];
    definition.settable |= prompt.iter().any(|start| word.starts_with(start));
}

fn sorted(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("list {}", folder.display()))?;
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(
            entry
                .with_context(|| format!("list {}", folder.display()))?
                .path(),
        );
    }
    paths.sort();
    Ok(paths)
}

fn wanted(tree: &Path, path: &Path) -> bool {
    let Ok(inside) = path.strip_prefix(tree) else {
        return false;
    };
    let foreign =
        inside.starts_with("arch") && inside != Path::new("arch") && !inside.starts_with("arch/x86");
    !(foreign || path.is_symlink() || inside.starts_with("Documentation") || inside.starts_with("tools"))
}

fn is_kconfig(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| name.to_string_lossy().starts_with("Kconfig"))
        && path.is_file()
}

/// Levenshtein's distance.
fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in right.bytes().enumerate() {
            let change = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "menuconfig MD\n\tbool \"RAID\"\n\tdepends on BLOCK\n\nif MD\n\nconfig BLK_DEV_DM\n\ttristate \"mapper\"\n\tdepends on BLOCK || !X\n\tdepends on Y\n\thelp\n\t  Text.\n\nconfig HIDDEN\n\tbool\n\nendif\n";

    fn options() -> Options {
        let mut options = Options::default();
        options.add("drivers/md/Kconfig", TEXT);
        options
    }

    #[test]
    fn definitions_carry_place_dependencies_and_whether_they_can_be_set() {
        let options = options();
        let mapper = &options.get("BLK_DEV_DM")[0];
        assert_eq!(mapper.place, "drivers/md/Kconfig:7");
        assert_eq!(mapper.depends, ["BLOCK || !X", "Y"]);
        assert!(mapper.settable);
        assert!(!options.get("HIDDEN")[0].settable);
        assert!(options.get("NOTHING").is_empty());
    }

    #[test]
    fn a_slip_of_the_pen_finds_its_option_and_nonsense_finds_none() {
        let options = options();
        assert_eq!(options.nearest("BLKDEV_DM"), Some("BLK_DEV_DM"));
        assert_eq!(options.nearest("COMPLETELY_DIFFERENT"), None);
    }
}
