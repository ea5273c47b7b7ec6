//! One running QEMU: its process, serial line and control connection.
//!
//! The serial line is the process's standard output and QMP its standard input, both as socket pairs: no
//! paths, no ports, nobody else can connect, and both close when QEMU ends.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use regex::Regex;
use serde_json::{Value, json};

use crate::machine::{FirmwareKind, Machine, OVMF_VARS, QEMU};
use crate::process::Process;
use crate::qmp::Qmp;
use crate::serial::{Found, Serial};

/// A running guest; dropping it ends its QEMU.
#[derive(Debug)]
pub struct Guest {
    role: String,
    process: Process,
    serial: Serial,
    qmp: Qmp,
    powered_on: Instant,
    logs: PathBuf,
}

impl Guest {
    /// Starts `machine`: QEMU is started paused, cables are pulled where asked for, then the power goes on.
    pub(crate) fn start(role: &str, machine: &Machine, logs: &Path, vars: &Path) -> Result<Self> {
        if machine.firmware_kind() == FirmwareKind::Uefi {
            fs::copy(OVMF_VARS, vars).with_context(|| format!("copy {OVMF_VARS} (Debian package ovmf)"))?;
        }
        let (serial, serial_end) = UnixStream::pair().context("make the serial line's sockets")?;
        let (qmp, qmp_end) = UnixStream::pair().context("make the QMP sockets")?;
        let errors = logs.join("qemu.log");
        let mut command = Command::new(QEMU);
        command
            .args(machine.arguments(Some(vars))?)
            .args(["-chardev", "socket,id=serial,fd=1", "-serial", "chardev:serial"])
            .args([
                "-chardev",
                "socket,id=qmp,fd=0",
                "-mon",
                "chardev=qmp,mode=control",
                "-S",
            ])
            .stdin(OwnedFd::from(qmp_end))
            .stdout(OwnedFd::from(serial_end))
            .stderr(File::create(&errors).with_context(|| format!("create {}", errors.display()))?);
        let process = Process::spawn(&mut command)
            .with_context(|| format!("{role} needs the Debian package qemu-system-x86"))?;
        // Our copies of the guest's ends must go, or the lines would not close with QEMU.
        drop(command);
        let said = || fs::read_to_string(&errors).unwrap_or_default();
        Self::attach(role, process, serial, qmp, logs)
            .and_then(|guest| guest.power_on(machine))
            .with_context(|| format!("{role}: QEMU did not start: {}", said()))
    }

    fn attach(
        role: &str,
        process: Process,
        serial: UnixStream,
        qmp: UnixStream,
        logs: &Path,
    ) -> Result<Self> {
        let serial = Serial::open(serial, &logs.join("serial.log"))?;
        let qmp = Qmp::open(qmp, &logs.join("qmp.log"))?;
        let powered_on = Instant::now();
        Ok(Self {
            role: role.into(),
            process,
            serial,
            qmp,
            powered_on,
            logs: logs.into(),
        })
    }

    fn power_on(mut self, machine: &Machine) -> Result<Self> {
        for (index, nic) in machine.nics().iter().enumerate() {
            if nic.is_dead() {
                self.set_link(index, false)?;
            }
        }
        self.powered_on = Instant::now();
        self.resume()?;
        Ok(self)
    }

    /// Waits for a text on the serial line; see [`Serial::expect`].
    ///
    /// # Errors
    /// When it does not come in time or the guest ends before.
    pub fn expect(&self, pattern: &str, timeout: Duration) -> Result<Found> {
        self.serial
            .expect(pattern, timeout)
            .with_context(|| self.role.clone())
    }

    /// The serial line.
    #[must_use]
    pub fn serial(&self) -> &Serial {
        &self.serial
    }

    /// The control connection.
    #[must_use]
    pub fn qmp(&self) -> &Qmp {
        &self.qmp
    }

    /// When the power went on.
    #[must_use]
    pub fn powered_on(&self) -> Instant {
        self.powered_on
    }

