//! The root file system as declared by `rootfs/tree.toml`.
//!
//! Invariants: what is not declared is not in the image, and what lies in the folder without being declared fails
//! the build; modes come from the declaration, never from the files of the build machine.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use thiserror::Error;

use crate::archive::{Entry, Kind, Tree};

/// The declaration, in the root file system's folder.
pub const DECLARATION: &str = "tree.toml";
/// Symbolic links have no mode of their own (symlink(7)).
const SYMLINK_MODE: u32 = 0o777;
/// Permission bits, set-id and sticky bits.
const MAX_MODE: u32 = 0o7777;

/// Contents the build gives, by the name `tree.toml` uses for them.
pub type Inputs<'a> = BTreeMap<&'a str, Vec<u8>>;

/// Why the root file system cannot be made.
#[derive(Debug, Error)]
pub enum RootfsError {
    /// A file or folder cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The path on the build machine.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The declaration is not the TOML expected.
    #[error("cannot understand {path}")]
    Declaration {
        /// The path on the build machine.
        path: PathBuf,
        /// What the TOML library said.
        source: Box<toml::de::Error>,
    },
    /// A mode is not an octal number.
    #[error("{path} has the mode {mode:?}: write an octal number such as \"0644\"")]
    Mode {
        /// The declared path.
        path: String,
        /// The declared mode.
        mode: String,
    },
    /// A path is declared in two tables.
    #[error("{path} is declared twice")]
    Twice {
        /// The declared path.
        path: String,
    },
    /// A path lies in a folder that is not declared.
    #[error("{path} is declared, but its folder is not: add it to [directories]")]
    Parent {
        /// The declared path.
        path: String,
    },
    /// A file is declared without exactly one origin.
    #[error("{path} needs either a source or an input")]
    Origin {
        /// The declared path.
        path: String,
    },
    /// A file names an input the build does not give.
    #[error("{path} wants the input {input:?}, which the build does not give")]
    Input {
        /// The declared path.
        path: String,
        /// The input's name.
        input: String,
    },
    /// A file in the folder is not declared.
    #[error("{path} is not declared in {DECLARATION}: declare or remove it")]
    Undeclared {
        /// Path relative to the folder.
        path: String,
    },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Declaration {
    #[serde(default)]
    directories: BTreeMap<String, String>,
    #[serde(default)]
    devices: BTreeMap<String, Device>,
    #[serde(default)]
    symlinks: BTreeMap<String, String>,
    #[serde(default)]
    files: BTreeMap<String, File>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Device {
    mode: String,
    major: u32,
    minor: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    mode: String,
    source: Option<String>,
    input: Option<String>,
}

/// Reads the declaration and every file of `folder`, and puts the inputs in their places.
///
/// # Errors
/// When the declaration and the folder do not agree, or a file cannot be read.
pub fn load(folder: &Path, inputs: &Inputs<'_>) -> Result<Tree, RootfsError> {
    let path = folder.join(DECLARATION);
    let text = fs::read_to_string(&path).map_err(|source| RootfsError::Read {
        path: path.clone(),
        source,
    })?;
    let declaration: Declaration = toml::from_str(&text).map_err(|source| RootfsError::Declaration {
        path,
        source: Box::new(source),
    })?;
    check_all_declared(folder, &declaration)?;
    let tree = build(folder, declaration, inputs)?;
    check_parents(&tree)?;
    Ok(tree)
}

fn build(folder: &Path, declaration: Declaration, inputs: &Inputs<'_>) -> Result<Tree, RootfsError> {
    let mut entries = Vec::new();
    for (path, text) in declaration.directories {
        entries.push((mode(&path, &text)?, path, Kind::Directory));
    }
    for (
        path,
        Device {
            mode: text,
            major,
            minor,
        },
    ) in declaration.devices
    {
        entries.push((mode(&path, &text)?, path, Kind::CharacterDevice { major, minor }));
    }
    for (path, target) in declaration.symlinks {
        entries.push((SYMLINK_MODE, path, Kind::Symlink(target)));
    }
    for (path, file) in declaration.files {
        entries.push((
            mode(&path, &file.mode)?,
            path.clone(),
            Kind::File(content(folder, &path, file, inputs)?),
        ));
    }
    let mut tree = Tree::new();
    for (mode, path, kind) in entries {
        if tree.insert(path.clone(), Entry { mode, kind }).is_some() {
            return Err(RootfsError::Twice { path });
        }
    }
    Ok(tree)
}

fn mode(path: &str, text: &str) -> Result<u32, RootfsError> {
    match u32::from_str_radix(text, 8) {
        Ok(mode) if mode <= MAX_MODE => Ok(mode),
        _ => Err(RootfsError::Mode {
            path: path.to_owned(),
            mode: text.to_owned(),
        }),
    }
}

fn content(folder: &Path, path: &str, file: File, inputs: &Inputs<'_>) -> Result<Vec<u8>, RootfsError> {
    match (file.source, file.input) {
        (Some(source), None) => {
            let path = folder.join(source);
            fs::read(&path).map_err(|source| RootfsError::Read { path, source })
        }
        (None, Some(input)) => match inputs.get(input.as_str()) {
            Some(content) => Ok(content.clone()),
            None => Err(RootfsError::Input {
                path: path.to_owned(),
                input,
            }),
        },
        _ => Err(RootfsError::Origin {
            path: path.to_owned(),
        }),
    }
}

fn check_parents(tree: &Tree) -> Result<(), RootfsError> {
    let is_folder = |path: &str| tree.get(path).is_some_and(|entry| entry.kind == Kind::Directory);
    let orphan = tree.keys().find(|path| {
        path.rsplit_once('/')
            .is_some_and(|(parent, _)| !is_folder(parent))
    });
    orphan.map_or(Ok(()), |path| Err(RootfsError::Parent { path: path.clone() }))
}

fn check_all_declared(folder: &Path, declaration: &Declaration) -> Result<(), RootfsError> {
    let declared: BTreeSet<&str> = declaration
        .files
        .values()
        .filter_map(|file| file.source.as_deref())
        .chain([DECLARATION])
        .collect();
    let mut found = BTreeSet::new();
    list(folder, "", &mut found)?;
    let stray = found
        .iter()
        .find(|path| !declared.contains(path.as_str()) && !is_note(path));
    stray.map_or(Ok(()), |path| Err(RootfsError::Undeclared { path: path.clone() }))
}

/// Notes for people at the top of the folder are not part of the image.
fn is_note(path: &str) -> bool {
    !path.contains('/')
        && Path::new(path)
            .extension()
            .is_some_and(|extension| extension == "md")
}

fn list(folder: &Path, below: &str, found: &mut BTreeSet<String>) -> Result<(), RootfsError> {
    let at = folder.join(below);
    let failed = |source| RootfsError::Read {
        path: at.clone(),
        source,
    };
    for entry in fs::read_dir(&at).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if below.is_empty() {
            name
        } else {
            format!("{below}/{name}")
        };
        if entry.file_type().map_err(failed)?.is_dir() {
            list(folder, &path, found)?;
        } else {
            found.insert(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(declaration: &str, files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(DECLARATION), declaration).unwrap();
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, file).unwrap();
        }
        folder
    }

    fn error(declaration: &str, files: &[&str]) -> String {
        load(folder(declaration, files).path(), &Inputs::new())
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn the_declaration_of_this_repository_is_complete() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../rootfs");
        let text = fs::read_to_string(folder.join(DECLARATION)).unwrap();
        let declaration: Declaration = toml::from_str(&text).unwrap();
        let names = declaration
            .files
            .values()
            .filter_map(|file| file.input.as_deref());
        let inputs = names.map(|name| (name, name.as_bytes().to_vec())).collect();
        let tree = load(&folder, &inputs).unwrap();
        let lines: Vec<String> = tree
            .iter()
            .map(|(path, entry)| format!("{:04o} {path} {:?}", entry.mode, entry.kind))
            .collect();
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn disagreements_name_the_path() {
        insta::assert_snapshot!(
            [
                error(
                    "[files]\n\"a\" = { mode = \"0644\", source = \"a\" }",
                    &["a", "b/c"]
                ),
                error("[files]\n\"x/a\" = { mode = \"0644\", source = \"a\" }", &["a"]),
                error("[directories]\n\"a\" = \"0755\"\n[symlinks]\n\"a\" = \"b\"", &[]),
                error("[directories]\n\"a\" = \"rwx\"", &[]),
                error("[directories]\n\"a\" = \"77777\"", &[]),
                error("[files]\n\"a\" = { mode = \"0644\" }", &[]),
                error("[files]\n\"a\" = { mode = \"0644\", input = \"x\" }", &[]),
            ]
            .join("\n")
        );
    }
}
