//! The appliance: one static binary, PID 1 and command line.

fn main() {}
