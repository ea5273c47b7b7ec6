//! Where an appliance keeps what every bundle has.

use std::path::PathBuf;

use crate::source::{From, Source};

/// Tops of the trees that are looked at.
#[derive(Clone, Debug)]
pub struct Roots {
    /// The file system `state`, when it is mounted.
    pub state: Option<PathBuf>,
    /// procfs.
    pub proc: PathBuf,
    /// sysfs.
    pub sys: PathBuf,
    /// Devices.
    pub dev: PathBuf,
}

impl Default for Roots {
    fn default() -> Self {
        Self {
            state: None,
            proc: "/proc".into(),
            sys: "/sys".into(),
            dev: "/dev".into(),
        }
    }
}

/// Files of procfs. No command lines and environments of processes: they may hold anything.
const PROC: [&str; 14] = [
    "cmdline",
    "cpuinfo",
    "interrupts",
    "loadavg",
    "meminfo",
    "partitions",
    "self/mountinfo",
    "self/status",
    "uptime",
    "version",
    "net/dev",
    "net/route",
    "net/arp",
    "drbd",
];

impl Roots {
    /// What is collected from files, the most telling first: when time or room runs out, the rest is left out.
    #[must_use]
    pub fn sources(&self) -> Vec<Source> {
        let mut sources = Vec::new();
        if let Some(state) = &self.state {
            sources.extend([
                Source::folder("boot", state.join("boot")),
                Source::new(
                    "config/node.json",
                    From::Configuration(state.join("config/node.json")),
                ),
                Source::folder("logs", state.join("logs")),
            ]);
        }
        sources.extend([
            Source::folder("pstore", self.sys.join("fs/pstore")),
            Source::new("kernel.log", From::KernelLog(self.dev.join("kmsg"))),
            Source::new("disks.txt", From::Disks(self.sys.join("block"))),
        ]);
        sources.extend(
            PROC.iter()
                .map(|name| Source::file(&format!("proc/{name}"), self.proc.join(name))),
        );
        if let Some(state) = &self.state {
            sources.push(Source::new(
                "config/history",
                From::ConfigurationFolder(state.join("config/history")),
            ));
        }
        sources
    }
}
