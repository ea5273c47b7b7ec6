//! Asks dpkg what is there and lets apt install the rest.
//!
//! Invariant: nothing is removed, and an installed package is replaced by an older one only when it stands in
//! the way of what is needed and its own version is in no package source any more.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};

use super::packages::{self, Package, Purpose};
use super::sources;
use super::tools;
use crate::progress;

/// Package lists older than this are fetched again before something is installed.
const LISTS_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// Seconds to wait for another program that installs packages.
const LOCK_OPTION: &str = "DPkg::Lock::Timeout=600";

/// A package that is needed and not installed.
#[derive(Clone, Debug)]
pub(super) struct Missing {
    /// What and why.
    pub(super) package: Package,
    candidate: Option<Candidate>,
}

#[derive(Clone, Debug, Default)]
struct Candidate {
    version: String,
    size: u64,
}

impl Missing {
    /// The version apt would install.
    pub(super) fn version(&self) -> &str {
        self.candidate
            .as_ref()
            .map_or("(not in the package lists)", |candidate| &candidate.version)
    }

    /// What it weighs to fetch, without what it depends on.
    pub(super) fn size(&self) -> String {
        let Some(candidate) = &self.candidate else {
            return String::new();
        };
        let tenths = candidate.size / 100_000;
        format!("{}.{} MB", tenths / 10, tenths % 10)
    }
}

/// What `purpose` needs and dpkg does not have.
pub(super) fn missing(purpose: Purpose) -> Result<Vec<Missing>> {
    let installed = installed()?;
    let lacks = |package: &Package| {
        !installed.contains_key(package.name) && !package.program.is_some_and(tools::is_there)
    };
    let needed = packages::needed(purpose).filter(lacks);
    let packages: Vec<Package> = needed.collect();
    let mut candidates = candidates(&packages)?;
    let describe = |package: Package| Missing {
        candidate: candidates.remove(package.name),
        package,
    };
    Ok(packages.into_iter().map(describe).collect())
}

/// Installs `missing`; `purpose` says which packages may be set back to make that possible.
pub(super) fn install(purpose: Purpose, missing: &[Missing]) -> Result<()> {
    if missing.is_empty() {
        return Ok(());
    }
    if lists_are_old() || missing.iter().any(|package| package.candidate.is_none()) {
        update()?;
    }
    let unknown = |candidates: &BTreeMap<String, Candidate>| -> Vec<Package> {
        let all = missing.iter().map(|missing| missing.package);
        all.filter(|package| !candidates.contains_key(package.name))
            .collect()
    };
    let packages: Vec<Package> = missing.iter().map(|missing| missing.package).collect();
    if !unknown(&candidates(&packages)?).is_empty() {
        add_component()?;
    }
    let unknown = unknown(&candidates(&packages)?);
    if let Some(package) = unknown.first() {
        let codename = sources::codename()?;
        bail!(
            "no package source of this machine has {}, which is needed because: {}; Debian keeps it in `{codename} \
             main` or `{codename}-security main`: add what is missing to /etc/apt/sources.list.d",
            package.name,
            package.reason
        );
    }
    let plan = plan(
        purpose,
        packages.iter().map(|package| package.name.to_owned()).collect(),
    )?;
    let mut command = apt_get(&["install"])?;
    progress::run("setup: install packages", command.args(plan), None)?;
    Ok(())
}

/// Downloads `package` into `folder` without installing it.
pub(super) fn download(package: &str, folder: &Path) -> Result<()> {
    let mut command = Command::new("apt-get");
    // apt drops root's rights for downloads, and its own user may not write here.
    command
        .args(["-o", "APT::Sandbox::User=root", "download", package])
        .current_dir(folder);
    progress::run(
        &format!("setup: fetch {package}"),
        command.env("LC_ALL", "C"),
        None,
    )?;
    Ok(())
}

/// Installed packages and their versions.
fn installed() -> Result<BTreeMap<String, String>> {
    let format = "${db:Status-Abbrev}\t${Package}\t${Version}\n";
    let output = output(Command::new("dpkg-query").args(["-W", "-f", format]))
        .context("run dpkg-query: this project is built on Debian 12")?;
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    let fields = lines
        .lines()
        .filter_map(|line| line.strip_prefix("ii ")?.trim_start().split_once('\t'));
    Ok(fields
        .map(|(name, version)| (name.to_owned(), version.to_owned()))
        .collect())
}

