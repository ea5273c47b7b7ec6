//! The memory of the machine and of this process, as the kernel tells it.

use std::fs;

use sps_proxy_ssh::Memory;

/// Bytes of a page on x86-64.
const PAGE: u64 = 4096;

/// The memory now; nothing where `/proc` does not tell it. Reads three small files, which takes some microseconds.
#[must_use]
pub fn memory() -> Option<Memory> {
    let total_and_available = fs::read_to_string("/proc/meminfo").ok()?;
    let resident = fs::read_to_string("/proc/self/statm").ok()?;
    // A kernel without pressure has no such file.
    let pressure = fs::read_to_string("/proc/pressure/memory").unwrap_or_default();
    of(&total_and_available, &resident, &pressure)
}

/// proc(5): `meminfo` in KiB, the second number of `statm` in pages; `full avg10` of PSI.
fn of(meminfo: &str, statm: &str, pressure: &str) -> Option<Memory> {
    let line = |name: &str| -> Option<u64> {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(name))?;
        let kib: u64 = line.strip_suffix("kB")?.trim().parse().ok()?;
        Some(kib * 1024)
    };
    let pages: u64 = statm.split(' ').nth(1)?.parse().ok()?;
    let full = pressure.lines().find_map(|line| line.strip_prefix("full avg10="));
    let stalled = full.and_then(|rest| rest.split(' ').next()?.parse().ok());
    Some(Memory {
        total: line("MemTotal:")?,
        available: line("MemAvailable:")?,
        resident: pages * PAGE,
        stalled: stalled.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_tells_is_read() {
        let meminfo =
            "MemTotal:         497396 kB\nMemFree:           22000 kB\nMemAvailable:     334000 kB\n";
        let pressure = "some avg10=1.00 avg60=0.00 avg300=0.00 total=1\nfull avg10=12.50 avg60=0.00 avg300=0.00 total=0\n";
        let read = of(meminfo, "9000 6000 100 50 0 700 0\n", pressure);
        let memory = Memory {
            total: 497_396 << 10,
            available: 334_000 << 10,
            resident: 6000 << 12,
            stalled: 12.5,
        };
        assert_eq!(read, Some(memory));
        assert_eq!(
            of(meminfo, "9000 6000", "").map(|memory| memory.stalled),
            Some(0.0)
        );
        assert_eq!(of("", "9000 6000", ""), None);
    }

    #[test]
    fn this_machine_tells_its_memory() {
        let memory = memory().unwrap();
        assert!(memory.resident > 0 && memory.resident < memory.total && memory.available <= memory.total);
    }
}
