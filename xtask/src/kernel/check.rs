//! Compares the final `.config` with what the fragments asked for.
//!
//! Kconfig drops an option whose dependencies are missing without a word; this is the word.

use std::collections::BTreeMap;
use std::fmt;

use super::fragments::{Fragments, Request};
use super::kconfig::{Definition, Options};

/// One request that the final configuration does not grant.
#[derive(Debug)]
pub(super) struct Refusal {
    request: Request,
    reason: Reason,
}

#[derive(Debug)]
enum Reason {
    Unknown {
        nearest: Option<String>,
    },
    NotGranted {
        has: String,
        definitions: Vec<Definition>,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: ", self.request)?;
        match &self.reason {
            Reason::Unknown { nearest: Some(name) } => {
                write!(
                    formatter,
                    "this kernel has no such option; did you mean CONFIG_{name}?"
                )
            }
            Reason::Unknown { nearest: None } => {
                write!(
                    formatter,
                    "this kernel has no such option; remove the line or look for its new name"
                )
            }
            Reason::NotGranted { has, definitions } => {
                write!(formatter, "the final configuration has {has}")?;
                definitions
                    .iter()
                    .try_for_each(|definition| hint(formatter, definition))
            }
        }
    }
}

fn hint(formatter: &mut fmt::Formatter<'_>, definition: &Definition) -> fmt::Result {
    write!(formatter, "\n    defined in {}", definition.place)?;
    if !definition.settable {
        write!(formatter, ", cannot be set by hand: set what selects it")?;
    }
    if definition.depends.is_empty() {
        return write!(formatter, ", look at the menu or choice around it");
    }
    write!(formatter, ", depends on: {}", definition.depends.join("; "))
}

/// Every request that `config` (the text of `.config`) does not grant, or whose option does not exist.
pub(super) fn refusals(fragments: &Fragments, config: &str, options: &Options) -> Vec<Refusal> {
    let granted = parse(config);
    fragments
        .requests()
        .filter_map(|request| judge(request, &granted, options))
        .collect()
}

fn judge(request: &Request, granted: &BTreeMap<&str, &str>, options: &Options) -> Option<Refusal> {
    let definitions = options.get(&request.name);
    let has = granted.get(request.name.as_str()).copied();
    let reason = if definitions.is_empty() {
        Reason::Unknown {
            nearest: options.nearest(&request.name).map(str::to_owned),
        }
    } else if has.unwrap_or("n") == request.value {
        return None;
    } else {
        let has = has.map_or_else(|| "it not set".to_owned(), |value| format!("={value}"));
        Reason::NotGranted {
            has,
            definitions: definitions.to_vec(),
        }
    };
    Some(Refusal {
        request: request.clone(),
        reason,
    })
}

fn parse(config: &str) -> BTreeMap<&str, &str> {
    config
        .lines()
        .filter_map(|line| line.strip_prefix("CONFIG_")?.split_once('='))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::super::Variant;
    use super::super::fragments;
    use super::*;

    fn words(fragment: &str, config: &str) -> Vec<String> {
        let folder = std::env::temp_dir().join(format!("sps-check-{}-{}", std::process::id(), config.len()));
        let tree = folder.join("tree");
        fs::create_dir_all(&tree).expect("create");
        fs::write(folder.join("10-a.config"), fragment).expect("write");
        let kconfig = "config MD\n\tbool \"RAID\"\n\tdepends on BLOCK\nconfig HZ\n\tint\n";
        fs::write(tree.join("Kconfig"), kconfig).expect("write");
        let refusals = refusals_in(&folder, &tree, config);
        fs::remove_dir_all(&folder).expect("remove");
        refusals
    }

    fn refusals_in(folder: &Path, tree: &Path, config: &str) -> Vec<String> {
        let fragments = fragments::read(folder, Variant::Release).expect("valid fragment");
        let options = Options::read(tree).expect("readable tree");
        refusals(&fragments, config, &options)
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn granted_requests_pass_and_n_means_absent() {
        assert!(words("CONFIG_MD=y\n", "CONFIG_MD=y\n").is_empty());
        assert!(words("CONFIG_MD=n\n", "# CONFIG_MD is not set \n").is_empty());
    }

    #[test]
    fn a_dropped_option_names_itself_its_line_and_its_dependencies() {
        let text = words("# storage\nCONFIG_MD=y\n", "# CONFIG_MD is not set\n").join("");
        assert!(
            text.starts_with(
                "kernel-config/10-a.config:2: CONFIG_MD=y: the final configuration has it not set"
            ),
            "{text}"
        );
        assert!(text.contains("Kconfig:1, depends on: BLOCK"), "{text}");
    }

    #[test]
    fn a_different_value_and_an_unknown_option_are_told_apart() {
        let text = words("CONFIG_HZ=1000\nCONFIG_MDD=n\n", "CONFIG_HZ=250\nCONFIG_X=y\n");
        assert!(text[0].contains("the final configuration has =250"), "{text:?}");
        assert!(text[0].contains("cannot be set by hand"), "{text:?}");
        assert!(text[1].contains("did you mean CONFIG_MD?"), "{text:?}");
    }
}
