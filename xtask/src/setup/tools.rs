//! Tools that come through cargo or rustup instead of Debian.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use super::apt;
use super::packages::Purpose;
use crate::cache::{self, Lock};
use crate::digest;
use crate::progress;
use crate::project::Project;

/// Checks licences, bans and sources of the dependencies. Pinned: a new release brings new opinions.
const CARGO_DENY: &str = "0.20.2";

/// Folder of the stories told by a browser.
const BROWSER: &str = "tests/browser";

/// What judges the web interface from outside, with digests.
const JUDGES: &str = "tests/web/requirements.txt";

/// What answers as S3 does, with digests.
const S3_SERVER: &str = "tests/s3/requirements.txt";

/// What judges the SSH proxy, with its digest.
const SSH_JUDGE: &str = "tests/ssh/requirements.txt";

/// Folder of what the SSH proxy is tried with.
const SSH_CLIENTS: &str = "tests/ssh";

/// One tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tool {
    /// A component of the Rust toolchain.
    Component(&'static str),
    /// cargo-deny, built into the cache.
    CargoDeny,
    /// The libraries that tests/browser names, in the cache.
    BrowserLibraries,
    /// The programs that tests/web names, in the cache.
    WebJudges,
    /// The S3 server that tests/s3 names, in the cache.
    S3Server,
    /// The program that tests/ssh names, in the cache.
    SshJudge,
    /// The client of Node.js that tests/ssh names, in the cache.
    SshClients,
    /// A server for tests and benchmarks, unpacked into the cache and not installed: see [`UNPACKED`].
    Unpacked(&'static Unpacked),
}

impl Tool {
    /// Its name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Component(name) => name,
            Self::CargoDeny => "cargo-deny",
            Self::BrowserLibraries => "playwright-core, axe-core",
            Self::WebJudges => "schemathesis, sslyze",
            Self::S3Server => "moto",
            Self::SshJudge => "ssh-audit",
            Self::SshClients => "ssh2",
            Self::Unpacked(server) => server.program,
        }
    }

    /// The version that will be installed.
    pub(super) fn version(self) -> &'static str {
        match self {
            Self::Component(_) => "(of this toolchain)",
            Self::CargoDeny => CARGO_DENY,
            Self::BrowserLibraries => "(of tests/browser)",
            Self::WebJudges => "(of tests/web)",
            Self::S3Server => "(of tests/s3)",
            Self::SshJudge | Self::SshClients => "(of tests/ssh)",
            Self::Unpacked(_) => "(unpacked, not installed)",
        }
    }

    /// What it is for.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Component("rustfmt") => "checks the formatting",
            Self::Component(_) => "checks the code",
            Self::CargoDeny => "checks licences and sources of dependencies (compiled: some minutes)",
            Self::BrowserLibraries => "drive and judge pages in the stories told by a browser",
            Self::WebJudges => "judge the REST API by its description, and the TLS",
            Self::S3Server => {
                "the S3 server of the archive tests; its Python reads audit trails in their tests"
            }
            Self::SshJudge => "judges what the SSH proxy offers",
            Self::SshClients => "a client of the SSH proxy",
            Self::Unpacked(server) => server.reason,
        }
    }
}

/// A program that must not be installed: as a package it would start, or replace what keeps this machine's time.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unpacked {
    package: &'static str,
    /// In `usr/sbin` of the package.
    program: &'static str,
    reason: &'static str,
}

const UNPACKED: [Unpacked; 4] = [
    Unpacked {
        package: "chrony",
        program: "chronyd",
        reason: "the time server of the clock tests",
    },
    Unpacked {
        package: "isc-dhcp-server",
        program: "dhcpd",
        reason: "the DHCP server of the network tests that gives leases of any length",
    },
    Unpacked {
        package: "openssh-server",
        program: "sshd",
        reason: "the servers behind the SSH proxy",
    },
    Unpacked {
        package: "nginx",
        program: "nginx",
        reason: "the comparison of the web benchmark",
    },
];

impl Unpacked {
    fn folder(&self, project: &Project) -> PathBuf {
        project.cache().join("tools").join(self.package)
    }
}

/// Where this project's own cargo-deny stands.
pub(crate) fn cargo_deny(project: &Project) -> PathBuf {
    project
        .cache()
        .join("tools")
        .join(format!("cargo-deny-{CARGO_DENY}"))
        .join("bin/cargo-deny")
}

/// Where the libraries of the stories told by a browser stand: a folder for each content of their lock file.
///
/// # Errors
/// When the lock file cannot be read.
pub(crate) fn browser_libraries(project: &Project) -> Result<PathBuf> {
    by_content(
        project,
        "browser",
        &project.root().join(BROWSER).join("package-lock.json"),
    )
}

