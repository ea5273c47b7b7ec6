//! The shim alone, for the tests.

use std::process::ExitCode;

fn main() -> ExitCode {
    sps_sandbox::enter(std::env::args_os().skip(1))
}
