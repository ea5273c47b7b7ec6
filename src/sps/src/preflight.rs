//! The role `preflight`: the running firmware starts the binary of a new one as `sps preflight`, gives it a snapshot of the
//! appliance on standard input and reads its report from standard output. Not for people, and so in no help.
//!
//! It opens nothing: what starts it may take everything but those two from it. A snapshot that cannot be understood is
//! answered with a report that blocks; the exit status says only whether there is a report.

use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::process::ExitCode;

use sps_preflight::{MAX_SIZE, Report, Snapshot, judge, unreadable};

/// The version of this code.
const OWN: &str = env!("CARGO_PKG_VERSION");

/// Whether the arguments mean this role.
pub(crate) fn is_meant(arguments: impl Iterator<Item = impl AsRef<OsStr>>) -> bool {
    let mut arguments = arguments;
    arguments.next().is_some_and(|word| word.as_ref() == "preflight") && arguments.next().is_none()
}

/// Judges the appliance on standard input.
pub(crate) fn answer() -> ExitCode {
    match exchange(&mut io::stdin().lock(), &mut io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("could not exchange snapshot and report: {error}");
            ExitCode::FAILURE
        }
    }
}

fn exchange(input: &mut impl Read, output: &mut impl Write) -> io::Result<()> {
    let mut snapshot = Vec::new();
    // A byte more than may be there is enough to refuse it.
    input.take(MAX_SIZE as u64 + 1).read_to_end(&mut snapshot)?;
    let text = report(&snapshot).to_json().map_err(io::Error::other)?;
    output.write_all(&text)?;
    output.flush()
}

fn report(snapshot: &[u8]) -> Report {
    match Snapshot::from_json(snapshot) {
        Ok(snapshot) => judge(&snapshot, OWN),
        Err(error) => unreadable(&error, OWN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_bare_word_is_meant() {
        assert!(is_meant(["preflight"].into_iter()));
        assert!(!is_meant(["preflight", "--help"].into_iter()));
        assert!(!is_meant(["status"].into_iter()));
        assert!(!is_meant(std::iter::empty::<&str>()));
    }

    #[test]
    fn no_more_is_read_than_a_snapshot_may_have() {
        let mut endless = io::repeat(b' ');
        let mut output = Vec::new();
        exchange(&mut endless, &mut output).unwrap();
        let report = Report::from_json(&output).unwrap();
        assert!(!report.passed() && report.findings[0].problem.contains("more than"));
    }
}
