//! Debian's package sources of this machine, and the component of them that microcode needs.
//!
//! Reads both formats of sources.list(5). Invariant: mirror and signing key always come from the machine's own
//! sources; this project names no host.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

/// The component with processor microcode since Debian 12.
pub(super) const COMPONENT: &str = "non-free-firmware";

/// The file this project adds.
pub(super) const ADDED_FILE: &str = "/etc/apt/sources.list.d/sps-non-free-firmware.sources";

/// One source of binary packages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Source {
    uris: Vec<String>,
    suites: Vec<String>,
    components: Vec<String>,
    signed_by: Option<String>,
}

/// Reads every source of `/etc/apt`.
pub(super) fn read() -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    let list = Path::new("/etc/apt/sources.list");
    if list.exists() {
        sources.extend(one_line_format(&text(list)?));
    }
    let folder = Path::new("/etc/apt/sources.list.d");
    let Ok(entries) = fs::read_dir(folder) else {
        return Ok(sources);
    };
    for entry in entries {
        let path = entry
            .with_context(|| format!("list {}", folder.display()))?
            .path();
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("list") => sources.extend(one_line_format(&text(&path)?)),
            Some("sources") => sources.extend(deb822_format(&text(&path)?)),
            _ => {}
        }
    }
    Ok(sources)
}

/// Debian's release name, for example `bookworm`.
pub(super) fn codename() -> Result<String> {
    let release = text(Path::new("/etc/os-release"))?;
    let value = release
        .lines()
        .find_map(|line| line.strip_prefix("VERSION_CODENAME="));
    let name = value.context("/etc/os-release has no VERSION_CODENAME: this build needs Debian 12")?;
    Ok(name.trim_matches('"').to_owned())
}

/// A sources file for [`COMPONENT`], made of the sources that have Debian's `main` but not it; empty when none
/// lacks it. Fails when there is no such source at all.
pub(super) fn addition(sources: &[Source], codename: &str) -> Result<String> {
    let debian = debian(sources, codename)?;
    let lacking = debian
        .iter()
        .filter(|source| !source.components.iter().any(|name| name == COMPONENT));
    Ok(lacking
        .map(|source| source.entry("deb", COMPONENT))
        .collect::<Vec<_>>()
        .join("\n"))
}

/// A sources file for Debian's source packages.
pub(super) fn source_packages(sources: &[Source], codename: &str) -> Result<String> {
    let debian = debian(sources, codename)?;
    Ok(debian
        .iter()
        .map(|source| source.entry("deb-src", "main"))
        .collect::<Vec<_>>()
        .join("\n"))
}

fn debian(sources: &[Source], codename: &str) -> Result<Vec<Source>> {
    let debian: Vec<Source> = sources
        .iter()
        .filter_map(|source| source.debian_part(codename))
        .collect();
    if debian.is_empty() {
        bail!(
            "no package source of this machine offers `{codename} main`: add one to /etc/apt/sources.list.d"
        );
    }
    Ok(debian)
}

impl Source {
    /// The part of this source that is Debian's own release: the base, its updates and its security updates.
    fn debian_part(&self, codename: &str) -> Option<Self> {
        let wanted = [
            codename.to_owned(),
            format!("{codename}-updates"),
            format!("{codename}-security"),
        ];
        let plain = |suite: &&String| wanted.contains(&suite.trim_end_matches("/updates").to_owned());
        let suites: Vec<String> = self.suites.iter().filter(plain).cloned().collect();
        let own = self.components.iter().any(|component| component == "main") && !suites.is_empty();
        own.then(|| Self {
            suites,
            ..self.clone()
        })
    }

    fn entry(&self, kind: &str, component: &str) -> String {
        let mut text = format!(
            "Types: {kind}\nURIs: {}\nSuites: {}\nComponents: {component}\n",
            self.uris.join(" "),
            self.suites.join(" ")
        );
        if let Some(key) = &self.signed_by {
            text.push_str(&format!("Signed-By: {key}\n"));
        }
        text
    }
}

fn one_line_format(text: &str) -> Vec<Source> {
    text.lines().filter_map(one_line).collect()
}

/// `deb [signed-by=/key arch=amd64] URI suite component…`
fn one_line(line: &str) -> Option<Source> {
    let rest = line.split('#').next()?.trim().strip_prefix("deb ")?.trim_start();
    let (options, rest) = match rest.strip_prefix('[') {
        Some(inside) => inside.split_once(']')?,
        None => ("", rest),
    };
    let mut words = rest.split_whitespace().map(str::to_owned);
    let key = options
        .split_whitespace()
        .find_map(|option| option.strip_prefix("signed-by="));
    Some(Source {
        uris: vec![words.next()?],
        suites: vec![words.next()?],
        components: words.collect(),
        signed_by: key.map(str::to_owned),
    })
}

