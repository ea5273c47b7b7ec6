//! Where things are and how long they may be.

use syn::visit::{self, Visit};

use crate::tree::{SourceFile, Tree};

/// Names the top folder may hold. The first line is the customer's; build output is not in the repository.
const TOP_LEVEL: [&str; 26] = [
    "Cargo.toml",
    "xtask",
    "rootfs",
    "image",
    "kernel-config",
    "src",
    "tests",
    "Makefile",
    "Cargo.lock",
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "LICENSE",
    "NOTICE",
    "deny.toml",
    "clippy.toml",
    "rustfmt.toml",
    "rust-toolchain.toml",
    ".ci",
    ".cargo",
    ".gitignore",
    ".gitattributes",
    ".git",
    "target",
    "out",
];
/// Lines of a function, from its signature to its closing brace.
const FUNCTION_LINES: usize = 70;
/// Lines of a file.
const FILE_LINES: usize = 500;
/// Files that are longer for now, and how long they may be: lower a number when its file shrinks, never raise one.
const LONG_FILES: [(&str, usize); 0] = [];

/// The top folder holds what the house plan names and nothing else.
#[must_use]
pub fn top_level(tree: &Tree) -> Vec<String> {
    let strangers = tree.top.iter().filter(|name| !TOP_LEVEL.contains(&name.as_str()));
    strangers
        .map(|name| format!("{name}: not in the plan of the top folder; put it into a room"))
        .collect()
}

/// Every Rust file opens with its purpose.
#[must_use]
pub fn opening_comment(tree: &Tree) -> Vec<String> {
    let silent = tree.rust().filter(|file| !file.text.starts_with("//! "));
    silent
        .map(|file| format!("{}:1: open with `//! ` and the file's purpose", file.path))
        .collect()
}

/// Files stay reviewable.
#[must_use]
pub fn file_length(tree: &Tree) -> Vec<String> {
    let length = |path: &str| tree.file(path).map_or(0, |file| file.text.lines().count());
    let mut problems = Vec::new();
    for file in tree.rust() {
        let known = LONG_FILES.iter().find(|(path, _)| *path == file.path);
        let limit = known.map_or(FILE_LINES, |(_, lines)| *lines);
        if length(&file.path) > limit {
            problems.push(format!(
                "{}: {} lines, allowed {limit}",
                file.path,
                length(&file.path)
            ));
        }
    }
    let cured = LONG_FILES.iter().filter(|(path, _)| length(path) <= FILE_LINES);
    problems.extend(cured.map(|(path, _)| format!("{path}: no longer long, take it off LONG_FILES")));
    problems
}

/// Functions stay readable.
#[must_use]
pub fn function_length(tree: &Tree) -> Vec<String> {
    each_parsed(tree, |file, parsed| {
        let mut lengths = Functions {
            path: &file.path,
            problems: Vec::new(),
        };
        lengths.visit_file(parsed);
        lengths.problems
    })
}

/// `lib.rs` and `mod.rs` are tables of contents; but what integration tests share must be called `mod.rs`, in a
/// folder of its own, or Cargo takes it for a test.
#[must_use]
pub fn declarations_only(tree: &Tree) -> Vec<String> {
    each_parsed(tree, |file, parsed| {
        let shared = file.path.contains("/tests/");
        let is_contents = !shared && (file.path.ends_with("/lib.rs") || file.path.ends_with("/mod.rs"));
        let code = parsed
            .items
            .iter()
            .filter(|item| is_contents && !is_declaration(item));
        code.map(|_| format!("{}: holds code; move it into a module of its own", file.path))
            .take(1)
            .collect()
    })
}

fn is_declaration(item: &syn::Item) -> bool {
    match item {
        syn::Item::Use(_) => true,
        syn::Item::Mod(module) => module.content.is_none(),
        _ => false,
    }
}

fn each_parsed(tree: &Tree, check: impl Fn(&SourceFile, &syn::File) -> Vec<String>) -> Vec<String> {
    tree.rust()
        .flat_map(|file| {
            file.parse()
                .map_or_else(|e| vec![e], |parsed| check(file, &parsed))
        })
        .collect()
}

struct Functions<'a> {
    path: &'a str,
    problems: Vec<String>,
}

impl Functions<'_> {
    fn measure(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let first = signature.fn_token.span.start().line;
        let lines = block.brace_token.span.close().end().line - first + 1;
        if lines > FUNCTION_LINES {
            let name = &signature.ident;
            let path = self.path;
            self.problems.push(format!(
                "{path}:{first}: fn {name} has {lines} lines, allowed {FUNCTION_LINES}"
            ));
        }
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.measure(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.measure(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(block) = &function.default {
            self.measure(&function.sig, block);
        }
        visit::visit_trait_item_fn(self, function);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(path: &str, text: &str) -> Tree {
        let file = SourceFile {
            path: path.into(),
            text: text.into(),
        };
        Tree {
            top: vec!["src".into()],
            files: vec![file],
        }
    }

    #[test]
    fn long_functions_and_files_are_named() {
        let body = "    let _ = 1;\n".repeat(FUNCTION_LINES - 1);
        let long = format!("//! A.\nimpl A {{\nfn long() {{\n{body}}}\n}}\n");
        assert_eq!(
            function_length(&tree("src/a.rs", &long)),
            ["src/a.rs:3: fn long has 71 lines, allowed 70"]
        );
        let fits = long.replacen("    let _ = 1;\n", "", 1);
        assert!(function_length(&tree("src/a.rs", &fits)).is_empty());
        assert_eq!(
            file_length(&tree("src/a.rs", &"\n".repeat(501))),
            ["src/a.rs: 501 lines, allowed 500"]
        );
    }

    #[test]
    fn a_table_of_contents_holds_no_code() {
        let code = "//! A.\nmod a;\npub use a::A;\nfn f() {}\n";
        assert_eq!(declarations_only(&tree("src/a/src/lib.rs", code)).len(), 1);
        assert!(declarations_only(&tree("src/a/src/a.rs", code)).is_empty());
        assert!(declarations_only(&tree("src/a/tests/common/mod.rs", code)).is_empty());
        assert!(declarations_only(&tree("src/a/src/lib.rs", "//! A.\nmod a;\npub use a::A;\n")).is_empty());
    }

    #[test]
    fn silent_files_strangers_and_broken_files_are_named() {
        assert_eq!(opening_comment(&tree("src/a.rs", "// A.\n")).len(), 1);
        let mut stranger = tree("src/a.rs", "fn {");
        stranger.top.push("notes.txt".into());
        assert_eq!(top_level(&stranger).len(), 1);
        assert_eq!(function_length(&stranger).len(), 1);
    }
}
