//! More sessions than a small machine has memory for. It takes ten minutes: one of the long tests.

use std::net::Ipv4Addr;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use russh::Channel;
use russh::client::{Handle, Msg};
use sps_boot_tests::{BOOT, Installed, Operator, SOON, power_off};
use sps_harness::crowd::{Anybody, null, shell, somebody, stubborn};
use sps_harness::{Guest, Machine, Nic, Testbed};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::operations::options;
use crate::sessions::{configure, greeted};

/// This machine as the guest sees it in QEMU's own network.
const OUTSIDE: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 2);
/// MiB of memory of the machine that is flooded.
const MEMORY: u32 = 512;
/// Sessions that want in: more than there is memory for.
const FLOOD: usize = 2000;
/// How many of them try at the same time.
const AT_ONCE: usize = 32;
/// Longest time that one tries.
const TRIES: Duration = Duration::from_secs(180);
/// Longest time that the whole flood takes, under emulation.
const FLOODED: Duration = Duration::from_secs(900);
/// What reads the metrics.
const TOKEN: &str = "a-token-for-the-metrics-of-this-story";

/// Somebody who is in.
type Session = (Handle<Anybody>, Channel<Msg>);

/// Everybody tries; those who got in.
async fn flood(port: u16, name: &str) -> Vec<Session> {
    let (mut trying, mut inside) = (JoinSet::new(), Vec::new());
    for number in 0..FLOOD {
        if trying.len() >= AT_ONCE {
            inside.extend(trying.join_next().await.and_then(Result::ok).flatten());
        }
        let name = name.to_owned();
        trying.spawn(async move {
            let comes = async {
                let handle = somebody(stubborn(), port, number, &name).await?;
                let channel = shell(&handle).await?;
                anyhow::Ok((handle, channel))
            };
            timeout(TRIES, comes).await.ok()?.ok()
        });
    }
    while let Some(one) = trying.join_next().await {
        inside.extend(one.ok().flatten());
    }
    inside
}

/// What is measured, while the appliance answers; how long the slowest answer took.
struct Watch<'a> {
    guest: &'a Guest,
    slowest: Duration,
}

impl Watch<'_> {
    fn metric(&mut self, series: &str) -> Result<f64> {
        let asked = Instant::now();
        let page = self
            .guest
            .https()?
            .get_as("/api/metrics", &format!("Bearer {TOKEN}"))?;
        self.slowest = self.slowest.max(asked.elapsed());
        ensure!(page.status == 200, "{}: {}", page.status, page.body);
        let line = page
            .body
            .lines()
            .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        Ok(line
            .with_context(|| format!("no {series} in {}", page.body))?
            .parse()?)
    }

    /// MiB.
    fn available(&mut self) -> Result<u64> {
        Ok(self.metric("sps_memory_available_bytes")? as u64 >> 20)
    }

    /// Waits until a series is as `wanted`; the appliance answers all the while.
    fn until(&mut self, series: &str, within: Duration, wanted: impl Fn(f64) -> bool) -> Result<f64> {
        let begun = Instant::now();
        loop {
            let value = self.metric(series)?;
            if wanted(value) {
                return Ok(value);
            }
            ensure!(begun.elapsed() < within, "{series} is {value}");
        }
    }
}

const OPEN: &str = "sps_sessions_open{protocol=\"ssh\"}";
const LACK: &str = "sps_sessions_refused_total{protocol=\"ssh\",reason=\"memory\"}";

/// A small machine gets more sessions than it has memory for: it refuses with words those for which there is no memory, answers all the while, and takes a new one
/// when they have gone.
#[test]
fn a_flood_is_refused_for_want_of_memory_and_the_machine_stays() -> Result<()> {
    Testbed::run("operations-flood", 1, |bed| {
        let runtime = Runtime::new()?;
        let server = runtime.block_on(null::start())?;
        let disk = Installed::fresh(bed)?;
        let card = Nic::user().outside().forward(22).forward(443);
        let machine = Machine::new()
            .memory(MEMORY)
            .watchdog()
            .nic(card)
            .disk(disk.disk());
        let guest = bed.start("appliance", machine)?;
        guest.expect("the firmware is healthy", BOOT)?;
        let person = Operator::log_in(&guest)?;
        person.command_line()?;
        open_to(&person, server)?;
        greeted(&guest)?;
        let (port, name) = (guest.address(22)?.port(), format!("somebody@{OUTSIDE}:{server}"));
        let mut watch = Watch {
            guest: &guest,
            slowest: Duration::ZERO,
        };
        let before = watch.available()?;
        let inside = flooded(&runtime, &mut watch, (port, &name))?;
        let (refused, low) = (watch.metric(LACK)?, watch.available()?);
        println!(
            "{MEMORY} MiB, {before} free: of {FLOOD} sessions {} are in, {refused} were refused for want of memory; {low} MiB are free, the slowest answer took {:.1} s",
            inside.len(),
            watch.slowest.as_secs_f64()
        );
        ensure!(
            inside.len() > 50 && refused > 100.0,
            "{} in, {refused} refused",
            inside.len()
        );
        person.run_and_see("status", "healthy")?;
        drop(inside);
        watch.until(OPEN, FLOODED, |open| open == 0.0)?;
        let enough = f64::from(MEMORY << 20) * 0.25;
        let after = watch.until("sps_memory_available_bytes", SOON, |bytes| bytes > enough)?;
        println!("{} MiB are free again", after as u64 >> 20);
        runtime.block_on(async { shell(&somebody(stubborn(), port, 0, &name).await?).await })?;
        person.run_and_see("status", "healthy")?;
        power_off(guest)
    })
}

/// Everybody may go to this port of this machine, as many as there is memory for, and the metrics are read with the token.
fn open_to(person: &Operator<'_>, port: u16) -> Result<()> {
    let there = format!("\"{OUTSIDE}\", \"port\": {port}}}");
    configure(person, |command| {
        command.replace("\"192.0.2.0/24\", \"port\": 22}", &there)
    })?;
    person.run_and_see(&options(100_000, 10), "Revision")?;
    let token =
        format!("configuration set local_services/metrics '{{\"token\": {{\"plain\": \"{TOKEN}\"}}}}'");
    person.run_and_see(&token, "Revision").map(drop)
}

/// The flood, while the appliance is asked how it does again and again.
fn flooded(runtime: &Runtime, watch: &mut Watch<'_>, (port, name): (u16, &str)) -> Result<Vec<Session>> {
    thread::scope(|scope| {
        let flood = scope.spawn(|| runtime.block_on(flood(port, name)));
        let begun = Instant::now();
        while !flood.is_finished() {
            watch.available()?;
            ensure!(begun.elapsed() < FLOODED, "the flood does not end");
        }
        flood.join().ok().context("the flood panicked")
    })
}
