//! Words of a session's record (`sps-session-record`).

/// It came to its end.
pub(crate) const ACCEPT: &str = "accept";
/// The appliance ended it, or did not let it through.
pub(crate) const DENY: &str = "deny";
/// Nobody logged in.
pub(crate) const AUTH_FAIL: &str = "auth-fail";
/// There was no way to the server.
pub(crate) const FAIL: &str = "connection-failed";
/// Somebody or a content policy ended it.
pub(crate) const TERMINATED: &str = "terminated";

/// All of them.
pub(crate) const VERDICTS: [&str; 5] = [ACCEPT, DENY, AUTH_FAIL, FAIL, TERMINATED];
