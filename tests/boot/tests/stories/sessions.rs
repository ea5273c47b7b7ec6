//! Sessions through a booted appliance: OpenSSH's client on this machine, the appliance, OpenSSH's server on this machine.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::browser::Story;
use anyhow::{Context, Result, ensure};
use sps_boot_tests::{BOOT, Installed, Operator, PASSWORD, SOON, one_line, power_off, ssh_client};
use sps_harness::{Guest, Machine, Nic, Sshd, Testbed};
use sps_trail::{Kind, Playback, State};

/// The server as the guest sees it, in QEMU's own network.
pub(crate) const HOST: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 100);

/// An appliance, and a server behind it.
pub(crate) struct Laboratory {
    pub(crate) disk: Installed,
    program: PathBuf,
    _server: Sshd,
}

impl Laboratory {
    pub(crate) fn new(bed: &Testbed) -> Result<Self> {
        let server = Sshd::start("")?;
        Ok(Self {
            disk: Installed::fresh(bed)?,
            program: server.for_one_connection()?,
            _server: server,
        })
    }

    /// A start of the appliance, until its firmware is healthy.
    pub(crate) fn boot(&self, bed: &Testbed, name: &str) -> Result<Guest> {
        let card = Nic::user().forward(22).forward(443);
        let card = card.server(SocketAddrV4::new(HOST, 22), &self.program);
        let machine = Machine::new().watchdog().nic(card).disk(self.disk.disk());
        let guest = bed.start(name, machine)?;
        guest.expect("the firmware is healthy", BOOT)?;
        Ok(guest)
    }
}

/// At the first start, until it takes sessions.
pub(crate) fn first(guest: &Guest, four_eyes: bool) -> Result<Operator<'_>> {
    let person = Operator::log_in(guest)?;
    person.command_line()?;
    set_up(&person, four_eyes)?;
    greeted(guest)?;
    Ok(person)
}

/// OpenSSH's client, on its way through the appliance.
pub(crate) fn through(bed: &Testbed, guest: &Guest, name: &str) -> Result<Command> {
    let mut ssh = ssh_client(bed, "ssh", guest.address(22)?.port(), Sshd::PASSWORD)?;
    ssh.args(["-o", "ConnectTimeout=20", "-l", name, "127.0.0.1"]);
    Ok(ssh)
}

/// What runs until somebody ends it.
pub(crate) fn counting(bed: &Testbed, guest: &Guest) -> Result<Child> {
    let mut ssh = through(bed, guest, &format!("{}@{HOST}", Sshd::USER))?;
    let ssh = ssh
        .args(["-tt", COUNTS])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    ssh.spawn().context("start ssh")
}

/// Connection policies are set on the appliance, a person goes through it by naming the server in the user name, and the session is in the
/// database with its command and its trail, which another start still has. Another host key stops everything.
#[test]
fn ssh_goes_through_the_appliance_and_leaves_a_session() -> Result<()> {
    Testbed::run("sessions", 1, |bed| {
        let lab = Laboratory::new(bed)?;
        let guest = lab.boot(bed, "appliance")?;
        let person = first(&guest, false)?;
        let run = |name: &str, command: &str| -> Result<Output> {
            let mut ssh = through(bed, &guest, name)?;
            ssh.arg(command).output().context("start ssh")
        };
        let name = format!("{}@{HOST}", Sshd::USER);
        let said = run(&name, "echo seen by the server; exit 5")?;
        ensure!(
            said.status.code() == Some(5) && told(&said).contains("seen by the server"),
            "{}: {}",
            said.status,
            told(&said)
        );
        let refused = run(&format!("{}@192.0.2.1", Sshd::USER), "true")?;
        ensure!(
            told(&refused).contains("not among the servers"),
            "{}",
            told(&refused)
        );
        found(&person)?;
        shown(&person)?;
        power_off(guest)?;

        let guest = lab.boot(bed, "again")?;
        greeted(&guest)?;
        let person = Operator::known(&guest, PASSWORD)?;
        person.command_line()?;
        found(&person)?;
        // The same host key for clients, and the same server behind it.
        let said = through(bed, &guest, &name)?.arg("echo again").output();
        let said = said.context("start ssh")?;
        ensure!(told(&said).contains("again"), "{}: {}", said.status, told(&said));
        power_off(guest)
    })
}

/// What the server runs until somebody ends it.
const COUNTS: &str = "i=0; while sleep 0.5; do i=$((i+1)); echo count $i; done";

/// In a browser: somebody agrees to a session, follows it, ends it, finds it and plays it.
#[test]
fn a_session_is_agreed_to_followed_ended_and_played_in_a_browser() -> Result<()> {
    Testbed::run("sessions-browser", 1, |bed| {
        let lab = Laboratory::new(bed)?;
        let guest = lab.boot(bed, "appliance")?;
        first(&guest, true)?;
        let ssh = counting(bed, &guest)?;
        Story::new(bed, "sessions", guest.address(443)?)?.tell()?;
        let said = ssh.wait_with_output()?;
        let told = told(&said);
        ensure!(
            told.contains("count 1") && told.contains("admin ended the session"),
            "{}: {told}",
            said.status
        );
        power_off(guest)
    })
}

