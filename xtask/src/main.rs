//! Builds, tests and measures the firmware.

fn main() {}
