//! The role `index-trail`: the appliance starts its own binary so, in a sandbox, gives it an audit trail on standard input and reads what it
//! shows from standard output. Not for people, and so in no help.
//!
//! It opens nothing: what starts it may take everything but those two from it.

use std::ffi::OsStr;
use std::io;
use std::process::ExitCode;

/// The word that means it.
pub(crate) const ROLE: &str = "index-trail";

/// Whether the arguments mean this role.
pub(crate) fn is_meant(arguments: impl Iterator<Item = impl AsRef<OsStr>>) -> bool {
    let mut arguments = arguments;
    arguments.next().is_some_and(|word| word.as_ref() == ROLE) && arguments.next().is_none()
}

/// Reads the trail on standard input.
pub(crate) fn answer() -> ExitCode {
    match sps_indexer::answer(&mut io::stdin().lock(), &mut io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("could not read the audit trail: {error}");
            ExitCode::FAILURE
        }
    }
}
