//! The appliance: one static binary. Which role it plays depends on how it was started; each role has one file.
//!
//! This crate wires the rooms together and does nothing else: it turns one room's values into another's, names the
//! services and their limits, and lists the phases of the boot.
//!
//! **Invariant:** as PID 1 it never returns from [`pid1::run`] but by a kernel that refuses to reboot.

mod backend;
mod boot;
mod command_line;
mod consoles;
mod drbd_helper;
mod faults;
mod gauges;
mod identity;
mod indexer;
mod node;
mod parameters;
mod pid1;
mod poweroff;
mod preflight;
mod services;
mod show;
mod space;

use std::process::ExitCode;

fn main() -> ExitCode {
    let name = std::env::args_os().next().unwrap_or_default();
    // First: in its own namespace it is process 1 as well.
    if sps_sandbox::is_meant(&name) {
        return sps_sandbox::enter(std::env::args_os().skip(1));
    }
    if std::process::id() == 1 {
        return pid1::run();
    }
    if drbd_helper::is_meant(&name) {
        return drbd_helper::answer();
    }
    if preflight::is_meant(std::env::args_os().skip(1)) {
        return preflight::answer();
    }
    if indexer::is_meant(std::env::args_os().skip(1)) {
        return indexer::answer();
    }
    match poweroff::by_name(&name) {
        Some(request) => poweroff::ask(request),
        None => command_line::run(),
    }
}
