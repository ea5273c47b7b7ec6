//! `cargo xtask bench`: measures what the project promises about speed and size, beside a comparison.
//!
//! Benchmarks report and never fail a build: a busy machine is not a defect. One file per benchmark.

mod boot;
mod disk;
mod figure;
mod gateway;
mod image;
mod install;
mod reorg;
mod search;
mod sessions;
mod size;
mod trail;
mod upgrade;
mod web;

use anyhow::{Context, Result};
use clap::Args;

use crate::project::Project;

pub(crate) use figure::Figure;

/// One benchmark.
struct Benchmark {
    name: &'static str,
    about: &'static str,
    measure: Measure,
}

/// How it is measured.
#[derive(Clone, Copy)]
enum Measure {
    /// Always the same.
    Plain(fn(&Project) -> Result<Vec<Figure>>),
    /// With as many rows as asked for.
    Rows(fn(&Project, u64) -> Result<Vec<Figure>>),
}

/// The list; `all` runs them in this order.
const BENCHMARKS: &[Benchmark] = &[
    Benchmark {
        name: "boot",
        about: "power-on, PID 1, boot page and memory, in QEMU",
        measure: Measure::Plain(boot::measure),
    },
    Benchmark {
        name: "disk",
        about: "an installed disk in every format, nothing changed",
        measure: Measure::Plain(disk::measure),
    },
    Benchmark {
        name: "image",
        about: "a warm build and the assembly alone",
        measure: Measure::Plain(image::measure),
    },
    Benchmark {
        name: "install",
        about: "an installation against dd, and the boot of an installed disk",
        measure: Measure::Plain(install::measure),
    },
    Benchmark {
        name: "reorg",
        about: "a reorganization of the data store against bare links and cp -a; needs 45 GB for a while",
        measure: Measure::Plain(reorg::measure),
    },
    Benchmark {
        name: "search",
        about: "content indexed and searched among a million sessions, against SQLite's full-text index; minutes and 3 GB",
        measure: Measure::Plain(search::measure),
    },
    Benchmark {
        name: "sessions",
        about: "import into the session database and searches in it, against a plain one; minutes and 20 GB",
        measure: Measure::Rows(sessions::measure),
    },
    Benchmark {
        name: "size",
        about: "ISO, kernel and binary",
        measure: Measure::Plain(size::measure),
    },
    Benchmark {
        name: "gateway",
        about: "SSH through the gateway against sshd chained to ssh: transfers, typing, logins, memory of 2,000 sessions",
        measure: Measure::Plain(gateway::measure),
    },
    Benchmark {
        name: "trail",
        about: "audit trails recorded, verified, read; memory of a session; a round of 2,000 to the disk",
        measure: Measure::Plain(trail::measure),
    },
    Benchmark {
        name: "upgrade",
        about: "a restart into other firmware until its login page answers, against a plain one",
        measure: Measure::Plain(upgrade::measure),
    },
    Benchmark {
        name: "web",
        about: "uploads, first bytes, weight of pages and memory of the web interface",
        measure: Measure::Plain(web::measure),
    },
];

/// Measures speed and size and prints a table with ratios to the comparison and the bars to stay under.
///
/// Run it on an idle machine. It always ends with status 0 when it could measure; the last column says which bars
/// were met. With --json every figure is one object a line: name, value, unit, peer (what the comparison needs),
/// ratio (value / peer), bar, met.
#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// Which benchmark, or `all`; without a name they are listed
    name: Option<String>,
    /// One JSON object a line instead of a table
    #[arg(long)]
    json: bool,
    /// Sessions in the session database: fewer for a quick look
    #[arg(long, default_value_t = sessions::ROWS)]
    rows: u64,
}

impl Bench {
    pub(crate) fn run(self, project: &Project) -> Result<()> {
        let Some(name) = self.name else {
            for benchmark in BENCHMARKS {
                println!("{:10} {}", benchmark.name, benchmark.about);
            }
            return Ok(());
        };
        let mut figures = Vec::new();
        for benchmark in select(&name)? {
            let measured = match benchmark.measure {
                Measure::Plain(measure) => measure(project),
                Measure::Rows(measure) => measure(project, self.rows),
            };
            figures.extend(measured.with_context(|| format!("benchmark {}", benchmark.name))?);
        }
        if self.json {
            for figure in &figures {
                println!("{}", serde_json::to_string(figure).context("write a figure")?);
            }
        } else {
            print!("{}", figure::table(&figures));
        }
        Ok(())
    }
}

fn select(name: &str) -> Result<Vec<&'static Benchmark>> {
    if name == "all" {
        return Ok(BENCHMARKS.iter().collect());
    }
    let names: Vec<&str> = BENCHMARKS.iter().map(|benchmark| benchmark.name).collect();
    let found = BENCHMARKS.iter().find(|benchmark| benchmark.name == name);
    let found =
        found.with_context(|| format!("no benchmark {name}; there are: all, {}", names.join(", ")))?;
    Ok(vec![found])
}