/// Where the programs that judge the web interface stand: a folder for each content of the file that names them.
///
/// # Errors
/// When that file cannot be read.
pub(crate) fn web_judges(project: &Project) -> Result<PathBuf> {
    by_content(project, "web", &project.root().join(JUDGES))
}

/// Where the S3 server of the tests stands: a folder for each content of the file that names it.
///
/// # Errors
/// When that file cannot be read.
pub(crate) fn s3_server(project: &Project) -> Result<PathBuf> {
    by_content(project, "s3", &project.root().join(S3_SERVER))
}

/// Where the program that judges the SSH proxy stands: a folder for each content of the file that names it.
///
/// # Errors
/// When that file cannot be read.
pub(crate) fn ssh_judge(project: &Project) -> Result<PathBuf> {
    by_content(project, "ssh", &project.root().join(SSH_JUDGE))
}

/// Where the client of Node.js stands: a folder for each content of its lock file.
///
/// # Errors
/// When the lock file cannot be read.
pub(crate) fn ssh_clients(project: &Project) -> Result<PathBuf> {
    let lock = project.root().join(SSH_CLIENTS).join("package-lock.json");
    by_content(project, "ssh-clients", &lock)
}

fn by_content(project: &Project, name: &str, file: &Path) -> Result<PathBuf> {
    let digest = digest::file(file)?;
    let short = digest.get(..16).unwrap_or(&digest);
    Ok(project.cache().join("tools").join(format!("{name}-{short}")))
}

/// Where tests find their programs: the caller's path, root's programs and what is unpacked in the cache.
pub(crate) fn path(project: &Project) -> String {
    let own = env::var("PATH").unwrap_or_default();
    let unpacked = UNPACKED
        .iter()
        .map(|server| server.folder(project).join("usr/sbin"));
    unpacked.fold(format!("{own}:/usr/sbin:/sbin"), |path, folder| {
        format!("{path}:{}", folder.display())
    })
}

/// What `purpose` needs and this machine lacks.
pub(super) fn missing(project: &Project, purpose: Purpose) -> Vec<Tool> {
    if purpose < Purpose::All {
        return Vec::new();
    }
    let mut tools = Vec::new();
    for (component, subcommand) in [("rustfmt", "fmt"), ("clippy", "clippy")] {
        if !answers(Command::new("cargo").args([subcommand, "--version"])) {
            tools.push(Tool::Component(component));
        }
    }
    if !cargo_deny(project).exists() {
        tools.push(Tool::CargoDeny);
    }
    if !browser_libraries(project).is_ok_and(|folder| folder.exists()) {
        tools.push(Tool::BrowserLibraries);
    }
    if !web_judges(project).is_ok_and(|folder| folder.exists()) {
        tools.push(Tool::WebJudges);
    }
    if !s3_server(project).is_ok_and(|folder| folder.exists()) {
        tools.push(Tool::S3Server);
    }
    if !ssh_judge(project).is_ok_and(|folder| folder.exists()) {
        tools.push(Tool::SshJudge);
    }
    if !ssh_clients(project).is_ok_and(|folder| folder.exists()) {
        tools.push(Tool::SshClients);
    }
    let path = path(project);
    let there = |server: &&Unpacked| {
        path.split(':')
            .any(|folder| Path::new(folder).join(server.program).exists())
    };
    tools.extend(
        UNPACKED
            .iter()
            .filter(|server| !there(server))
            .map(Tool::Unpacked),
    );
    tools
}

/// Installs `tools`.
pub(super) fn install(project: &Project, tools: &[Tool]) -> Result<()> {
    for tool in tools {
        match tool {
            Tool::Component(component) => {
                let mut command = Command::new("rustup");
                command.args(["component", "add", component]);
                progress::run(&format!("setup: install {component}"), &mut command, None)
                    .with_context(|| format!("add {component} to this Rust toolchain by hand"))?;
            }
            Tool::CargoDeny => install_cargo_deny(project)?,
            Tool::BrowserLibraries => {
                let title = "playwright-core and axe-core";
                fetch_modules(project, title, BROWSER, &browser_libraries(project)?)?;
            }
            Tool::WebJudges => fetch_web_judges(project)?,
            Tool::S3Server => fetch_wheels(project, "moto", S3_SERVER, &s3_server(project)?)?,
            Tool::SshJudge => fetch_wheels(project, "ssh-audit", SSH_JUDGE, &ssh_judge(project)?)?,
            Tool::SshClients => fetch_modules(project, "ssh2", SSH_CLIENTS, &ssh_clients(project)?)?,
            Tool::Unpacked(server) => unpack(project, server)?,
        }
    }
    Ok(())
}

