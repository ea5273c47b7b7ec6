//! Does the new firmware still have the interface each plugin needs?

use std::ops::RangeInclusive;

use crate::finding::{Found, Severity};
use crate::snapshot::{Plugin, Snapshot};
use crate::text::list;

const SETTING: &str = "Basic Settings > Plugins";
/// Plugin interfaces that this firmware has.
const INTERFACES: RangeInclusive<u32> = 1..=1;

pub(crate) fn check(snapshot: &Snapshot) -> Vec<Found> {
    let Some(plugins) = &snapshot.facts.plugins else {
        return vec![Found::unknown(SETTING, "which plugins are installed")];
    };
    let old = named(plugins, |plugin| plugin.api < *INTERFACES.start());
    let new = named(plugins, |plugin| plugin.api > *INTERFACES.end());
    let too_old = old.map(|names| {
        Found::new(
            Severity::Warning,
            SETTING,
            format!("these plugins need an interface that the new firmware no longer has, and will not work: {names}"),
            "get newer versions of them and upload these right after the upgrade",
        )
    });
    let too_new = new.map(|names| {
        Found::new(
            Severity::Warning,
            SETTING,
            format!("these plugins need an interface that the new firmware does not have, and will not work: {names}"),
            "get the versions of them for the new firmware and upload these right after the upgrade",
        )
    });
    too_old.into_iter().chain(too_new).collect()
}

/// The plugins that are meant, or nothing.
fn named(plugins: &[Plugin], meant: impl Fn(&Plugin) -> bool) -> Option<String> {
    let mut meant = plugins.iter().filter(|plugin| meant(plugin)).peekable();
    meant.peek()?;
    Some(list(meant.map(|plugin| {
        format!("{} {} (interface {})", plugin.name, plugin.version, plugin.api)
    })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example::{plugin, ready, severities, with};

    #[test]
    fn plugins_whose_interface_is_gone_are_named() {
        assert_eq!(check(&ready()), []);
        let some = vec![plugin("okta", 7), plugin("radius", 1), plugin("old", 0)];
        let found = check(&with(|facts| facts.plugins = Some(some)));
        assert_eq!(severities(&found), [Severity::Warning, Severity::Warning]);
        assert!(found[0].problem.ends_with(": old 2.1 (interface 0)"), "{found:?}");
        assert!(
            found[1].problem.ends_with(": okta 2.1 (interface 7)"),
            "{found:?}"
        );
        assert_eq!(
            severities(&check(&with(|facts| facts.plugins = None))),
            [Severity::Warning]
        );
    }
}