/// What apt would install for each of `packages` it knows.
fn candidates(packages: &[Package]) -> Result<BTreeMap<String, Candidate>> {
    if packages.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut command = Command::new("apt-cache");
    command
        .args(["show", "--no-all-versions"])
        .args(packages.iter().map(|package| package.name));
    let output = output(&mut command).context("run apt-cache: this project is built on Debian 12")?;
    Ok(parse_show(&String::from_utf8_lossy(&output.stdout)))
}

fn parse_show(text: &str) -> BTreeMap<String, Candidate> {
    let mut candidates = BTreeMap::new();
    for paragraph in text.split("\n\n") {
        let field = |name: &str| {
            paragraph
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
        };
        if let (Some(name), Some(version)) = (field("Package"), field("Version")) {
            let size = field("Size")
                .and_then(|size| size.parse().ok())
                .unwrap_or_default();
            candidates.insert(
                name.to_owned(),
                Candidate {
                    version: version.to_owned(),
                    size,
                },
            );
        }
    }
    candidates
}

fn lists_are_old() -> bool {
    let newest = ["/var/lib/apt/lists", "/var/lib/apt/lists/partial"]
        .iter()
        .filter_map(|path| fs::metadata(path).ok()?.modified().ok())
        .max();
    let age = newest.and_then(|time| SystemTime::now().duration_since(time).ok());
    let empty = fs::read_dir("/var/lib/apt/lists").map_or(0, Iterator::count) < 3;
    empty || age.is_none_or(|age| age > LISTS_AGE)
}

fn update() -> Result<()> {
    progress::run("setup: fetch package lists", &mut apt_get(&["update"])?, None)?;
    Ok(())
}

/// Adds the component with the microcode, from the machine's own mirror, and fetches its list.
fn add_component() -> Result<()> {
    let text = sources::addition(&sources::read()?, &sources::codename()?)?;
    if text.is_empty() {
        return Ok(());
    }
    println!(
        "setup: add Debian's {} component: {}",
        sources::COMPONENT,
        sources::ADDED_FILE
    );
    let header = "# Written by `cargo xtask setup` for the processor microcode of the firmware image.\n";
    let mut command = as_root(&["tee", sources::ADDED_FILE])?;
    progress::feed(&mut command, format!("{header}{text}").as_bytes())?;
    update()
}

/// What to hand to `apt-get install`: the names, and where apt alone finds no way, explicit versions.
fn plan(purpose: Purpose, names: Vec<String>) -> Result<Vec<String>> {
    let Err(complaint) = simulate(&names)? else {
        return Ok(names);
    };
    let mut mentioned: BTreeSet<String> = packages::needed(purpose)
        .map(|package| package.name.to_owned())
        .collect();
    mentioned.extend(words_of_packages(&complaint));
    let mut plan = names;
    let installed = installed()?;
    for name in mentioned.iter().filter(|name| installed.contains_key(*name)) {
        if let Some(version) = set_back(name)? {
            println!(
                "setup: {name} {} is in no package source; going back to {version}",
                installed[name]
            );
            plan.push(format!("{name}={version}"));
        }
    }
    match simulate(&plan)? {
        Ok(()) => Ok(plan),
        Err(_) => bail!("apt finds no way to install what is missing:\n{complaint}"),
    }
}

/// The complaint of a simulated installation, if it fails.
fn simulate(names: &[String]) -> Result<Result<(), String>> {
    let mut command = Command::new("apt-get");
    command.args([
        "install",
        "--simulate",
        "--yes",
        "--no-install-recommends",
        "--no-remove",
        "--allow-downgrades",
    ]);
    let output = output(command.args(names)).context("run apt-get")?;
    if output.status.success() {
        return Ok(Ok(()));
    }
    let text = [output.stdout, output.stderr].concat();
    Ok(Err(String::from_utf8_lossy(&text).trim().to_owned()))
}

fn words_of_packages(complaint: &str) -> Vec<String> {
    let word = |character: char| !(character.is_ascii_alphanumeric() || "+-.".contains(character));
    let lines = complaint
        .lines()
        .filter(|line| line.contains("Depends:") || line.starts_with(' '));
    lines
        .flat_map(|line| line.split(word))
        .filter(|name| name.len() > 1)
        .map(str::to_owned)
        .collect()
}