/// The power fails in the middle of a session: its trail is good up to the last second before that, and the next start gives the session its end.
#[test]
fn a_power_cut_leaves_a_session_that_verifies_and_can_be_read() -> Result<()> {
    Testbed::run("sessions-power", 1, |bed| {
        let lab = Laboratory::new(bed)?;
        let guest = lab.boot(bed, "appliance")?;
        first(&guest, false)?;
        let mut ssh = counting(bed, &guest)?;
        let shown = ssh.stdout.take().context("ssh shows nothing")?;
        let counted = BufReader::new(shown).lines().map_while(Result::ok);
        // Two counts a second: what is five counts old is on the disk.
        let last = counted.take(12).last().context("ssh shows nothing")?;
        guest.cut_power()?;
        let _gone = ssh.kill();
        ssh.wait()?;
        ensure!(last.trim() == "count 12", "{last:?}");
        lab.disk.with_data(|root| {
            let read = what_the_trail_shows(root)?;
            ensure!(read.contains("count 1\r") && read.contains("count 7\r"), "{read}");
            Ok(())
        })?;

        let guest = lab.boot(bed, "again")?;
        let person = Operator::known(&guest, PASSWORD)?;
        person.command_line()?;
        let begun = Instant::now();
        loop {
            let list = one_line(&person.run("sessions search --text \"the appliance stopped\"")?);
            if list.contains(&format!("{HOST}:22 terminated ssh-")) {
                return power_off(guest);
            }
            ensure!(begun.elapsed() < SOON, "{list}");
        }
    })
}

/// What the only audit trail below `root` shows; it was cut, and nothing else is wrong with it.
fn what_the_trail_shows(root: &Path) -> Result<String> {
    let mut folders = vec![root.to_owned()];
    let mut trails = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else if entry.path().extension().is_some_and(|kind| kind == "zat") {
                trails.push(entry.path());
            }
        }
    }
    ensure!(trails.len() == 1, "{trails:?}");
    let mut playback = Playback::new(None, Vec::new());
    playback.push(&fs::read(&trails[0])?);
    let mut shown = Vec::new();
    while let Some(event) = playback.next()? {
        if let Kind::Output { data, .. } = event.kind {
            shown.extend_from_slice(&data);
        }
    }
    let state = playback.report().state;
    ensure!(matches!(state, State::Cut { .. }), "{state}");
    Ok(String::from_utf8_lossy(&shown).into_owned())
}

/// Waits until somebody speaks SSH there.
pub(crate) fn greeted(guest: &Guest) -> Result<()> {
    let begun = Instant::now();
    loop {
        let mut stream = TcpStream::connect(guest.address(22)?)?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        let mut greeting = [0; 4];
        if stream.read_exact(&mut greeting).is_ok() && greeting == *b"SSH-" {
            return Ok(());
        }
        ensure!(begun.elapsed() < SOON, "nobody takes sessions");
    }
}

/// The connection policy and what belongs to it: word by word what the README tells, but for where the server is, and that somebody is to agree.
fn set_up(person: &Operator<'_>, four_eyes: bool) -> Result<()> {
    configure(person, |command| {
        let command = command.replace("192.0.2.0/24", &HOST.to_string());
        let agreed = format!("\"user_list\": null, \"four_eyes\": {four_eyes}}}");
        command.replace("\"user_list\": null}", &agreed)
    })
}

/// What the README tells, changed by `change`.
pub(crate) fn configure(person: &Operator<'_>, change: impl Fn(&str) -> String) -> Result<()> {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md"))?;
    let commands = readme
        .lines()
        .filter_map(|line| line.strip_prefix("sps> "))
        .filter(|command| command.starts_with("configuration set "));
    let mut seen = 0;
    for command in commands {
        person.run_and_see(&change(command), "Revision")?;
        seen += 1;
    }
    ensure!(seen == 5, "{seen} commands in the README");
    Ok(())
}

/// The session is found by its command, and its trail is there.
fn found(person: &Operator<'_>) -> Result<()> {
    let begun = Instant::now();
    loop {
        let list = one_line(&person.run("sessions search --text \"seen by the server\"")?);
        if list.contains(&format!("{HOST}:22 accept ssh-")) && list.contains("1 of 1") {
            return Ok(());
        }
        // It is in the database within a second.
        ensure!(begun.elapsed() < SOON, "{list}");
    }
}

/// What its screen showed is found, at its place.
fn shown(person: &Operator<'_>) -> Result<()> {
    let begun = Instant::now();
    loop {
        let list = one_line(&person.run("sessions search --content '\"by the server\" -absent'")?);
        // Once as the command and once as what it showed.
        if list.contains("1 of 1") && list.matches("seen [by the server]").count() == 2 {
            return Ok(());
        }
        ensure!(begun.elapsed() < SOON, "{list}");
    }
}

pub(crate) fn told(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}
