//! "The latest maintenance release of the feature releases before this one", made into rules when firmware is built.
//!
//! What was released is data of the repository, so a manifest holds versions and no reader must know what was current.

use std::collections::BTreeMap;

use super::rule::Rule;
use crate::version::{Channel, Version};

/// Rules for the `count` feature releases before `of`: each from the latest of its versions in `released` on.
#[must_use]
pub fn latest_maintenance(released: &[Version], of: Version, count: usize) -> Vec<Rule> {
    let mut latest = BTreeMap::new();
    let line = |version: Version| (version.major(), version.minor());
    let earlier = released
        .iter()
        .filter(|version| version.channel() == Channel::Feature && line(**version) < line(of));
    for version in earlier {
        let known = latest.entry(line(*version)).or_insert(*version);
        *known = (*known).max(*version);
    }
    let newest = latest.into_values().rev().take(count);
    newest.map(Rule::maintenance_of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_of_three_feature_releases() {
        let released = [
            "6.9.5", "6.9.4", "6.10.0", "6.0.12", "6.12.1", "6.12.0", "6.11.3", "6.13.0", "7.0.0", "7.1.0",
        ]
        .map(|text| text.parse().unwrap());
        let rules = |of: &str, count| {
            let rules = latest_maintenance(&released, of.parse().unwrap(), count);
            rules.into_iter().map(|rule| rule.to_string()).collect::<Vec<_>>()
        };
        let three = [">=6.12.1 in 6.12", ">=6.11.3 in 6.11", ">=6.10.0 in 6.10"];
        assert_eq!(rules("6.13.0", 3), three, "neither itself nor an LTS");
        assert_eq!(rules("7.0.3", 2), [">=6.13.0 in 6.13", ">=6.12.1 in 6.12"]);
        assert_eq!(rules("6.9.6", 3), [""; 0]);
        assert_eq!(rules("6.12.2", 9).len(), 3);
    }
}