fn deb822_format(text: &str) -> Vec<Source> {
    paragraphs(text)
        .iter()
        .filter_map(|paragraph| deb822(paragraph))
        .collect()
}

fn paragraphs(text: &str) -> Vec<String> {
    let mut paragraphs = vec![String::new()];
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        match paragraphs.last_mut() {
            Some(last) if !line.trim().is_empty() => {
                last.push_str(line);
                last.push('\n');
            }
            _ => paragraphs.push(String::new()),
        }
    }
    paragraphs
}

fn deb822(paragraph: &str) -> Option<Source> {
    let words =
        |name| field(paragraph, name).map(|value| value.split_whitespace().map(str::to_owned).collect());
    let types: Vec<String> = words("Types")?;
    let off = field(paragraph, "Enabled").is_some_and(|value| value.trim() == "no");
    if off || !types.iter().any(|kind| kind == "deb") {
        return None;
    }
    Some(Source {
        uris: words("URIs")?,
        suites: words("Suites")?,
        components: words("Components").unwrap_or_default(),
        signed_by: field(paragraph, "Signed-By"),
    })
}

/// A field with its continuation lines, kept as they are: a key may stand inline.
fn field(paragraph: &str, name: &str) -> Option<String> {
    let mut lines = paragraph.lines();
    let value = lines.by_ref().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then_some(value)
    })?;
    let rest = lines.take_while(|line| line.starts_with([' ', '\t']));
    let text = rest.fold(value.trim().to_owned(), |text, line| text + "\n" + line);
    Some(text)
}

fn text(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEB822: &str = "Types: deb deb-src\n# a comment\nURIs: http://mirror.example/debian\nSuites: bookworm bookworm-updates sid\nComponents: main\nSigned-By: /keys/debian.gpg\n\nTypes: deb\nURIs: http://mirror.example/other\nSuites: nodistro\nComponents: main\n";

    #[test]
    fn the_addition_copies_mirror_key_and_only_debian_suites() {
        let text = addition(&deb822_format(DEB822), "bookworm").expect("a Debian source");
        let expected = "Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm bookworm-updates\nComponents: non-free-firmware\nSigned-By: /keys/debian.gpg\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn the_one_line_format_is_understood() {
        let text = "# deb http://no.example/ bookworm main\ndeb [arch=amd64 signed-by=/k.gpg] http://m.example/debian bookworm main contrib # why\ndeb http://m.example/security bookworm-security main\ndeb-src http://m.example/debian bookworm main\n";
        let sources = one_line_format(text);
        assert_eq!(sources.len(), 2);
        let text = addition(&sources, "bookworm").expect("a Debian source");
        assert!(
            text.contains("URIs: http://m.example/debian\nSuites: bookworm\n"),
            "{text}"
        );
        assert!(text.contains("Signed-By: /k.gpg\n"), "{text}");
        assert!(
            text.contains("\n\nTypes: deb\nURIs: http://m.example/security\nSuites: bookworm-security\n"),
            "{text}"
        );
    }

    #[test]
    fn a_source_that_has_the_component_needs_no_addition() {
        let text = "deb http://m.example/debian bookworm main non-free-firmware\n";
        assert_eq!(
            addition(&one_line_format(text), "bookworm").expect("a Debian source"),
            ""
        );
    }

    #[test]
    fn disabled_foreign_and_missing_sources_are_told() {
        let disabled = deb822_format(&DEB822.replace("Types: deb deb-src", "Enabled: no\nTypes: deb"));
        let error = addition(&disabled, "bookworm").expect_err("nothing of Debian");
        assert!(error.to_string().contains("`bookworm main`"), "{error}");
    }

    #[test]
    fn a_key_inside_the_file_keeps_its_lines() {
        let text = "Types: deb\nURIs: http://m.example/\nSuites: bookworm\nComponents: main\nSigned-By:\n -----BEGIN-----\n .\n abc\n";
        let text = addition(&deb822_format(text), "bookworm").expect("a Debian source");
        assert!(
            text.ends_with("Signed-By: \n -----BEGIN-----\n .\n abc\n"),
            "{text}"
        );
    }
}
