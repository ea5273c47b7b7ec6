//! LDAP servers that must answer faster than a login with a second factor needs.
//!
//! Source: upgrade guides of 6.3 and 7.0: at least 120 seconds where users are authenticated by such a server.

use serde_json::Value;

use super::{Found, Subject};
use crate::finding::Severity;

const LEAST_SECONDS: u64 = 120;
/// The first layout whose guide says so.
const SINCE: u32 = 3;

pub(super) fn check(subject: &Subject<'_>) -> Vec<Found> {
    if subject.to < SINCE {
        return Vec::new();
    }
    let servers = subject.named("/policies/ldap_servers");
    servers
        .filter_map(|(name, server)| {
            let seconds = server.get("timeout_seconds").and_then(Value::as_u64)?;
            (seconds < LEAST_SECONDS).then(|| {
                Found::new(
                    Severity::Warning,
                    format!("Policies > LDAP Servers > {name}"),
                    format!("the server must answer within {seconds} seconds: logins may fail"),
                    format!("set its timeout to at least {LEAST_SECONDS} seconds"),
                )
            })
        })
        .collect()
}
