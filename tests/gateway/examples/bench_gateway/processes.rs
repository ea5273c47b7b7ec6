//! Processes that are measured: what they used of the processors, and of memory.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result};

/// A process of this program that serves on a port of 127.0.0.1; it ends with this.
pub(super) struct Process {
    child: Child,
    out: BufReader<ChildStdout>,
    pub(super) port: u16,
    /// Where audit trails lie, of a gateway.
    trails: Option<PathBuf>,
}

impl Process {
    /// A gateway before a server on this port.
    pub(super) fn gateway(folder: &Path, server: u16, audit: &str) -> Result<Self> {
        let own = folder.join(format!("gateway-{}", std::fs::read_dir(folder)?.count()));
        std::fs::create_dir(&own)?;
        let trails = own.join("trails");
        let own = own.to_str().context("an odd name of a folder")?;
        let mut gateway = Self::start(&["serve", own, &server.to_string(), audit])?;
        gateway.trails = Some(trails);
        Ok(gateway)
    }

    /// A gateway that has so many MiB.
    pub(super) fn within(folder: &Path, server: u16, mib: &str) -> Result<Self> {
        let own = folder.join("within");
        std::fs::create_dir(&own)?;
        let own = own.to_str().context("an odd name of a folder")?;
        Self::start(&["within", own, &server.to_string(), mib])
    }

    /// What it says to a line.
    pub(super) fn ask(&mut self) -> Result<serde_json::Value> {
        let told = self.child.stdin.as_mut().context("no input")?;
        told.write_all(b"\n")?;
        let mut line = String::new();
        self.out.read_line(&mut line)?;
        serde_json::from_str(&line).with_context(|| format!("it said {line:?}"))
    }

    /// A server that takes everybody and says nothing.
    pub(super) fn null() -> Result<Self> {
        Self::start(&["null"])
    }

    fn start(words: &[&str]) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().context("no output")?);
        out.read_line(&mut line)?;
        let port = line.trim().parse().context("the process did not start")?;
        Ok(Self {
            child,
            out,
            port,
            trails: None,
        })
    }

    /// Removes the audit trails that are there: ten transfers of a GiB would fill a disk.
    pub(super) fn forget_trails(&self) -> Result<()> {
        for trail in self
            .trails
            .iter()
            .map(std::fs::read_dir)
            .collect::<Result<Vec<_>, _>>()?
            .into_iter()
            .flatten()
        {
            std::fs::remove_file(trail?.path())?;
        }
        Ok(())
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _gone = self.child.wait();
    }
}

/// A control group in which a process is put, and with it all that it starts: children that nobody waits for count too, as those of `sshd`.
pub(super) struct Group(PathBuf);

impl Group {
    /// With this process in it.
    pub(super) fn of(process: u32) -> Result<Self> {
        let mounts = std::fs::read_to_string("/proc/self/mounts")?;
        let mut fields = mounts.lines().map(|line| line.split(' '));
        let root = fields.find_map(|mut fields| {
            let place = fields.nth(1)?;
            (fields.next() == Some("cgroup2")).then(|| PathBuf::from(place))
        });
        let group = root
            .context("no cgroup2 is mounted")?
            .join(format!("bench-gateway-{process}"));
        std::fs::create_dir(&group)?;
        std::fs::write(group.join("cgroup.procs"), process.to_string())?;
        Ok(Self(group))
    }

    /// Seconds of processors it used.
    pub(super) fn seconds(&self) -> Result<f64> {
        let stat = std::fs::read_to_string(self.0.join("cpu.stat"))?;
        let line = stat.lines().find_map(|line| line.strip_prefix("usage_usec "));
        let used: u64 = line.context("no usage_usec")?.parse()?;
        Ok(used as f64 / 1e6)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // As long as somebody is in it, it stays.
        let _may_stay = std::fs::remove_dir(&self.0);
    }
}

/// Bytes of memory a process has.
pub(super) fn memory(process: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    Ok(kib.context("no VmRSS")? * 1024)
}
