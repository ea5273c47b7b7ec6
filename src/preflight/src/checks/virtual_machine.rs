//! A virtual machine can be put back as it was; a machine that may be one is asked about it too.

use super::FIRMWARES;
use crate::finding::{Found, Severity};
use crate::snapshot::Snapshot;

pub(crate) fn check(snapshot: &Snapshot) -> Vec<Found> {
    let facts = &snapshot.facts;
    if facts.acknowledged.snapshot || facts.virtual_machine == Some(false) {
        return Vec::new();
    }
    vec![Found::new(
        Severity::Reminder,
        FIRMWARES,
        "nobody confirmed that there is a snapshot of the virtual machine",
        "take one in the hypervisor, best while the appliance is shut down, and confirm it on the page of the upgrade",
    )]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example::{ready, severities, with};

    #[test]
    fn virtual_machines_are_asked_until_it_is_confirmed() {
        assert_eq!(check(&ready()), []);
        let asked = |machine| {
            check(&with(|facts| {
                facts.virtual_machine = machine;
                facts.acknowledged.snapshot = false;
            }))
        };
        assert_eq!(severities(&asked(Some(true))), [Severity::Reminder]);
        assert_eq!(severities(&asked(None)), [Severity::Reminder]);
        assert_eq!(asked(Some(false)), []);
    }
}
