//! Sessions through a booted appliance: OpenSSH's client on this machine, the appliance, OpenSSH's server on this machine.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use crate::browser::Story;
use anyhow::{Context, Result, ensure};
use serde_json::json;
use sps_boot_tests::{BOOT, Installed, Operator, PASSWORD, SOON, one_line, power_off, ssh_client};
use sps_harness::{Guest, Machine, Nic, Sshd, Testbed};
use sps_trail::{Kind, Playback, State};

/// The server as the guest sees it, in QEMU's own network.
const HOST: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 100);

/// Connection policies are set on the appliance, a person goes through it by naming the server in the user name, and the session is in the
/// database with its command and its trail, which another start still has. Another host key stops everything.
#[test]
fn ssh_goes_through_the_appliance_and_leaves_a_session() -> Result<()> {
    Testbed::run("sessions", 1, |bed| {
        let server = Sshd::start("")?;
        let disk = Installed::fresh(bed)?;
        let program = server.for_one_connection()?;
        let machine = || {
            let card = Nic::user().forward(22).forward(443);
            let card = card.server(SocketAddrV4::new(HOST, 22), &program);
            Machine::new().watchdog().nic(card).disk(disk.disk())
        };
        let guest = bed.start("appliance", machine())?;
        guest.expect("the firmware is healthy", BOOT)?;
        let person = Operator::log_in(&guest)?;
        person.command_line()?;
        set_up(&person, false)?;
        greeted(&guest)?;
        let through = |name: &str, command: &str| -> Result<Output> {
            let mut ssh = ssh_client(bed, "ssh", guest.address(22)?.port(), Sshd::PASSWORD)?;
            ssh.args(["-o", "ConnectTimeout=20", "-l", name, "127.0.0.1", command]);
            ssh.output().context("start ssh")
        };
        let name = format!("{}@{HOST}", Sshd::USER);
        let said = through(&name, "echo seen by the server; exit 5")?;
        ensure!(
            said.status.code() == Some(5) && told(&said).contains("seen by the server"),
            "{}: {}",
            said.status,
            told(&said)
        );
        let refused = through(&format!("{}@192.0.2.1", Sshd::USER), "true")?;
        ensure!(
            told(&refused).contains("not among the servers"),
            "{}",
            told(&refused)
        );
        found(&person)?;
        power_off(guest)?;

        let guest = bed.start("again", machine())?;
        guest.expect("the firmware is healthy", BOOT)?;
        greeted(&guest)?;
        let person = Operator::known(&guest, PASSWORD)?;
        person.command_line()?;
        found(&person)?;
        still_known(&guest, bed, &name)?;
        drop(server);
        power_off(guest)
    })
}

/// What the server runs until somebody ends it.
const COUNTS: &str = "i=0; while sleep 0.5; do i=$((i+1)); echo count $i; done";

/// In a browser: somebody agrees to a session, follows it, ends it, finds it and plays it.
#[test]
fn a_session_is_agreed_to_followed_ended_and_played_in_a_browser() -> Result<()> {
    Testbed::run("sessions-browser", 1, |bed| {
        let server = Sshd::start("")?;
        let disk = Installed::fresh(bed)?;
        let program = server.for_one_connection()?;
        let card = Nic::user().forward(22).forward(443);
        let card = card.server(SocketAddrV4::new(HOST, 22), &program);
        let guest = bed.start("appliance", Machine::new().watchdog().nic(card).disk(disk.disk()))?;
        guest.expect("the firmware is healthy", BOOT)?;
        let person = Operator::log_in(&guest)?;
        person.command_line()?;
        set_up(&person, true)?;
        greeted(&guest)?;
        let mut ssh = ssh_client(bed, "ssh", guest.address(22)?.port(), Sshd::PASSWORD)?;
        let name = format!("{}@{HOST}", Sshd::USER);
        ssh.args(["-tt", "-o", "ConnectTimeout=20", "-l", &name, "127.0.0.1", COUNTS]);
        let ssh = ssh
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let ssh = ssh.spawn().context("start ssh")?;
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
        let server = Sshd::start("")?;
        let disk = Installed::fresh(bed)?;
        let program = server.for_one_connection()?;
        let machine = || {
            let card = Nic::user().forward(22).forward(443);
            let card = card.server(SocketAddrV4::new(HOST, 22), &program);
            Machine::new().watchdog().nic(card).disk(disk.disk())
        };
        let guest = bed.start("appliance", machine())?;
        guest.expect("the firmware is healthy", BOOT)?;
        let person = Operator::log_in(&guest)?;
        person.command_line()?;
        set_up(&person, false)?;
        greeted(&guest)?;
        let mut ssh = ssh_client(bed, "ssh", guest.address(22)?.port(), Sshd::PASSWORD)?;
        let name = format!("{}@{HOST}", Sshd::USER);
        ssh.args(["-tt", "-o", "ConnectTimeout=20", "-l", &name, "127.0.0.1", COUNTS]);
        let ssh = ssh
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut ssh = ssh.spawn().context("start ssh")?;
        let shown = ssh.stdout.take().context("ssh shows nothing")?;
        let counted = BufReader::new(shown).lines().map_while(Result::ok);
        // Two counts a second: what is five counts old is on the disk.
        let last = counted.take(12).last().context("ssh shows nothing")?;
        guest.cut_power()?;
        let _gone = ssh.kill();
        ssh.wait()?;
        ensure!(last.trim() == "count 12", "{last:?}");
        disk.with_data(|root| {
            let read = what_the_trail_shows(root)?;
            ensure!(read.contains("count 1\r") && read.contains("count 7\r"), "{read}");
            Ok(())
        })?;

        let guest = bed.start("again", machine())?;
        guest.expect("the firmware is healthy", BOOT)?;
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
fn greeted(guest: &Guest) -> Result<()> {
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

/// The same host key for clients, and the same server behind it.
fn still_known(guest: &Guest, bed: &Testbed, name: &str) -> Result<()> {
    let port = guest.address(22)?.port();
    let mut ssh = ssh_client(bed, "ssh", port, Sshd::PASSWORD)?;
    ssh.args(["-o", "ConnectTimeout=20", "-l", name, "127.0.0.1", "echo again"]);
    let said = ssh.output().context("start ssh")?;
    ensure!(told(&said).contains("again"), "{}: {}", said.status, told(&said));
    Ok(())
}

/// The connection policy and what belongs to it.
fn set_up(person: &Operator<'_>, four_eyes: bool) -> Result<()> {
    let channel = json!([{"kind": "exec", "audit": true, "from": [], "content_policy": null, "time_policy": null, "user_list": null,
        "four_eyes": four_eyes}]);
    let authentication =
        json!({"gateway": [], "relayed": ["password"], "gssapi": false, "user_database": null});
    let settings = json!({"idle_timeout_seconds": 3600, "ciphers": []});
    let connection = json!({
        "name": "servers", "enabled": true, "from": ["0.0.0.0/0"], "to": ["0.0.0.0/0"], "port": 22,
        "destination": {"kind": "inband", "targets": [{"host": HOST, "port": 22}]},
        "channel_policy": "commands", "authentication_policy": "relayed", "settings": "usual", "audit_policy": null,
        "host_keys": {"rsa": null, "ed25519": null},
    });
    for (path, value) in [
        ("channel_policies/commands", channel),
        ("authentication_policies/relayed", authentication),
        ("settings/usual", settings),
        ("connections/servers", connection),
    ] {
        let command = format!("configuration set connections/ssh/{path} '{value}'");
        person.run_and_see(&command, "Revision")?;
    }
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

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}