    /// Where the guest's TCP port can be reached from here: 127.0.0.1 and the port QEMU chose.
    ///
    /// # Errors
    /// When no card forwards that port.
    pub fn address(&self, port: u16) -> Result<SocketAddr> {
        let text = self.qmp.monitor("info usernet")?;
        let line = Regex::new(&format!(
            r"(?m)TCP\[HOST_FORWARD\]\s+\d+\s+\S+\s+(\d+)\s+\S+\s+{port}\s"
        ))?;
        let found = line
            .captures(&text)
            .ok_or_else(|| anyhow!("{}: port {port} is not forwarded", self.role))?;
        Ok((Ipv4Addr::LOCALHOST, found[1].parse::<u16>()?).into())
    }

    /// The guest's plain web server, port 80.
    ///
    /// # Errors
    /// When no card forwards that port.
    #[cfg(feature = "web")]
    pub fn http(&self) -> Result<crate::Web> {
        Ok(crate::Web::new(self.address(80)?, false))
    }

    /// The guest's web server with TLS, port 443.
    ///
    /// # Errors
    /// When no card forwards that port.
    #[cfg(feature = "web")]
    pub fn https(&self) -> Result<crate::Web> {
        Ok(crate::Web::new(self.address(443)?, true))
    }

    /// Plugs the cable of card `nic` in or pulls it.
    ///
    /// # Errors
    /// When there is no such card.
    pub fn set_link(&self, nic: usize, up: bool) -> Result<()> {
        self.run("set_link", &json!({"name": format!("nic{nic}"), "up": up}))
    }

    /// Freezes the guest's processors.
    ///
    /// # Errors
    /// When QEMU has ended.
    pub fn pause(&self) -> Result<()> {
        self.run("stop", &json!({}))
    }

    /// Lets a frozen guest go on.
    ///
    /// # Errors
    /// When QEMU has ended.
    pub fn resume(&self) -> Result<()> {
        self.run("cont", &json!({}))
    }

    /// Presses the reset button.
    ///
    /// # Errors
    /// When QEMU has ended.
    pub fn reset(&self) -> Result<()> {
        self.run("system_reset", &json!({}))
    }

    /// Presses the power button: the guest is asked by ACPI to shut down.
    ///
    /// # Errors
    /// When QEMU has ended.
    pub fn press_power_button(&self) -> Result<()> {
        self.run("system_powerdown", &json!({}))
    }

    /// Presses keys together on the keyboard, by QEMU's names (`ctrl`, `alt`, `delete`, …).
    ///
    /// # Errors
    /// When QEMU has ended or knows no such key.
    pub fn press_keys(&self, keys: &[&str]) -> Result<()> {
        let keys: Vec<_> = keys
            .iter()
            .map(|key| json!({"type": "qcode", "data": key}))
            .collect();
        self.run("send-key", &json!({"keys": keys}))
    }

    /// Sends a non-maskable interrupt.
    ///
    /// # Errors
    /// When QEMU has ended.
    pub fn inject_nmi(&self) -> Result<()> {
        self.run("inject-nmi", &json!({}))
    }

    /// Writes a picture of the screen (PNG) to `path`.
    ///
    /// # Errors
    /// When QEMU has ended or cannot write there.
    pub fn screenshot(&self, path: &Path) -> Result<()> {
        self.run("screendump", &json!({"filename": path, "format": "png"}))
    }

    /// Waits until QEMU ends by itself: the guest powered off, or rebooted under
    /// [`Machine::no_reboot`](crate::Machine::no_reboot).
    ///
    /// # Errors
    /// When it did not end within `timeout`.
    pub fn wait_exit(&mut self, timeout: Duration) -> Result<ExitStatus> {
        self.process.wait(timeout).with_context(|| self.role.clone())
    }

    /// Pulls the plug: QEMU is killed at once, whatever it had not written is lost.
    ///
    /// # Errors
    /// When the process cannot be killed.
    pub fn cut_power(mut self) -> Result<()> {
        self.process.kill().with_context(|| self.role.clone())
    }

    fn run(&self, command: &str, arguments: &Value) -> Result<()> {
        self.qmp
            .execute(command, arguments)
            .map(drop)
            .with_context(|| self.role.clone())
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        // The last picture helps whoever reads the logs of a failed test; it decides nothing.
        if self.process.is_running() {
            let _unjudged = self.screenshot(&self.logs.join("screen.png"));
        }
    }
}