/// The version to go back to when the installed one is in no package source.
fn set_back(name: &str) -> Result<Option<String>> {
    let output = output(Command::new("apt-cache").args(["policy", name])).context("run apt-cache")?;
    Ok(parse_policy(&String::from_utf8_lossy(&output.stdout)))
}

/// Reads the version table of `apt-cache policy`: a version is available when one of its origins is not dpkg's
/// own status file. Gives the first (newest) available one, unless the installed one is available.
fn parse_policy(text: &str) -> Option<String> {
    let table = text.split_once("Version table:")?.1;
    let (mut version, mut installed, mut available) = (String::new(), false, None);
    for line in table.lines().filter(|line| !line.trim().is_empty()) {
        let mut words = line.split_whitespace();
        let first = words.next()?;
        let head = line.starts_with(" ***") || (line.starts_with("     ") && !line.starts_with("      "));
        if head {
            installed = first == "***";
            version = if installed {
                words.next()?.to_owned()
            } else {
                first.to_owned()
            };
        } else if words.next() != Some("/var/lib/dpkg/status") {
            if installed {
                return None;
            }
            available.get_or_insert_with(|| version.clone());
        }
    }
    available
}

fn apt_get(arguments: &[&str]) -> Result<Command> {
    let mut command = as_root(&["env", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C", "apt-get"])?;
    command
        .args([
            "--yes",
            "-o",
            LOCK_OPTION,
            "-o",
            "Dpkg::Options::=--force-confold",
        ])
        .args(arguments);
    if arguments.contains(&"install") {
        command.args(["--no-install-recommends", "--no-remove", "--allow-downgrades"]);
    }
    Ok(command)
}

/// `words` as a command with root's rights.
fn as_root(words: &[&str]) -> Result<Command> {
    let user = fs::metadata("/proc/self")
        .context("look at /proc/self: is /proc mounted?")?
        .uid();
    if user == 0 {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]);
        return Ok(command);
    }
    if !Path::new("/usr/bin/sudo").exists() {
        bail!("installing packages needs root: run this as root, or install sudo");
    }
    let mut command = Command::new("sudo");
    command.args(words);
    Ok(command)
}

fn output(command: &mut Command) -> Result<Output> {
    let program = command.get_program().to_string_lossy().into_owned();
    command
        .env("LC_ALL", "C")
        .output()
        .with_context(|| format!("start {program}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_installed_version_without_a_source_is_set_back_to_the_newest_with_one() {
        let foreign = "qemu-utils:\n  Installed: 9.2\n  Candidate: 9.2\n  Version table:\n *** 9.2 100\n        100 /var/lib/dpkg/status\n     7.2+b3 500\n        500 http://m.example/debian bookworm/main amd64 Packages\n     7.2 500\n        500 http://m.example/debian-security bookworm-security/main amd64 Packages\n";
        assert_eq!(parse_policy(foreign).as_deref(), Some("7.2+b3"));
        let own = foreign.replace(
            "        100 /var",
            "        500 http://m.example/x y/main amd64 Packages\n        100 /var",
        );
        assert_eq!(parse_policy(&own), None);
        assert_eq!(parse_policy("N: Unable to locate package x\n"), None);
    }

    #[test]
    fn apts_complaint_names_the_packages_in_the_way() {
        let complaint = "The following packages have unmet dependencies:\n qemu-system-x86 : Depends: qemu-system-common (= 1:7.2) but 1:9 is to be installed\nE: Unable to correct problems";
        let words = words_of_packages(complaint);
        assert!(words.iter().any(|word| word == "qemu-system-common"), "{words:?}");
        assert!(!words.iter().any(|word| word == "Unable"), "{words:?}");
    }

    #[test]
    fn versions_and_sizes_come_from_the_package_lists() {
        let shown = parse_show(
            "Package: a\nVersion: 1-2\nSize: 1550000\nDescription: x\n Version: 9\n\nPackage: b\nVersion: 3\n",
        );
        assert_eq!(shown["a"].version, "1-2");
        let package = Package {
            name: "a",
            reason: "",
            purpose: Purpose::Iso,
            program: None,
        };
        let missing = Missing {
            package,
            candidate: shown.get("a").cloned(),
        };
        assert_eq!((missing.version(), missing.size().as_str()), ("1-2", "1.5 MB"));
        assert_eq!(shown["b"].size, 0);
    }

    #[test]
    fn what_is_installed_here_is_seen() {
        assert!(installed().expect("dpkg-query answers").contains_key("dpkg"));
    }
}
