//! One service's failure is its own: it is restarted, and the machine goes on.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use sps_boot_tests::{BOOT, Operator, SOON, machine};
use sps_harness::{Firmware, Testbed};

#[test]
fn a_service_that_crashes_is_restarted() -> Result<()> {
    story(
        "crash-service",
        r"failed \(.*fault crash-service.*\); restart 1 in",
    )
}

#[test]
fn a_service_that_panics_is_restarted() -> Result<()> {
    story("panic-service", r"failed \(.*panic.*\); restart 1 in")
}

fn story(fault: &str, failure: &str) -> Result<()> {
    let firmware = Firmware::built()?;
    Testbed::run(fault, 1, |bed| {
        let direct = firmware.direct(&[fault], bed.files())?;
        let mut guest = bed.start("appliance", machine().direct(direct))?;
        guest.expect(&format!("service {fault}: {failure}"), BOOT)?;
        // The medium's menu does not wait for a service that fails; behind it is the log.
        Operator::greeted(&guest)?.type_line("0")?;
        guest.expect("services healthy", BOOT)?;
        guest.serial().expect_anywhere("from DHCP server", SOON)?;
        let status = guest.https()?.json("/api/boot/status")?;
        let services = status["body"]["services"]
            .as_array()
            .context("a list of services")?;
        let service = services
            .iter()
            .find(|service| service["name"] == fault)
            .context("the service is shown")?;
        ensure!(service["state"] == "healthy", "{service}");
        ensure!(
            guest.qmp().wait_event("RESET", Duration::ZERO).is_err(),
            "the machine was reset"
        );
        guest.press_power_button()?;
        ensure!(guest.wait_exit(SOON)?.success());
        Ok(())
    })
}
