//! A person at the serial line: opens the menu, chooses, types commands, reads answers.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use sps_harness::{Found, Guest};

use crate::appliance::{BOOT, SOON};

/// The console password of every appliance in these stories.
pub const PASSWORD: &str = "correct horse battery";
/// Writing firmware to a disk under emulation, on a shared machine.
const LONG: Duration = Duration::from_secs(300);

/// The person.
#[derive(Debug)]
pub struct Operator<'a> {
    guest: &'a Guest,
}

impl<'a> Operator<'a> {
    /// Waits for the menu that the medium and rescue open by themselves.
    ///
    /// # Errors
    /// When it does not come.
    pub fn greeted(guest: &'a Guest) -> Result<Self> {
        let operator = Self { guest };
        guest.expect("(?m)^Choice: ", BOOT)?;
        Ok(operator)
    }

    /// Opens the menu of an installed appliance and logs in; the first one chooses the password.
    ///
    /// # Errors
    /// When the menu does not open.
    pub fn log_in(guest: &'a Guest) -> Result<Self> {
        let operator = Self { guest };
        operator.type_line("")?;
        let asked = guest.expect("New password|Console password: ", SOON)?;
        operator.type_line(PASSWORD)?;
        if asked.groups[0].contains("New") {
            guest.expect("The same once more", SOON)?;
            operator.type_line(PASSWORD)?;
        }
        guest.expect("(?m)^Choice: ", SOON)?;
        Ok(operator)
    }

    /// Opens the menu of an appliance whose console password is this one.
    ///
    /// # Errors
    /// When it is another, or none.
    pub fn known(guest: &'a Guest, password: &str) -> Result<Self> {
        let operator = Self { guest };
        operator.type_line("")?;
        guest.expect("Console password: ", SOON)?;
        operator.type_line(password)?;
        guest.expect("(?m)^Choice: ", SOON)?;
        Ok(operator)
    }

    /// Installs from the medium on `disk`, whose content is shown with these words, and keeps its state and data.
    ///
    /// # Errors
    /// When that is not offered or fails.
    pub fn install_and_keep(&self, disk: &str, content: &str) -> Result<()> {
        self.choose("Install to a disk")?;
        self.expect(&format!("{disk}: .*{content}"))?;
        self.expect("(?m)^Choice: ")?;
        self.choose(&format!("{disk}:"))?;
        self.expect("(?m)^Choice: ")?;
        self.choose("Keep its configuration and data")?;
        self.expect(&format!("Type {disk} to go on"))?;
        self.type_line(disk)?;
        self.expect("(?s)Installed.*Choice: ").map(drop)
    }

    /// Types a line.
    ///
    /// # Errors
    /// When the guest has ended.
    pub fn type_line(&self, text: &str) -> Result<()> {
        self.guest.serial().send(&format!("{text}\r"))
    }

    /// Takes the choice of the menu shown whose title begins with `title`.
    ///
    /// # Errors
    /// When no such choice was shown.
    pub fn choose(&self, title: &str) -> Result<()> {
        let shown = self.guest.serial().text();
        let line = shown.lines().rev().find_map(|line| {
            let (number, rest) = line.trim().split_once(' ')?;
            let numbered = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
            (numbered && rest.trim().starts_with(title)).then(|| number.to_owned())
        });
        self.type_line(&line.with_context(|| format!("no choice {title:?} was shown"))?)
    }

    /// Waits for a text.
    ///
    /// # Errors
    /// When it does not come within five minutes.
    pub fn expect(&self, pattern: &str) -> Result<Found> {
        self.guest.expect(pattern, LONG)
    }

    /// Goes from the menu to the command line.
    ///
    /// # Errors
    /// When there is none.
    pub fn command_line(&self) -> Result<()> {
        self.choose("Command line")?;
        self.expect("sps> ").map(drop)
    }

    /// Runs a command at the command line; the answer is everything shown until the next prompt.
    ///
    /// # Errors
    /// When it does not end.
    pub fn run(&self, command: &str) -> Result<String> {
        self.type_line(command)?;
        let found = self.expect(r"(?s)(.*?)sps> ")?;
        Ok(found.groups[1].clone())
    }

    /// Tests the firmware in a slot and lets it boot after the next reboot.
    ///
    /// # Errors
    /// When its Test does not pass, or nothing is answered.
    pub fn test_and_activate(&self, slot: u8) -> Result<()> {
        self.run_and_see(&format!("firmware test {slot}"), ": passed")?;
        self.run_and_see(&format!("firmware activate {slot}"), "after reboot")
            .map(drop)
    }

    /// Restarts the machine from the command line, and is back there when the firmware of `slot` is healthy.
    ///
    /// # Errors
    /// When another one starts, or none.
    pub fn restart_into(&self, slot: u8) -> Result<Self> {
        self.type_line("reboot")?;
        self.guest.qmp().wait_event("RESET", SOON)?;
        self.guest.expect(&format!("started from slot {slot}"), BOOT)?;
        self.guest.expect("the firmware is healthy", BOOT)?;
        let person = Self::log_in(self.guest)?;
        person.command_line()?;
        Ok(person)
    }

    /// Runs a command whose answer must contain `wanted`.
    ///
    /// # Errors
    /// When it does not.
    pub fn run_and_see(&self, command: &str, wanted: &str) -> Result<String> {
        let answer = self.run(command)?;
        ensure!(
            answer.contains(wanted),
            "`{command}` did not say {wanted:?}: {answer}"
        );
        Ok(answer)
    }
}

/// A text without line breaks and repeated spaces: answers are wrapped for a screen.
#[must_use]
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
