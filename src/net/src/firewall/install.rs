//! Replacing the rules.

use netlink_packet_core::{NLM_F_ACK, NetlinkPayload};
use sps_net_engine::Ruleset;

use super::encode::{Request, batch};
use super::exchange::{Answer, FirewallError, exchange};

/// Puts `ruleset` in the place of every rule in the appliance's table, also those of an earlier process, all at once.
/// Connections that stand are not touched. Takes some milliseconds of the kernel's time and never waits.
///
/// # Errors
/// The kernel refused something: then what was in force before still is.
pub fn install(ruleset: &Ruleset) -> Result<(), FirewallError> {
    let mut requests = batch(ruleset);
    let answers = exchange(&mut requests)?;
    match requests
        .iter()
        .find(|request| !is_acknowledged(request, &answers))
    {
        Some(silent) => Err(FirewallError::Silent {
            object: silent.object.clone(),
        }),
        None => Ok(()),
    }
}

fn is_acknowledged(request: &Request, answers: &[Answer]) -> bool {
    let header = request.message.header;
    let asked = header.flags & NLM_F_ACK != 0;
    !asked
        || answers.iter().any(|answer| {
            answer.header.sequence_number == header.sequence_number
                && matches!(&answer.payload, NetlinkPayload::Error(error) if error.code.is_none())
        })
}
