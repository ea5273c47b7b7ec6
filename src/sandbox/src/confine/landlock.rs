//! Landlock: no file, no connection, no signal to others, whatever the rest lets through.

use std::io;

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetError,
    RulesetStatus, Scope,
};

use crate::shim::{Doing, Problem};

/// Since Linux 6.12.
const KNOWN: ABI = ABI::V6;

/// Forbids all that Landlock knows.
pub(crate) fn landlock() -> Result<(), Problem> {
    let status = restrict().map_err(io::Error::other).doing("use Landlock")?;
    match status {
        RulesetStatus::FullyEnforced => Ok(()),
        _ => Err(io::Error::from(io::ErrorKind::Unsupported)).doing("use the whole of Landlock"),
    }
}

fn restrict() -> Result<RulesetStatus, RulesetError> {
    let rules = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(KNOWN))?
        .handle_access(AccessNet::from_all(KNOWN))?
        .scope(Scope::from_all(KNOWN))?;
    Ok(rules.create()?.restrict_self()?.ruleset)
}
