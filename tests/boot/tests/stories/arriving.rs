//! Ways on which firmware gets to an appliance that does its work, besides browser and stick.

use std::io::Read;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use sps_boot_tests::{BOOT, Installed, Operator, PASSWORD, SOON, power_off, ssh_client};
use sps_harness::{Firmware, Guest, Testbed};
use sps_image::build::repack::Changes;
use sps_image::version::Version;

/// Password of the web user, who also sends firmware by SSH.
const WEB_PASSWORD: &str = "correct horse staple";

/// Off until somebody switches it on; then OpenSSH's scp brings a file into a slot, and nothing else is there. What a URL names is
/// fetched from everywhere but the appliance itself.
#[test]
fn firmware_is_sent_by_ssh_and_never_fetched_from_the_appliance_itself() -> Result<()> {
    Testbed::run("arriving", 1, |bed| {
        let changes = Changes {
            version: Some(Version::new(0, 2, 0)),
            ..Changes::default()
        };
        let next = Firmware::built()?.repack(&changes, &bed.files().join("next.iso"))?;
        let disk = Installed::fresh(bed)?;
        let guest = bed.start("appliance", disk.machine())?;
        guest.expect("the firmware is healthy", BOOT)?;
        set_up(&guest)?;
        let send = |file: &Path| -> Result<Output> {
            let mut scp = ssh_client(bed, "scp", guest.address(22)?.port(), WEB_PASSWORD)?;
            scp.args(["-o", "ConnectTimeout=10"])
                .arg(file)
                .arg("admin@127.0.0.1:/firmware/");
            scp.output().context("start scp")
        };
        ensure!(!is_greeting(&guest)?, "it was on before anybody switched it on");

        let person = Operator::known(&guest, PASSWORD)?;
        person.command_line()?;
        person.run("firmware ssh-upload on")?;
        greets(&guest, true)?;
        let sent = send(next.iso())?;
        ensure!(sent.status.success(), "{}: {}", sent.status, told(&sent));
        person.run_and_see("firmware list", "0.2.0")?;
        let refused = send(&std::env::current_exe()?)?;
        ensure!(!refused.status.success(), "a file that is no firmware was taken");
        let mut shell = ssh_client(bed, "ssh", guest.address(22)?.port(), WEB_PASSWORD)?;
        let shell = shell.args(["admin@127.0.0.1", "status"]).output()?;
        ensure!(
            !shell.status.success(),
            "a command was carried out: {}",
            told(&shell)
        );

        let digits = "0".repeat(64);
        for own in ["https://127.0.0.1/x.iso", "https://10.0.2.15/x.iso"] {
            let command = format!("firmware fetch {own} --sha256 {digits}");
            person.run_and_see(&command, "nothing is fetched from there")?;
        }
        person.run("firmware ssh-upload off")?;
        greets(&guest, false)?;
        power_off(guest)
    })
}

/// The wizard, by REST; both passwords.
fn set_up(guest: &Guest) -> Result<()> {
    let form = json!({
        "administration": { "admin_password": WEB_PASSWORD, "console_password": PASSWORD },
        "network": { "host_name": "gate-01" },
    });
    let output = Command::new("curl")
        .args([
            "-ksS",
            "--fail-with-body",
            "--max-time",
            "60",
            "-d",
            &form.to_string(),
        ])
        .arg(format!("https://{}/api/setup", guest.address(443)?))
        .output()
        .context("start curl")?;
    ensure!(output.status.success(), "{}", told(&output));
    Ok(())
}

/// Waits until somebody speaks SSH there, or nobody does.
fn greets(guest: &Guest, wanted: bool) -> Result<()> {
    let begun = Instant::now();
    while is_greeting(guest)? != wanted {
        ensure!(begun.elapsed() < SOON, "SSH is there: {}", !wanted);
    }
    Ok(())
}

/// Whether somebody speaks SSH there within a second.
fn is_greeting(guest: &Guest) -> Result<bool> {
    let mut stream = TcpStream::connect(guest.address(22)?)?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    let mut greeting = [0; 4];
    Ok(stream.read_exact(&mut greeting).is_ok() && greeting == *b"SSH-")
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}
