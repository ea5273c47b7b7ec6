//! Reads the configuration fragments and merges them in the order of their names.
//!
//! Invariant: the numbered fragments never contradict or repeat each other; only the fragment of a variant
//! may change what they ask for.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::Variant;

/// One line that asks for a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    /// Option without `CONFIG_`.
    pub(super) name: String,
    /// `y`, `n`, a number or a quoted string, as Kconfig writes it.
    pub(super) value: String,
    /// File name inside `kernel-config/`.
    pub(super) fragment: String,
    /// Line in that file, from 1.
    pub(super) line: usize,
}

impl fmt::Display for Request {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "kernel-config/{}:{}: CONFIG_{}={}",
            self.fragment, self.line, self.name, self.value
        )
    }
}

/// All requests, by option.
#[derive(Debug, Default)]
pub(super) struct Fragments {
    requests: BTreeMap<String, Request>,
}

impl Fragments {
    /// Every request, ordered by option.
    pub(super) fn requests(&self) -> impl Iterator<Item = &Request> {
        self.requests.values()
    }

    /// The merged fragment in Kconfig's syntax. Comments are left out: changing one costs no new build.
    pub(super) fn merged(&self) -> String {
        self.requests().fold(String::new(), |mut text, request| {
            // Writing into a String cannot fail.
            let _ = writeln!(text, "CONFIG_{}={}", request.name, request.value);
            text
        })
    }

    fn add(&mut self, fragment: &str, text: &str, may_override: bool) -> Result<()> {
        for (index, line) in text.lines().enumerate() {
            let Some(request) = parse(fragment, index + 1, line)? else {
                continue;
            };
            match self.requests.get(&request.name) {
                Some(first) if !may_override || first.fragment == fragment => {
                    bail!("{request}: asked for twice, first by {first}");
                }
                _ => self.requests.insert(request.name.clone(), request),
            };
        }
        Ok(())
    }
}

/// Reads the numbered fragments of `folder`, and the variant's own.
pub(super) fn read(folder: &Path, variant: Variant) -> Result<Fragments> {
    let mut fragments = Fragments::default();
    for name in numbered(folder)? {
        fragments.add(&name, &text(folder, &name)?, false)?;
    }
    if variant == Variant::Test {
        let name = "test-faults.config";
        fragments.add(name, &text(folder, name)?, true)?;
    }
    Ok(fragments)
}

fn numbered(folder: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(folder).with_context(|| format!("list {}", folder.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        let name = entry
            .with_context(|| format!("list {}", folder.display()))?
            .file_name();
        let name = name.to_string_lossy().into_owned();
        if name.ends_with(".config") && name.starts_with(|first: char| first.is_ascii_digit()) {
            names.push(name);
        }
    }
    if names.is_empty() {
        bail!("no kernel configuration fragment in {}", folder.display());
    }
    names.sort();
    Ok(names)
}

fn text(folder: &Path, name: &str) -> Result<String> {
    let path = folder.join(name);
    fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))
}

fn parse(fragment: &str, line: usize, text: &str) -> Result<Option<Request>> {
    let text = text.trim();
    if text.is_empty() || text.starts_with('#') {
        return Ok(None);
    }
    let setting = text.strip_prefix("CONFIG_").and_then(|rest| rest.split_once('='));
    let Some((name, value)) = setting else {
        bail!("kernel-config/{fragment}:{line}: `{text}` is neither a comment nor CONFIG_NAME=value");
    };
    if value == "m" {
        bail!(
            "kernel-config/{fragment}:{line}: CONFIG_{name}=m asks for a module; this kernel has none: use y"
        );
    }
    let named = !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !named || !is_value(value) {
        bail!("kernel-config/{fragment}:{line}: `{text}`: a value is y, n, a number or a quoted string");
    }
    Ok(Some(Request {
        name: name.into(),
        value: value.into(),
        fragment: fragment.into(),
        line,
    }))
}

fn is_value(value: &str) -> bool {
    let quoted = value.len() >= 2 && value.starts_with('"') && value.ends_with('"');
    let number = value.strip_prefix('-').unwrap_or(value);
    let hexadecimal = number
        .strip_prefix("0x")
        .is_some_and(|digits| u64::from_str_radix(digits, 16).is_ok());
    matches!(value, "y" | "n") || quoted || hexadecimal || number.parse::<u64>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Result<Fragments> {
        let mut fragments = Fragments::default();
        fragments.add("10-a.config", text, false)?;
        Ok(fragments)
    }

    #[test]
    fn comments_do_not_change_what_is_asked_for() {
        let first = one("# why\nCONFIG_B=y\n\nCONFIG_A=\"x y\"\n").expect("valid");
        let second = one("CONFIG_A=\"x y\"\nCONFIG_B=y\n").expect("valid");
        assert_eq!(first.merged(), "CONFIG_A=\"x y\"\nCONFIG_B=y\n");
        assert_eq!(first.merged(), second.merged());
    }

    #[test]
    fn bad_lines_are_refused_with_file_and_line() {
        for bad in [
            "CONFIG_A=m",
            "CONFIG_A",
            "A=y",
            "CONFIG_A=yes",
            "CONFIG_=y",
            "CONFIG_A=0xg",
            "CONFIG_A=\"x",
        ] {
            let error = one(&format!("# first\n{bad}\n")).expect_err(bad);
            assert!(
                error.to_string().starts_with("kernel-config/10-a.config:2: "),
                "{error}"
            );
        }
    }

    #[test]
    fn asking_twice_is_refused_but_a_variant_may_override() {
        let mut fragments = one("CONFIG_A=n\n").expect("valid");
        let error = fragments
            .add("20-b.config", "CONFIG_A=y\n", false)
            .expect_err("twice");
        assert!(
            error.to_string().contains("first by kernel-config/10-a.config:1"),
            "{error}"
        );
        fragments
            .add("test-faults.config", "CONFIG_A=y\n", true)
            .expect("the variant wins");
        assert_eq!(fragments.merged(), "CONFIG_A=y\n");
    }
}