fn install_cargo_deny(project: &Project) -> Result<()> {
    let program = cargo_deny(project);
    let root = program
        .ancestors()
        .nth(2)
        .context("the tool's folder has no parent")?;
    let mut command = Command::new("cargo");
    command
        .args(["install", "--locked", "--version", CARGO_DENY, "--root"])
        .arg(root)
        // It looks at a few files and ends: compiling it fast counts, not its speed.
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0")
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
    progress::run("setup: install cargo-deny", command.arg("cargo-deny"), None)?;
    Ok(())
}

/// By npm, which compares each with the digest in the lock file; no script of theirs runs.
fn fetch_modules(project: &Project, title: &str, folder: &str, place: &Path) -> Result<()> {
    let lock = Lock::take(&project.cache().join("tools"))?;
    let tree = lock.scratch("modules")?;
    for name in ["package.json", "package-lock.json"] {
        let from = project.root().join(folder).join(name);
        fs::copy(&from, tree.path().join(name)).with_context(|| format!("copy {}", from.display()))?;
    }
    let mut command = Command::new("npm");
    command.current_dir(tree.path()).args([
        "ci",
        "--ignore-scripts",
        "--omit=optional",
        "--no-audit",
        "--no-fund",
    ]);
    progress::run(&format!("setup: fetch {title}"), &mut command, None)?;
    cache::publish(tree.path(), place)
}

/// By pip, which compares each with the digest in the file. sslyze alone comes as source, of Python only.
fn fetch_web_judges(project: &Project) -> Result<()> {
    let lock = Lock::take(&project.cache().join("tools"))?;
    let tree = lock.scratch("web")?;
    let mut command = Command::new("/usr/bin/python3");
    command.args(["-m", "venv"]).arg(tree.path());
    progress::run(
        "setup: make a place for schemathesis and sslyze",
        &mut command,
        None,
    )?;
    for list in ["builder.txt", "requirements.txt"] {
        let mut command = Command::new(tree.path().join("bin/python"));
        command
            .args(["-m", "pip", "install", "--quiet", "--no-cache-dir", "--no-deps"])
            .args([
                "--only-binary",
                ":all:",
                "--no-binary",
                "sslyze",
                "--no-build-isolation",
            ])
            .args(["--require-hashes", "--requirement"])
            .arg(project.root().join(JUDGES).with_file_name(list));
        progress::run("setup: fetch schemathesis and sslyze", &mut command, None)?;
    }
    cache::publish(tree.path(), &web_judges(project)?)
}

/// By pip, which compares each with the digest in the file; no source of theirs is built.
fn fetch_wheels(project: &Project, name: &str, list: &str, place: &Path) -> Result<()> {
    let lock = Lock::take(&project.cache().join("tools"))?;
    let tree = lock.scratch(name)?;
    let mut command = Command::new("/usr/bin/python3");
    command.args(["-m", "venv"]).arg(tree.path());
    progress::run(&format!("setup: make a place for {name}"), &mut command, None)?;
    let mut command = Command::new(tree.path().join("bin/python"));
    command
        .args(["-m", "pip", "install", "--quiet", "--no-cache-dir", "--no-deps"])
        .args(["--only-binary", ":all:", "--require-hashes", "--requirement"])
        .arg(project.root().join(list));
    progress::run(&format!("setup: fetch {name}"), &mut command, None)?;
    cache::publish(tree.path(), place)
}

fn unpack(project: &Project, server: &Unpacked) -> Result<()> {
    let name = server.package;
    let lock = Lock::take(&project.cache().join("tools"))?;
    let (download, tree) = (lock.scratch("download")?, lock.scratch(name)?);
    apt::download(name, download.path())?;
    let entries = fs::read_dir(download.path()).context("list what apt fetched")?;
    let package = entries.filter_map(Result::ok).map(|entry| entry.path()).next();
    let mut command = Command::new("dpkg-deb");
    command
        .arg("--extract")
        .arg(package.with_context(|| format!("apt fetched no {name}"))?)
        .arg(tree.path());
    progress::run(&format!("setup: unpack {name}"), &mut command, None)?;
    cache::publish(tree.path(), &server.folder(project))
}

/// Whether a program is on the path.
pub(super) fn is_there(program: &str) -> bool {
    answers(Command::new(program).arg("--version"))
}

fn answers(command: &mut Command) -> bool {
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}
