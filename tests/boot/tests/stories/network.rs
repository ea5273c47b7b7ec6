//! First boot on the networks people have: none, one that works beside one that does not, one without DHCP.

use std::net::{Ipv4Addr, SocketAddrV4};

use anyhow::{Result, ensure};
use sps_boot_tests::{BOOT, SOON, check_boot_page, wait_healthy};
use sps_harness::{End, Firmware, Frame, Machine, Model, Nic, Peer, Testbed};

const FALLBACK: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 1);

#[test]
fn without_a_card_it_says_so_and_runs() -> Result<()> {
    let firmware = Firmware::built()?;
    Testbed::run("no-card", 1, |bed| {
        let machine = Machine::new()
            .watchdog()
            .direct(firmware.direct(&[], bed.files())?);
        let mut guest = bed.start("appliance", machine)?;
        wait_healthy(&guest)?;
        guest
            .serial()
            .expect_anywhere("no network interface found: add a network card", BOOT)?;
        guest.press_power_button()?;
        ensure!(guest.wait_exit(SOON)?.success());
        Ok(())
    })
}

#[test]
fn a_dead_card_does_not_hold_up_the_other() -> Result<()> {
    let firmware = Firmware::built()?;
    Testbed::run("dead-card", 1, |bed| {
        let live = Nic::user().model(Model::E1000e).forward(80).forward(443);
        let machine = Machine::new().nic(Nic::user().dead()).nic(live);
        let guest = bed.start("appliance", machine.direct(firmware.direct(&[], bed.files())?))?;
        wait_healthy(&guest)?;
        check_boot_page(&guest, &firmware)?;
        ensure!(
            !guest.serial().said("fallback: no DHCP server answered")?,
            "the fallback address was taken"
        );
        Ok(())
    })
}

#[test]
fn without_dhcp_it_is_at_the_fallback_address() -> Result<()> {
    let firmware = Firmware::built()?;
    Testbed::run("no-dhcp", 1, |bed| {
        let cable = bed.link("cable")?;
        let mut person = Peer::new(&cable, End::B, Ipv4Addr::new(192, 168, 1, 77), 24)?;
        let machine = Machine::new()
            .nic(cable.nic(End::A))
            .direct(firmware.direct(&[], bed.files())?);
        let guest = bed.start("appliance", machine)?;
        wait_healthy(&guest)?;
        guest
            .serial()
            .expect_anywhere(r"address 192\.168\.1\.1/24 \(fallback", BOOT)?;
        let (_, next) = cable.wait_frame(0, SOON, is_discover)?;
        let (_, next) = cable.wait_frame(next, SOON, |frame| is_arp(frame, [0; 4]))?;
        cable.wait_frame(next, SOON, |frame| is_arp(frame, FALLBACK.octets()))?;
        let request = b"GET / HTTP/1.1\r\nHost: 192.168.1.1\r\nConnection: close\r\n\r\n";
        let answer = person.exchange(SocketAddrV4::new(FALLBACK, 80), request, SOON)?;
        let answer = String::from_utf8_lossy(&answer).to_ascii_lowercase();
        ensure!(
            answer.starts_with("http/1.1 30") && answer.contains("https://192.168.1.1"),
            "{answer}"
        );
        Ok(())
    })
}

#[test]
fn a_fallback_address_in_use_is_not_taken() -> Result<()> {
    let firmware = Firmware::built()?;
    Testbed::run("fallback-in-use", 1, |bed| {
        let cable = bed.link("cable")?;
        let _owner = Peer::new(&cable, End::B, FALLBACK, 24)?;
        let machine = Machine::new()
            .nic(cable.nic(End::A))
            .direct(firmware.direct(&[], bed.files())?);
        let guest = bed.start("appliance", machine)?;
        let line = r"fallback address 192\.168\.1\.1 is in use by 52:54:00:53:ff:01, not taken";
        wait_healthy(&guest)?;
        guest.serial().expect_anywhere(line, BOOT)?;
        let claim = |frame: &Frame| frame.from == End::A && is_arp(frame, FALLBACK.octets());
        ensure!(
            cable.wait_frame(0, std::time::Duration::ZERO, claim).is_err(),
            "it claimed the address"
        );
        Ok(())
    })
}

/// An ARP request from the appliance for the fallback address, sent by `sender` (none in a probe; RFC 5227).
fn is_arp(frame: &Frame, sender: [u8; 4]) -> bool {
    let bytes = &frame.bytes;
    let for_fallback = bytes.len() >= 42 && bytes[12..14] == [8, 6] && bytes[38..42] == FALLBACK.octets();
    frame.from == End::A && for_fallback && bytes[28..32] == sender
}

/// A datagram to the DHCP server's port (UDP 67).
fn is_discover(frame: &Frame) -> bool {
    let bytes = &frame.bytes;
    let is_udp = bytes.len() > 42 && bytes[12..14] == [8, 0] && bytes[14] == 0x45 && bytes[23] == 17;
    is_udp && bytes[36..38] == [0, 67]
}
