//! Does the new firmware run on this hardware?

use crate::finding::{Found, Severity};
use crate::snapshot::Snapshot;
use crate::text::list;

const SETTING: &str = "Basic Settings > System > Version details";

pub(crate) fn check(snapshot: &Snapshot) -> Vec<Found> {
    let supported = &snapshot.candidate.hardware;
    match &snapshot.facts.hardware {
        None => vec![Found::unknown(SETTING, "its hardware type")],
        Some(own) if supported.contains(own) => Vec::new(),
        Some(own) => vec![Found::new(
            Severity::Blocks,
            SETTING,
            format!(
                "this machine is of the type {own}; the new firmware runs on: {}",
                list(supported)
            ),
            "stay with the running LTS, or move to a supported machine and restore a backup there",
        )],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example::{ready, severities, with};

    #[test]
    fn only_supported_hardware_passes() {
        assert_eq!(check(&ready()), []);
        let other = check(&with(|facts| facts.hardware = Some("safeguard-3000".to_owned())));
        assert_eq!(severities(&other), [Severity::Blocks]);
        assert!(other[0].problem.contains("safeguard-3000") && other[0].problem.contains("generic-x86-64"));
        let unknown = check(&with(|facts| facts.hardware = None));
        assert_eq!(severities(&unknown), [Severity::Warning]);
    }
}
