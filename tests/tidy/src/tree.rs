//! The files of the checkout, read once.

use std::fs;
use std::io;
use std::path::Path;

/// Folders that hold no source.
/// What others wrote (`vendor`) is theirs.
const SKIPPED: [&str; 6] = [".git", "target", "out", "corpus", "artifacts", "vendor"];

/// A text file.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// Path below the top of the checkout, with `/`.
    pub path: String,
    /// What it holds.
    pub text: String,
}

impl SourceFile {
    /// Whether it is Rust.
    #[must_use]
    pub fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// The parsed file, or what the parser said.
    ///
    /// # Errors
    /// When it is no Rust.
    pub fn parse(&self) -> Result<syn::File, String> {
        syn::parse_file(&self.text).map_err(|e| format!("{}:{}: {e}", self.path, e.span().start().line))
    }
}

/// Every text file, and the names at the top.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// Names in the top folder.
    pub top: Vec<String>,
    /// Text files in order of their paths.
    pub files: Vec<SourceFile>,
}

impl Tree {
    /// Reads the checkout this crate belongs to.
    ///
    /// # Errors
    /// When a file or folder cannot be read.
    pub fn checkout() -> io::Result<Self> {
        let own = Path::new(env!("CARGO_MANIFEST_DIR"));
        Self::read(own.ancestors().nth(2).unwrap_or(own))
    }

    /// Reads the folder `root`.
    ///
    /// # Errors
    /// When a file or folder cannot be read.
    pub fn read(root: &Path) -> io::Result<Self> {
        let mut tree = Self::default();
        for entry in fs::read_dir(root)? {
            tree.top.push(entry?.file_name().to_string_lossy().into_owned());
        }
        tree.top.sort();
        tree.walk(root, "")?;
        tree.files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(tree)
    }

    /// The file at `path`.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<&SourceFile> {
        self.files.iter().find(|file| file.path == path)
    }

    /// The Rust files.
    pub fn rust(&self) -> impl Iterator<Item = &SourceFile> {
        self.files.iter().filter(|file| file.is_rust())
    }

    fn walk(&mut self, folder: &Path, prefix: &str) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let kind = entry.file_type()?;
            if SKIPPED.contains(&name.as_str()) {
                continue;
            }
            if kind.is_dir() {
                self.walk(&entry.path(), &format!("{prefix}{name}/"))?;
            } else if kind.is_file()
                && let Ok(text) = String::from_utf8(fs::read(entry.path())?)
            {
                self.files.push(SourceFile {
                    path: format!("{prefix}{name}"),
                    text,
                });
            }
        }
        Ok(())
    }
}
