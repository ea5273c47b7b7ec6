//! What the appliance does to sessions when it restarts: those inside read of it, nobody else comes in, and every recording is closed.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use sps_boot_tests::{BOOT, Operator, PASSWORD, SOON, one_line, power_off};
use sps_harness::{Sshd, Testbed};
use sps_trail::{Playback, State};

use crate::sessions::{HOST, Laboratory, counting, first, through, told};

/// Options of sessions with these limits.
pub(crate) fn options(most: u32, grace: u32) -> String {
    format!(
        "configuration set connections/ssh/options '{{\"verbosity\": 4, \"most_sessions\": {most}, \"most_of_one_client\": {most}, \
         \"most_logging_in\": 200, \"refuse_below_percent\": 15, \"end_below_percent\": 7, \"restart_grace_seconds\": {grace}, \
         \"restart_message\": true}}'"
    )
}

/// Somebody is inside when the appliance is restarted: they read of it, nobody else comes in, and their session has ended in order.
#[test]
fn a_restart_tells_people_and_closes_their_sessions() -> Result<()> {
    Testbed::run("operations-restart", 1, |bed| {
        let lab = Laboratory::new(bed)?;
        let guest = lab.boot(bed, "appliance")?;
        let person = first(&guest, false)?;
        person.run_and_see(&options(4000, 8), "Revision")?;
        let mut ssh = counting(bed, &guest)?;
        active(&person)?;
        person.type_line("reboot")?;
        // The log is not shown while somebody is at the console: the terminal tells first.
        let mut shown = BufReader::new(ssh.stdout.take().context("ssh shows nothing")?)
            .lines()
            .map_while(Result::ok);
        let warned = shown.any(|line| line.contains("*** This appliance restarts in 8 seconds."));
        ensure!(warned, "the terminal was not told");
        let late = told(
            &through(bed, &guest, &format!("{}@{HOST}", Sshd::USER))?
                .arg("true")
                .output()?,
        );
        ensure!(
            late.contains("this appliance restarts: it takes no new sessions"),
            "{late}"
        );
        let said = told(&ssh.wait_with_output()?);
        ensure!(
            said.contains("this appliance restarts and ended the session"),
            "{said}"
        );
        guest.qmp().wait_event("RESET", SOON)?;
        guest.expect("the firmware is healthy", BOOT)?;
        let person = Operator::known(&guest, PASSWORD)?;
        person.command_line()?;
        let list = one_line(&person.run("sessions search --text \"restarts and ended the session\"")?);
        ensure!(list.contains(&format!("{HOST}:22 terminated ssh-")), "{list}");
        let list = one_line(&person.run("sessions search --text \"the appliance stopped\"")?);
        ensure!(!list.contains(" ssh-"), "{list}");
        power_off(guest)?;
        lab.disk.with_data(is_whole)
    })
}

/// Waits until the session is there.
fn active(person: &Operator<'_>) -> Result<()> {
    let begun = Instant::now();
    while !person.run("sessions active")?.contains("ssh-") {
        ensure!(begun.elapsed() < SOON, "no session goes on");
    }
    Ok(())
}

/// The only trail below `root` is closed, and says why the session ended.
fn is_whole(root: &Path) -> Result<()> {
    let found = std::process::Command::new("find")
        .arg(root)
        .args(["-name", "*.zat"])
        .output()?;
    let paths = String::from_utf8(found.stdout)?;
    let mut paths = paths.lines();
    let path = paths.next().context("no trail")?;
    ensure!(paths.next().is_none(), "another trail");
    let mut playback = Playback::new(None, Vec::new());
    playback.push(&std::fs::read(path)?);
    while playback.next()?.is_some() {}
    let report = playback.report();
    ensure!(report.state == State::Complete, "{}", report.state);
    let ending = report.ending.context("no ending")?;
    ensure!(
        ending.reason == "this appliance restarts and ended the session",
        "{ending:?}"
    );
    Ok(())
}
